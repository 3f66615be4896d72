#include "crypto/private_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>

#include "crypto/der.h"
#include "crypto/digest.h"
#include "crypto/low_level.h"
#include "crypto/openssl_error.h"

namespace lockstep::crypto {

struct PrivateKey::State {
  OpensslPointer<EVP_PKEY> key;
  OpensslPointer<ec_key_st> ec;  // the accepted kinds sign without an EVP_PKEY context
  OpensslPointer<rsa_st> rsa;
  KeyAlgorithm algorithm = KeyAlgorithm::other;
  std::string public_key_info;
};

namespace {

constexpr int kSmallestRsaBits = 2048;

// The size alone does not tell: secp256k1 and the Brainpool curves have 256 bits too.
bool is_nist_curve(EVP_PKEY* key) {
  std::array<char, 80> name{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) return false;
  const std::string_view curve(name.data(), length);
  return curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1";
}

// What a key that was read may be: the accepted kinds, and those that other tools make for certificates we install.
bool is_usable(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC: return is_nist_curve(key);
    case EVP_PKEY_RSA: return EVP_PKEY_get_bits(key) >= kSmallestRsaBits;
    case EVP_PKEY_ED25519: return true;
    default: return false;
  }
}

Result<std::string> encode_public_key(EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int length = i2d_PUBKEY(key, &encoded);
  if (length <= 0) return fail(openssl_error("cannot encode a public key"));
  std::string bytes(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length));
  OPENSSL_free(encoded);
  return bytes;
}

// Asked for by an encrypted key: nobody is there to ask, and a prompt would hang a service.
int refuse_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

struct PemWipe {
  void operator()(BIO* bio) const {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    if (data != nullptr && length > 0) OPENSSL_cleanse(data, static_cast<std::size_t>(length));
    BIO_free(bio);
  }
};

std::size_t count_keys(std::string_view pem) {
  constexpr std::string_view kBegin = "PRIVATE KEY-----";
  std::size_t count = 0;
  for (std::size_t at = pem.find("-----BEGIN "); at != std::string_view::npos; at = pem.find("-----BEGIN ", at + 1)) {
    const std::string_view line = pem.substr(at, pem.find('\n', at) - at);
    if (line.find(kBegin) != std::string_view::npos) ++count;
  }
  return count;
}

// RFC 7518 3.4: R and S of an ECDSA-Sig-Value as 32 octets each, side by side.
Result<std::string> jose_signature(std::string_view encoded) {
  constexpr std::size_t kNumber = 32;
  const std::string_view content = TRY(der::parse_single(encoded, der::kSequence, "a signature"));
  der::Reader reader(content);
  std::string joined;
  for (int i = 0; i < 2; ++i) {
    const der::Element element = TRY(reader.expect(der::kInteger, "a signature's number"));
    const std::string_view number = TRY(der::parse_unsigned(element, "a signature's number"));
    if (number.size() > kNumber) return fail(ErrorCode::crypto_failure, "a signature's number is too large");
    joined.append(kNumber - number.size(), '\0').append(number);
  }
  return joined;
}

}  // namespace

PrivateKey::PrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

Result<PrivateKey> PrivateKey::adopt(OpensslPointer<evp_pkey_st> key) {
  auto state = std::make_unique<State>();
  state->public_key_info = TRY(encode_public_key(key.get()));
  const auto algorithm = classify_public_key_info(state->public_key_info);
  state->algorithm = algorithm ? *algorithm : KeyAlgorithm::other;
  if (state->algorithm == KeyAlgorithm::ecdsa_p256) state->ec = low_level::ec_key_of(key.get());
  if (state->algorithm == KeyAlgorithm::rsa_2048) state->rsa = low_level::rsa_of(key.get());
  state->key = std::move(key);
  return PrivateKey(std::move(state));
}

Result<PrivateKey> PrivateKey::generate(KeyAlgorithm algorithm) {
  constexpr unsigned kRsaBits = 2048;
  EVP_PKEY* made = algorithm == KeyAlgorithm::rsa_2048 ? EVP_RSA_gen(kRsaBits) : EVP_EC_gen("P-256");
  OpensslPointer<evp_pkey_st> key(made);
  if (!key) return fail(openssl_error("cannot make a key"));
  return adopt(std::move(key));
}

