// HMAC (RFC 2104) with the digests of the SHA-2 family, for the transaction signatures of DNS (RFC 8945 section 6).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::crypto {

enum class HmacDigest { sha256, sha384, sha512 };

// 32, 48 or 64 raw bytes. Error: crypto_failure.
Result<std::string> hmac(HmacDigest digest, std::string_view key, std::string_view bytes);

// Compares in a time that does not tell where the first difference is.
bool equal_secrets(std::string_view one, std::string_view other);

}  // namespace lockstep::crypto
