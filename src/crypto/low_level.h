// ECDSA P-256 and RSA by OpenSSL's low-level functions.
//
// They are deprecated, and used on purpose: in OpenSSL 3.0 decoding a public key into an EVP_PKEY costs several times
// as much as verifying a signature with it, and the signing context of an EVP_PKEY as much as an ECDSA signature.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/openssl_pointer.h"

namespace lockstep::crypto::low_level {

// True for an uncompressed point (0x04, x, y) on the curve.
bool is_p256_point(std::string_view point);

// `digest` is SHA-256, 32 bytes. False for a signature that does not verify or is no signature at all.
Result<bool> verify_p256(std::string_view point, std::string_view digest, std::string_view signature);
// Modulus and exponent are magnitudes, most significant octet first.
Result<bool> verify_rsa(std::string_view modulus, std::string_view exponent, std::string_view digest,
                        std::string_view signature);

// A P-256 key from PEM of the label "PRIVATE KEY" (PKCS #8, RFC 5208). Empty for everything else, without an error left
// behind: the general decoder of OpenSSL 3.0 reads all kinds, and takes a millisecond to find out which.
OpensslPointer<evp_pkey_st> p256_from_pem(std::string_view pem);

// Takes the key out of an EVP_PKEY of the right type. Both may be used from several threads at once.
OpensslPointer<ec_key_st> ec_key_of(evp_pkey_st* key);
OpensslPointer<rsa_st> rsa_of(evp_pkey_st* key);
Result<std::string> sign_p256(ec_key_st* key, std::string_view digest);
Result<std::string> sign_rsa(rsa_st* key, std::string_view digest);

}  // namespace lockstep::crypto::low_level
