// What the fuzzers check properties with. A violation ends the process, which libFuzzer reports with its input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::fuzz {

inline void require(bool holds, std::string_view property, std::string_view details = {}) {
  if (holds) return;
  std::fprintf(stderr, "== property violated: %.*s\n%.*s\n", static_cast<int>(property.size()), property.data(),
               static_cast<int>(details.size()), details.data());
  std::abort();
}

// The value of something that must succeed.
template <class T>
const T& must(const Result<T>& result, std::string_view property) {
  require(result.has_value(), property, result ? std::string_view() : std::string_view(result.error().message));
  return *result;
}

inline std::string_view text_of(const unsigned char* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace lockstep::fuzz
