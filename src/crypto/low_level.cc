#include "crypto/low_level.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/openssl_error.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lockstep::crypto::low_level {

namespace {

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

const EC_GROUP* p256() {
  static const OpensslPointer<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  LOCKSTEP_CHECK(group != nullptr);
  return group.get();
}

OpensslPointer<EC_POINT> decode_point(std::string_view bytes) {
  if (bytes.size() != 65 || bytes[0] != 0x04) return nullptr;
  OpensslPointer<EC_POINT> point(EC_POINT_new(p256()));
  // The function checks that the point is on the curve. The curve's cofactor is 1, so that is all there is to check.
  if (point && EC_POINT_oct2point(p256(), point.get(), octets(bytes), bytes.size(), nullptr) != 1) point.reset();
  return point;
}

// What a verification that did not say yes comes to: a lack of memory is no verdict.
Result<bool> not_verified(std::string_view what) {
  if (drop_openssl_errors()) return fail(ErrorCode::resource_exhausted, std::string(what) + ": out of memory");
  return false;
}

}  // namespace

bool is_p256_point(std::string_view point) {
  const bool valid = decode_point(point) != nullptr;
  if (!valid) drop_openssl_errors();
  return valid;
}

Result<bool> verify_p256(std::string_view point, std::string_view digest, std::string_view signature) {
  LOCKSTEP_CHECK(digest.size() == 32);
  // One key object per thread: setting its curve copies the curve, and that is not needed again for every signature.
  static thread_local const OpensslPointer<EC_KEY> key = [] {
    OpensslPointer<EC_KEY> made(EC_KEY_new());
    if (made && EC_KEY_set_group(made.get(), p256()) != 1) made.reset();
    return made;
  }();
  constexpr std::string_view kWhat = "cannot verify an ECDSA signature";
  if (!key) return fail(openssl_error(kWhat));
  const OpensslPointer<EC_POINT> decoded = decode_point(point);
  if (!decoded) return not_verified(kWhat);
  if (EC_KEY_set_public_key(key.get(), decoded.get()) != 1) return fail(openssl_error(kWhat));
  if (signature.size() > 72) return false;
  const int verdict =
      ECDSA_verify(0, octets(digest), 32, octets(signature), static_cast<int>(signature.size()), key.get());
  if (verdict == 1) return true;
  return not_verified(kWhat);
}

Result<bool> verify_rsa(std::string_view modulus, std::string_view exponent, std::string_view digest,
                        std::string_view signature) {
  LOCKSTEP_CHECK(digest.size() == 32 && modulus.size() <= 2048 && exponent.size() <= 2048);
  constexpr std::string_view kWhat = "cannot verify an RSA signature";
  const OpensslPointer<RSA> key(RSA_new());
  BIGNUM* n = BN_bin2bn(octets(modulus), static_cast<int>(modulus.size()), nullptr);
  BIGNUM* e = BN_bin2bn(octets(exponent), static_cast<int>(exponent.size()), nullptr);
  if (!key || n == nullptr || e == nullptr || RSA_set0_key(key.get(), n, e, nullptr) != 1) {
    BN_free(n);
    BN_free(e);
    return fail(openssl_error(kWhat));
  }
  if (signature.size() != modulus.size()) return false;
  const int verdict =
      RSA_verify(NID_sha256, octets(digest), 32, octets(signature), static_cast<unsigned>(signature.size()), key.get());
  if (verdict == 1) return true;
  return not_verified(kWhat);
}

OpensslPointer<evp_pkey_st> p256_from_pem(std::string_view pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, void (*)(PKCS8_PRIV_KEY_INFO*)> info(
      bio ? PEM_read_bio_PKCS8_PRIV_KEY_INFO(bio.get(), nullptr, nullptr, nullptr) : nullptr, PKCS8_PRIV_KEY_INFO_free);
  const unsigned char* bytes = nullptr;
  int length = 0;
  const X509_ALGOR* algorithm = nullptr;
  OpensslPointer<evp_pkey_st> key;
  if (info && PKCS8_pkey_get0(nullptr, &bytes, &length, &algorithm, info.get()) == 1) {
    const ASN1_OBJECT* kind = nullptr;
    const void* curve = nullptr;
    int curve_type = 0;
    X509_ALGOR_get0(&kind, &curve_type, &curve, algorithm);
    const bool accepted = OBJ_obj2nid(kind) == NID_X9_62_id_ecPublicKey && curve_type == V_ASN1_OBJECT &&
                          OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(curve)) == NID_X9_62_prime256v1;
    OpensslPointer<EC_KEY> ec(accepted ? EC_KEY_new() : nullptr);
    EC_KEY* made = ec.get();
    const bool read = ec && EC_KEY_set_group(made, p256()) == 1 && d2i_ECPrivateKey(&made, &bytes, length) == ec.get();
    key.reset(read ? EVP_PKEY_new() : nullptr);
    if (key && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1) key.reset();
  }
  if (!key) drop_openssl_errors();
  return key;
}

OpensslPointer<ec_key_st> ec_key_of(evp_pkey_st* key) { return OpensslPointer<EC_KEY>(EVP_PKEY_get1_EC_KEY(key)); }
OpensslPointer<rsa_st> rsa_of(evp_pkey_st* key) { return OpensslPointer<RSA>(EVP_PKEY_get1_RSA(key)); }

Result<std::string> sign_p256(ec_key_st* key, std::string_view digest) {
  LOCKSTEP_CHECK(digest.size() == 32);
  std::string signature(static_cast<std::size_t>(ECDSA_size(key)), '\0');
  unsigned int length = 0;
  if (ECDSA_sign(0, octets(digest), 32, octets(signature), &length, key) != 1)
    return fail(openssl_error("cannot make an ECDSA signature"));
  signature.resize(length);
  return signature;
}

Result<std::string> sign_rsa(rsa_st* key, std::string_view digest) {
  LOCKSTEP_CHECK(digest.size() == 32);
  std::string signature(static_cast<std::size_t>(RSA_size(key)), '\0');
  unsigned int length = 0;
  if (RSA_sign(NID_sha256, octets(digest), 32, octets(signature), &length, key) != 1)
    return fail(openssl_error("cannot make an RSA signature"));
  signature.resize(length);
  return signature;
}

}  // namespace lockstep::crypto::low_level
