#include "crypto/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "crypto/openssl_error.h"

namespace lockstep::crypto {

Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
           bytes.size(), digest.data(), &length) == nullptr)
    return fail(openssl_error("cannot compute an HMAC"));
  return std::string(reinterpret_cast<const char*>(digest.data()), length);
}

}  // namespace lockstep::crypto
