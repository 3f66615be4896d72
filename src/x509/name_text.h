// The RFC 4514 text of a name's DER.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::x509 {

// Error: parse_error.
Result<std::string> name_to_text(std::string_view der);

// Code points of a well-formed UTF-8 text; nothing for another.
std::optional<std::size_t> utf8_length(std::string_view text);

bool is_printable_string(std::string_view text);

}  // namespace lockstep::x509
