#include "acme/jws.h"

#include "base/base64.h"
#include "base/json.h"
#include "crypto/der.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"

namespace lockstep::acme {

namespace {

std::string sha256_raw(std::string_view bytes) {
  crypto::Sha256 digest;
  digest.update(bytes);
  return digest.finish_raw();
}

// The BIT STRING's content of a SubjectPublicKeyInfo, without the count of unused bits.
Result<std::string_view> key_bits(std::string_view public_key_info) {
  const std::string_view content = TRY(der::parse_single(public_key_info, der::kSequence, "a public key"));
  der::Reader reader(content);
  TRY(reader.expect(der::kSequence, "a public key's algorithm"));
  const der::Element bits = TRY(reader.expect(der::kBitString, "a public key"));
  if (bits.content.empty()) return fail(ErrorCode::parse_error, "a public key is empty");
  return bits.content.substr(1);
}

Result<std::string> ec_jwk(std::string_view bits) {
  constexpr std::size_t kCoordinate = 32;
  if (bits.size() != 1 + 2 * kCoordinate) return fail(ErrorCode::unsupported_key, "not a P-256 point");
  return R"({"crv":"P-256","kty":"EC","x":")" + base64url_encode(bits.substr(1, kCoordinate)) + R"(","y":")" +
         base64url_encode(bits.substr(1 + kCoordinate)) + R"("})";
}

Result<std::string> rsa_jwk(std::string_view bits) {
  const std::string_view content = TRY(der::parse_single(bits, der::kSequence, "an RSA key"));
  der::Reader reader(content);
  const der::Element modulus = TRY(reader.expect(der::kInteger, "a modulus"));
  const der::Element exponent = TRY(reader.expect(der::kInteger, "an exponent"));
  const std::string_view n = TRY(der::parse_unsigned(modulus, "a modulus"));
  const std::string_view e = TRY(der::parse_unsigned(exponent, "an exponent"));
  return R"({"e":")" + base64url_encode(e) + R"(","kty":"RSA","n":")" + base64url_encode(n) + R"("})";
}

std::string flattened(const std::string& protected_header, const std::string& payload, std::string_view signature) {
  return R"({"protected":")" + protected_header + R"(","payload":")" + payload + R"(","signature":")" +
         base64url_encode(signature) + R"("})";
}

}  // namespace

Result<std::string> public_jwk(const crypto::PrivateKey& key) {
  const std::string_view algorithm = TRY(key.jose_algorithm());
  const std::string_view bits = TRY(key_bits(key.public_key_info()));
  return algorithm == "ES256" ? ec_jwk(bits) : rsa_jwk(bits);
}

Result<std::string> thumbprint(const crypto::PrivateKey& key) {
  const std::string jwk = TRY(public_jwk(key));
  return base64url_encode(sha256_raw(jwk));
}

Result<std::string> key_authorization(std::string_view token, const crypto::PrivateKey& key) {
  const std::string print = TRY(thumbprint(key));
  return std::string(token) + "." + print;
}

Result<std::string> sign_jws(const JwsFields& fields, const crypto::PrivateKey& key) {
  const std::string_view algorithm = TRY(key.jose_algorithm());
  std::string header = R"({"alg":")" + std::string(algorithm) + "\"";
  if (fields.key_id.empty()) {
    const std::string jwk = TRY(public_jwk(key));
    header += ",\"jwk\":" + jwk;
  } else {
    header += ",\"kid\":" + json_quote(fields.key_id);
  }
  if (!fields.nonce.empty()) header += ",\"nonce\":" + json_quote(fields.nonce);
  header += ",\"url\":" + json_quote(fields.url) + "}";
  const std::string encoded_header = base64url_encode(header);
  const std::string encoded_payload = base64url_encode(fields.payload);
  const std::string signature = TRY(key.sign_jose(encoded_header + "." + encoded_payload));
  return flattened(encoded_header, encoded_payload, signature);
}

Result<std::string> bind_external_account(const ExternalAccount& external, const crypto::PrivateKey& account_key,
                                          const std::string& new_account_url) {
  const std::string jwk = TRY(public_jwk(account_key));
  const std::string header = base64url_encode(R"({"alg":"HS256","kid":)" + json_quote(external.key_id) +
                                              ",\"url\":" + json_quote(new_account_url) + "}");
  const std::string payload = base64url_encode(jwk);
  const std::string signature =
      TRY(crypto::hmac(crypto::HmacDigest::sha256, external.hmac_key.reveal(), header + "." + payload));
  return flattened(header, payload, signature);
}

}  // namespace lockstep::acme
