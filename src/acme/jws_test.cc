#include "acme/jws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "acme/solver.h"
#include "base/base64.h"
#include "base/hex.h"

namespace lockstep::acme {
namespace {

using nlohmann::json;

json decoded(const std::string& text) { return json::parse(base64url_decode(text).value()); }

// RFC 7515 appendix A.3: the P-256 key of its example, as PKCS #8 made from the RFC's numbers with openssl.
constexpr const char* kRfc7515Key =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END EC PRIVATE KEY-----\n";

TEST(Jws, PublicKeyOfAnEllipticCurve) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  const json jwk = json::parse(public_jwk(key).value());
  EXPECT_EQ(jwk.at("kty"), "EC");
  EXPECT_EQ(jwk.at("crv"), "P-256");
  EXPECT_EQ(base64url_decode(jwk.at("x").get<std::string>())->size(), 32U);
  EXPECT_EQ(base64url_decode(jwk.at("y").get<std::string>())->size(), 32U);
  EXPECT_EQ(public_jwk(key).value().find("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":"),
            0U);  // RFC 7638: sorted, no blanks
}

TEST(Jws, TheKeyOfRfc7515) {
  const auto key = crypto::PrivateKey::from_pem(kRfc7515Key, "the RFC's key");
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const json jwk = json::parse(public_jwk(*key).value());
  EXPECT_EQ(jwk.at("x"), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  EXPECT_EQ(jwk.at("y"), "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
}

TEST(Jws, AnAccountsRequest) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  const json jws = json::parse(
      sign_jws({.url = "https://ca/order", .nonce = "n1", .key_id = "https://ca/acct/1", .payload = "{}"}, key)
          .value());
  const json header = decoded(jws.at("protected"));
  EXPECT_EQ(header, json::parse(R"({"alg":"ES256","kid":"https://ca/acct/1","nonce":"n1","url":"https://ca/order"})"));
  EXPECT_EQ(jws.at("payload"), "e30");
  const std::string signature = base64url_decode(jws.at("signature").get<std::string>()).value();
  ASSERT_EQ(signature.size(), 64U);
  // Back into the form that X.509 uses, for a verification that does not know JOSE.
  const auto integer = [](std::string number) {
    while (number.size() > 1 && number.front() == 0 && (static_cast<unsigned char>(number[1]) & 0x80U) == 0)
      number.erase(0, 1);
    if ((static_cast<unsigned char>(number.front()) & 0x80U) != 0) number.insert(0, 1, '\0');
    return std::string("\x02") + static_cast<char>(number.size()) + number;
  };
  const std::string numbers = integer(signature.substr(0, 32)) + integer(signature.substr(32));
  const std::string encoded = std::string("\x30") + static_cast<char>(numbers.size()) + numbers;
  const std::string signed_bytes = jws.at("protected").get<std::string>() + "." + jws.at("payload").get<std::string>();
  EXPECT_TRUE(crypto::verify_signature(key.public_key_info(), signed_bytes, encoded).value());
}

TEST(Jws, WithoutAnAccountTheKeyGoesAlong) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::rsa2048).value();
  const json jws =
      json::parse(sign_jws({.url = "https://ca/new", .nonce = "n", .key_id = "", .payload = ""}, key).value());
  const json header = decoded(jws.at("protected"));
  EXPECT_EQ(header.at("alg"), "RS256");
  EXPECT_FALSE(header.contains("kid"));
  EXPECT_EQ(header.at("jwk").at("e"), "AQAB");
  EXPECT_EQ(jws.at("payload"), "");
  const std::string signed_bytes = jws.at("protected").get<std::string>() + ".";
  EXPECT_TRUE(crypto::verify_signature(key.public_key_info(), signed_bytes,
                                       base64url_decode(jws.at("signature").get<std::string>()).value())
                  .value());
}

TEST(Jws, KeysThatMakeNone) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ec384).value();
  EXPECT_EQ(sign_jws({.url = "https://ca", .nonce = "", .key_id = "", .payload = ""}, key).error().code,
            ErrorCode::unsupported_key);
}

// RFC 8555 section 8.1 and 8.4: the record's value is of the key authorization, whose end is the key's thumbprint.
TEST(Jws, KeyAuthorization) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  const std::string authorization = key_authorization("token", key).value();
  EXPECT_EQ(authorization, "token." + thumbprint(key).value());
  EXPECT_EQ(thumbprint(key)->size(), 43U);
  EXPECT_EQ(dns_record_value(authorization).size(), 43U);
}

TEST(Jws, ExternalAccountBinding) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  const ExternalAccount external{.key_id = "kid-1", .hmac_key = SecretBytes("secret")};
  const json jws = json::parse(bind_external_account(external, key, "https://ca/new-account").value());
  EXPECT_EQ(decoded(jws.at("protected")),
            json::parse(R"({"alg":"HS256","kid":"kid-1","url":"https://ca/new-account"})"));
  EXPECT_EQ(decoded(jws.at("payload")), json::parse(public_jwk(key).value()));
}

}  // namespace
}  // namespace lockstep::acme
