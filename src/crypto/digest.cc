#include "crypto/digest.h"

#include <openssl/sha.h>

#include <array>

#include "base/error.h"
#include "base/hex.h"

// SHA256_* rather than EVP: they need no provider. Setting one up costs a command half a millisecond, for the same code
// that then runs.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lockstep::crypto {

// A digest has no input that can make it fail: a failure is a broken OpenSSL, and ends the program.
struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { LOCKSTEP_CHECK(SHA256_Init(&state_->context) == 1); }

Sha256::Sha256(const Sha256& other) : state_(std::make_unique<State>(*other.state_)) {}

Sha256& Sha256::operator=(const Sha256& other) {
  if (this != &other) *this = Sha256(other);
  return *this;
}

Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  LOCKSTEP_CHECK(SHA256_Update(&state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish_hex() { return hex_encode(finish_raw()); }

std::string Sha256::finish_raw() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  LOCKSTEP_CHECK(SHA256_Final(digest.data(), &state_->context) == 1);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

bool is_sha256_hex(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string sha1(std::string_view bytes) {
  SHA_CTX context;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  LOCKSTEP_CHECK(SHA1_Init(&context) == 1 && SHA1_Update(&context, bytes.data(), bytes.size()) == 1 &&
                 SHA1_Final(digest.data(), &context) == 1);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace lockstep::crypto