Result<PrivateKey> PrivateKey::generate(KeyType type) {
  EVP_PKEY* made = nullptr;
  switch (type) {
    case KeyType::rsa2048: made = EVP_RSA_gen(2048U); break;
    case KeyType::rsa3072: made = EVP_RSA_gen(3072U); break;
    case KeyType::rsa4096: made = EVP_RSA_gen(4096U); break;
    case KeyType::ec256: made = EVP_EC_gen("P-256"); break;
    case KeyType::ec384: made = EVP_EC_gen("P-384"); break;
  }
  OpensslPointer<evp_pkey_st> key(made);
  if (!key) return fail(openssl_error("cannot make a key"));
  return adopt(std::move(key));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, std::string_view name) {
  const auto bad = [&](const std::string& why, const std::string& hint = {}) {
    return fail(ErrorCode::parse_error, "failed to parse private key from " + std::string(name) + ": " + why, hint);
  };
  const std::size_t count = count_keys(pem);
  if (count == 0) return bad("it holds no private key in PEM");
  if (count > 1) return bad("it holds " + std::to_string(count) + " private keys; give one");
  if (OpensslPointer<evp_pkey_st> common = low_level::p256_from_pem(pem)) return adopt(std::move(common));
  const OpensslPointer<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return fail(openssl_error("cannot read a private key"));
  bool asked = false;
  OpensslPointer<evp_pkey_st> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, &asked));
  if (!key) {
    drop_openssl_errors();
    if (asked) return bad("it is encrypted", "decrypt it first: openssl pkey -in FILE -out FILE");
    return bad("it is not a private key that can be read");
  }
  if (!is_usable(key.get())) {
    return fail(ErrorCode::unsupported_key, "the private key in " + std::string(name) + " is of an unsupported kind",
                "use ECDSA on P-256, P-384 or P-521, RSA of 2048 bits or more, or Ed25519");
  }
  return adopt(std::move(key));
}

KeyAlgorithm PrivateKey::algorithm() const { return state_->algorithm; }

const std::string& PrivateKey::public_key_info() const { return state_->public_key_info; }

Result<SecretBytes> PrivateKey::to_pem() const {
  const std::unique_ptr<BIO, PemWipe> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(openssl_error("cannot encode a private key"));
  }
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return SecretBytes(std::string(data, static_cast<std::size_t>(length)));
}

std::string_view PrivateKey::signature_algorithm() const {
  switch (EVP_PKEY_get_base_id(state_->key.get())) {
    case EVP_PKEY_EC: return kEcdsaWithSha256;
    case EVP_PKEY_RSA: return kRsaWithSha256;
    default: return kEd25519;
  }
}

Result<std::string> PrivateKey::sign(std::string_view bytes) const {
  if (state_->algorithm != KeyAlgorithm::other) {
    Sha256 digest;
    digest.update(bytes);
    return sign_digest(digest.finish_raw());
  }
  const OpensslPointer<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const EVP_MD* digest = EVP_PKEY_get_base_id(state_->key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  std::size_t length = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, state_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, data, bytes.size()) != 1) {
    return fail(openssl_error("cannot sign"));
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, data, bytes.size()) !=
      1) {
    return fail(openssl_error("cannot sign"));
  }
  signature.resize(length);
  return signature;
}

Result<std::string> PrivateKey::sign_digest(std::string_view digest) const {
  if (state_->ec) return low_level::sign_p256(state_->ec.get(), digest);
  if (state_->rsa) return low_level::sign_rsa(state_->rsa.get(), digest);
  return fail(ErrorCode::unsupported_key, "this kind of key does not sign a digest");
}

Result<std::string_view> PrivateKey::jose_algorithm() const {
  if (state_->algorithm == KeyAlgorithm::ecdsa_p256) return "ES256";
  if (EVP_PKEY_get_base_id(state_->key.get()) == EVP_PKEY_RSA) return "RS256";
  return fail(ErrorCode::unsupported_key, "this kind of key makes no JSON Web Signatures here",
              "use an ECDSA P-256 or an RSA key");
}

Result<std::string> PrivateKey::sign_jose(std::string_view bytes) const {
  const std::string_view algorithm = TRY(jose_algorithm());
  std::string signature = TRY(sign(bytes));
  if (algorithm == "RS256") return signature;
  return jose_signature(signature);
}

}  // namespace lockstep::crypto
