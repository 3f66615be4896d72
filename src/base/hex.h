// Lower-case hexadecimal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep {

// Two lower-case digits a byte.
std::string hex_encode(std::string_view bytes);

// Accepts both cases, an even number of digits. Error: parse_error.
Result<std::string> hex_decode(std::string_view digits);

}  // namespace lockstep
