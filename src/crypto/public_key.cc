// Public keys: which ones are accepted, and verifying with them.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/der.h"
#include "crypto/digest.h"
#include "crypto/low_level.h"
#include "crypto/openssl_error.h"
#include "crypto/private_key.h"

namespace lockstep::crypto {

namespace {

using std::string_view_literals::operator""sv;

// AlgorithmIdentifiers: id-ecPublicKey with prime256v1; rsaEncryption with NULL.
constexpr std::string_view kP256Key =
    "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"sv;
constexpr std::string_view kRsaKey = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"sv;

constexpr std::string_view kRsaPss = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"sv;  // object identifier

// FIPS 186-5 A.1.1 allows no larger public exponent; without a bound it would set the price of a verification.
constexpr std::size_t kMaxExponentOctets = 32;

struct PublicKey {
  KeyAlgorithm algorithm = KeyAlgorithm::other;
  std::string_view point;
  std::string_view modulus;
  std::string_view exponent;
};

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

bool parse_rsa(std::string_view bits, PublicKey& key) {
  const auto sequence = der::parse_single(bits, der::kSequence, "RSA key");
  if (!sequence) return false;
  der::Reader reader(*sequence);
  der::Element modulus;
  der::Element exponent;
  if (!reader.next_is(der::kInteger) || !reader.read(modulus)) return false;
  if (!reader.next_is(der::kInteger) || !reader.read(exponent) || !reader.at_end()) return false;
  const auto n = der::parse_unsigned(modulus, "modulus");
  const auto e = der::parse_unsigned(exponent, "exponent");
  if (!n || n->size() != 256 || ((*n)[0] & 0x80) == 0 || (n->back() & 1) == 0) return false;
  if (!e || e->size() < 3 || e->size() > kMaxExponentOctets || (e->back() & 1) == 0) return false;
  key = PublicKey{KeyAlgorithm::rsa_2048, {}, *n, *e};
  return true;
}

// The parts of a key in one of the accepted forms; `other` for everything else. That the point is on the curve is left
// to whoever uses it.
PublicKey parse_accepted(std::string_view public_key_info) {
  PublicKey key;
  const auto sequence = der::parse_single(public_key_info, der::kSequence, "public key");
  if (!sequence) return key;
  der::Reader reader(*sequence);
  der::Element algorithm;
  der::Element bits;
  if (!reader.read(algorithm) || !reader.next_is(der::kBitString) || !reader.read(bits) || !reader.at_end()) return key;
  if (bits.content.empty() || bits.content[0] != 0) return key;
  const std::string_view value = bits.content.substr(1);
  if (algorithm.whole == kP256Key) {
    if (value.size() == 65 && value[0] == 0x04) key = PublicKey{KeyAlgorithm::ecdsa_p256, value, {}, {}};
  } else if (algorithm.whole == kRsaKey) {
    if (!parse_rsa(value, key)) key = PublicKey{};
  }
  return key;
}

Result<bool> verify_accepted(const PublicKey& key, std::string_view bytes, std::string_view signature) {
  Sha256 sha256;
  sha256.update(bytes);
  const std::string digest = sha256.finish_raw();
  if (key.algorithm == KeyAlgorithm::ecdsa_p256) return low_level::verify_p256(key.point, digest, signature);
  return low_level::verify_rsa(key.modulus, key.exponent, digest, signature);
}

// An AlgorithmIdentifier's parameters are left out or NULL; only RSASSA-PSS has more to say. OpenSSL ignores what
// stands there for the others, and it is not part of what is signed.
bool has_known_parameters(std::string_view signature_algorithm) {
  const auto content = der::parse_single(signature_algorithm, der::kSequence, "algorithm");
  if (!content) return false;
  der::Reader reader(*content);
  der::Element element;
  if (!reader.next_is(der::kObjectId) || !reader.read(element)) return false;
  if (reader.at_end() || element.content == kRsaPss) return true;
  return reader.read(element) && reader.at_end() && element.tag == der::kNull && element.content.empty();
}

Result<OpensslPointer<EVP_PKEY>> decode_public_key(std::string_view public_key_info) {
  const unsigned char* position = octets(public_key_info);
  OpensslPointer<EVP_PKEY> key(d2i_PUBKEY(nullptr, &position, static_cast<long>(public_key_info.size())));
  if (!key || position != octets(public_key_info) + public_key_info.size()) {
    if (drop_openssl_errors()) return fail(ErrorCode::resource_exhausted, "cannot read a public key: out of memory");
    return fail(ErrorCode::unsupported_key, "a public key is malformed or of an unknown kind");
  }
  return key;
}

Result<bool> not_verified() {
  if (drop_openssl_errors()) return fail(ErrorCode::resource_exhausted, "cannot verify a signature: out of memory");
  return false;
}

}  // namespace

Result<bool> verify_signature(std::string_view public_key_info, std::string_view bytes, std::string_view signature) {
  const PublicKey accepted = parse_accepted(public_key_info);
  if (accepted.algorithm != KeyAlgorithm::other) return verify_accepted(accepted, bytes, signature);
  const auto key = TRY(decode_public_key(public_key_info));
  const OpensslPointer<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const EVP_MD* digest = EVP_PKEY_is_a(key.get(), "ED25519") == 1 ? nullptr : EVP_sha256();
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) != 1)
    return fail(openssl_error("cannot verify a signature"));
  if (EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(bytes), bytes.size()) == 1)
    return true;
  return not_verified();
}

