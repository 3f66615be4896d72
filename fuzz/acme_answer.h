// What the fuzzers ask of every refusal of a CA's answer.
#pragma once

#include "property.h"

namespace lockstep::fuzz {

// An error is printed, logged and kept in the certificate's state: it says something, on one line, and not too much.
inline void check_error(const Error& error) {
  constexpr std::size_t kMost = 16U * 1024U;
  require(!error.message.empty(), "an error says something");
  require(error.message.size() + error.hint.size() <= kMost, "an error is of a bounded length", error.message);
  for (const std::string* text : {&error.message, &error.hint}) {
    for (const char c : *text)
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "an error has no control characters", *text);
  }
}

}  // namespace lockstep::fuzz
