#include "crypto/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "crypto/openssl_error.h"

namespace lockstep::crypto {

namespace {

const EVP_MD* method(HmacDigest digest) {
  switch (digest) {
    case HmacDigest::sha256: return EVP_sha256();
    case HmacDigest::sha384: return EVP_sha384();
    case HmacDigest::sha512: return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

Result<std::string> hmac(HmacDigest digest, std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  if (HMAC(method(digest), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &length) == nullptr) {
    return fail(openssl_error("cannot compute an HMAC"));
  }
  return std::string(reinterpret_cast<const char*>(out.data()), length);
}

bool equal_secrets(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace lockstep::crypto
