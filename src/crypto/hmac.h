// HMAC-SHA-256 (RFC 2104), for External Account Binding (RFC 8555 section 7.3.4).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::crypto {

// 32 raw bytes. Error: crypto_failure.
Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace lockstep::crypto