Result<bool> verify_signature(std::string_view public_key_info, std::string_view bytes, std::string_view signature,
                              std::string_view signature_algorithm) {
  const PublicKey accepted = parse_accepted(public_key_info);
  if ((accepted.algorithm == KeyAlgorithm::ecdsa_p256 && signature_algorithm == kEcdsaWithSha256) ||
      (accepted.algorithm == KeyAlgorithm::rsa_2048 && signature_algorithm == kRsaWithSha256))
    return verify_accepted(accepted, bytes, signature);
  if (!has_known_parameters(signature_algorithm)) return false;

  const auto key = TRY(decode_public_key(public_key_info));
  // ASN1_item_verify knows every algorithm with its parameters. It wants the signed bytes as an object that it encodes
  // again: an ANY keeps the encoding that it was read from.
  const unsigned char* position = octets(signature_algorithm);
  const OpensslPointer<X509_ALGOR> algorithm(
      d2i_X509_ALGOR(nullptr, &position, static_cast<long>(signature_algorithm.size())));
  position = octets(bytes);
  const OpensslPointer<ASN1_TYPE> content(d2i_ASN1_TYPE(nullptr, &position, static_cast<long>(bytes.size())));
  const OpensslPointer<ASN1_STRING> bits(ASN1_BIT_STRING_new());
  if (!algorithm || !content || !bits) return not_verified();
  if (ASN1_STRING_set(bits.get(), signature.data(), static_cast<int>(signature.size())) != 1)
    return fail(openssl_error("cannot verify a signature"));
  bits->flags = (bits->flags & ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07L)) | ASN1_STRING_FLAG_BITS_LEFT;
  if (ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm.get(), bits.get(), content.get(), key.get()) == 1)
    return true;
  return not_verified();
}

Result<KeyAlgorithm> classify_public_key_info(std::string_view public_key_info) {
  const PublicKey key = parse_accepted(public_key_info);
  const bool accepted = key.algorithm == KeyAlgorithm::rsa_2048 ||
                        (key.algorithm == KeyAlgorithm::ecdsa_p256 && low_level::is_p256_point(key.point));
  if (!accepted)
    return fail(ErrorCode::unsupported_key, "unsupported key algorithm in CSR. Supported: ECDSA P-256, RSA 2048");
  return key.algorithm;
}

}  // namespace lockstep::crypto
