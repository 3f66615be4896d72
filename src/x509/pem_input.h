// One object from a file that may be PEM or DER, with errors that say what the file holds instead.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::x509 {

struct ExpectedInput {
  std::string_view label;      // PEM label
  std::string_view noun;       // "certificate", "request"
  std::string_view name;       // what errors call the input
  std::string_view synonym{};  // another label for the same thing, if there is one
};

// The DER of the one object of the expected kind. Error: parse_error beginning with "failed to parse NOUN from NAME";
// for requests the noun in that sentence is "CSR".
Result<std::string> single_der(std::string_view bytes, const ExpectedInput& expected);

}  // namespace lockstep::x509
