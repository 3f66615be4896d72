// How much a test may spend: `./test --deep` sets LOCKSTEP_DEEP=1.
#pragma once

#include <cstdlib>
#include <string_view>

namespace lockstep::testing {

inline bool deep() {
  const char* value = std::getenv("LOCKSTEP_DEEP");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace lockstep::testing
