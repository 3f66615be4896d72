// Private keys: making, reading, writing (PKCS#8 PEM) and signing with SHA-256.
//
// A PrivateKey is immutable and may be used from several threads at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/key_algorithm.h"
#include "crypto/openssl_pointer.h"

namespace lockstep::crypto {

class PrivateKey {
 public:
  // A new key pair from OpenSSL's generator. Error: crypto_failure.
  static Result<PrivateKey> generate(KeyAlgorithm algorithm);
  static Result<PrivateKey> generate(KeyType type);
  // One unencrypted private key in PEM ("PRIVATE KEY", and "EC PRIVATE KEY"/"RSA PRIVATE KEY" on input).
  // `name` is what errors call it. Errors: parse_error (junk, several keys, encrypted), unsupported_key.
  static Result<PrivateKey> from_pem(std::string_view pem, std::string_view name);

  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  [[nodiscard]] KeyAlgorithm algorithm() const;
  // PKCS#8, unencrypted, "PRIVATE KEY".
  [[nodiscard]] Result<SecretBytes> to_pem() const;
  // DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of the public half.
  [[nodiscard]] const std::string& public_key_info() const;
  // Signature with SHA-256 over the bytes: ECDSA-Sig-Value DER, or RSASSA-PKCS1-v1_5.
  [[nodiscard]] Result<std::string> sign(std::string_view bytes) const;
  // The same over a SHA-256 digest of 32 raw bytes, for contents that are hashed piece by piece.
  // Error: unsupported_key for Ed25519, which signs no digests.
  [[nodiscard]] Result<std::string> sign_digest(std::string_view digest) const;
  // The signature of a JSON Web Signature with this key, and its algorithm's name (RFC 7518 3.1): RS256 for RSA, ES256
  // with the two numbers side by side for P-256. Error: unsupported_key for every other kind.
  [[nodiscard]] Result<std::string> sign_jose(std::string_view bytes) const;
  [[nodiscard]] Result<std::string_view> jose_algorithm() const;
  // DER AlgorithmIdentifier of the signatures that sign() makes.
  [[nodiscard]] std::string_view signature_algorithm() const;

 private:
  struct State;
  explicit PrivateKey(std::unique_ptr<State> state);
  static Result<PrivateKey> adopt(OpensslPointer<evp_pkey_st> key);
  std::unique_ptr<State> state_;
};

// True when the signature over the bytes verifies under the public key (DER SubjectPublicKeyInfo in an accepted form).
// Errors: unsupported_key, crypto_failure. A wrong signature is `false`, not an error.
Result<bool> verify_signature(std::string_view public_key_info, std::string_view bytes, std::string_view signature);
// The same for a signature that says how it was made (DER AlgorithmIdentifier), with every algorithm that OpenSSL
// knows. An algorithm that does not go with the key is `false`.
Result<bool> verify_signature(std::string_view public_key_info, std::string_view bytes, std::string_view signature,
                              std::string_view signature_algorithm);

// DER AlgorithmIdentifiers of the signatures that are made here.
inline constexpr std::string_view kEcdsaWithSha256{"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12};
inline constexpr std::string_view kRsaWithSha256{"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 15};
inline constexpr std::string_view kEd25519{"\x30\x05\x06\x03\x2b\x65\x70", 7};

// The algorithm of a DER SubjectPublicKeyInfo in the one accepted form: P-256 as a named curve with an uncompressed
// point on the curve; RSA with NULL parameters, a 2048-bit modulus and an odd exponent from 65537 up.
// Error: unsupported_key.
Result<KeyAlgorithm> classify_public_key_info(std::string_view public_key_info);

}  // namespace lockstep::crypto
