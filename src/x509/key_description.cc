// Public keys in words.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>

#include "crypto/openssl_error.h"
#include "crypto/openssl_pointer.h"
#include "x509/certificate.h"

namespace lockstep::x509 {

namespace {

// "P-384" where NIST gave the curve a name, else OpenSSL's: "secp256k1".
std::string curve_name(EVP_PKEY* key) {
  std::array<char, 80> name{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) return "on its own curve";
  const std::string curve(name.data(), length);
  if (curve == "prime256v1") return "P-256";
  if (curve == "secp384r1") return "P-384";
  if (curve == "secp521r1") return "P-521";
  return curve;
}

}  // namespace

std::string describe_public_key(std::string_view public_key_info) {
  const auto accepted = crypto::classify_public_key_info(public_key_info);
  if (accepted) return std::string(crypto::info(*accepted).display_name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(public_key_info.data());
  const crypto::OpensslPointer<EVP_PKEY> key(d2i_PUBKEY(nullptr, &bytes, static_cast<long>(public_key_info.size())));
  crypto::drop_openssl_errors();
  if (!key) return "unknown key";
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_RSA: return "RSA " + std::to_string(EVP_PKEY_get_bits(key.get()));
    case EVP_PKEY_EC: return "ECDSA " + curve_name(key.get());
    case EVP_PKEY_ED25519: return "Ed25519";
    default: break;
  }
  const char* name = EVP_PKEY_get0_type_name(key.get());
  return name == nullptr ? "unknown key" : std::string(name);
}

}  // namespace lockstep::x509
