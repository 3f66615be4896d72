// Base64 in its URL-safe form without padding (RFC 4648 section 5), as JOSE and ACME use it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep {

std::string base64url_encode(std::string_view bytes);
// Accepts no padding and no other characters; unused bits are zero. Error: parse_error.
Result<std::string> base64url_decode(std::string_view text);

}  // namespace lockstep
