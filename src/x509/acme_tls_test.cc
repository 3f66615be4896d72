#include "x509/acme_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/private_key.h"
#include "testing/command.h"
#include "testing/manual_clock.h"
#include "x509/certificate.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;

constexpr UnixSeconds kNow = 1'772'366'400;  // 2026-03-01T12:00:00Z

std::string text_of(const AcmeTlsCertificate& certificate) {
  const lockstep::testing::TemporaryDirectory top;
  const std::string path = top.write("c.pem", certificate.certificate_pem);
  return lockstep::testing::run_command({"openssl", "x509", "-in", path, "-noout", "-text"}).output;
}

TEST(AcmeTls, IsWhatTheRfcAsksFor) {
  lockstep::testing::SeededRandom random;
  const auto made = make_acme_tls_certificate({AlternativeNameType::dns, "api.example.com"}, "abc", kNow, random);
  ASSERT_TRUE(made) << made.error().message;
  const std::string text = text_of(*made);
  EXPECT_THAT(text, HasSubstr("Subject Alternative Name: \n                DNS:api.example.com\n"));
  // SHA-256 of "abc" (FIPS 180-2, appendix B.1) in an OCTET STRING of 32 octets.
  EXPECT_THAT(text, HasSubstr("1.3.6.1.5.5.7.1.31: critical"));
  EXPECT_NE(made->certificate_pem.find("BEGIN CERTIFICATE"), std::string::npos);
  const auto parsed = parse_certificate(made->certificate_pem, "made");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->der, HasSubstr(std::string("\x04\x22\x04\x20\xba\x78\x16\xbf\x8f\x01\xcf\xea", 12)));
  EXPECT_EQ(parsed->alternative_names.size(), 1U);
  EXPECT_FALSE(parsed->is_ca);
  EXPECT_LT(parsed->not_before, kNow);
  EXPECT_GT(parsed->not_after, kNow);
  const auto key = crypto::PrivateKey::from_pem(made->key_pem.reveal(), "made");
  ASSERT_TRUE(key);
  EXPECT_TRUE(pair_matches(*parsed, *key).value());
  EXPECT_TRUE(is_signed_by(*parsed, parsed->public_key_info).value());
}

TEST(AcmeTls, NamesAnAddress) {
  lockstep::testing::SeededRandom random;
  const auto four = make_acme_tls_certificate({AlternativeNameType::ip, "192.0.2.1"}, "abc", kNow, random);
  const auto six = make_acme_tls_certificate({AlternativeNameType::ip, "2001:db8::1"}, "abc", kNow, random);
  ASSERT_TRUE(four && six);
  EXPECT_THAT(text_of(*four), HasSubstr("IP Address:192.0.2.1\n"));
  EXPECT_THAT(text_of(*six), HasSubstr("IP Address:2001:DB8:0:0:0:0:0:1\n"));
}

TEST(AcmeTls, HasAKeyAndASerialOfItsOwn) {
  lockstep::testing::SeededRandom random;
  const auto one = make_acme_tls_certificate({AlternativeNameType::dns, "a.example"}, "abc", kNow, random);
  const auto two = make_acme_tls_certificate({AlternativeNameType::dns, "a.example"}, "abc", kNow, random);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->key_pem.reveal(), two->key_pem.reveal());
  EXPECT_NE(parse_certificate(one->certificate_pem, "1")->serial, parse_certificate(two->certificate_pem, "2")->serial);
}

TEST(AcmeTls, RefusesOtherIdentifiers) {
  lockstep::testing::SeededRandom random;
  for (const AlternativeName& bad :
       {AlternativeName{AlternativeNameType::uri, "https://a"}, AlternativeName{AlternativeNameType::dns, "a b"},
        AlternativeName{AlternativeNameType::ip, "a.example"}}) {
    const auto made = make_acme_tls_certificate(bad, "abc", kNow, random);
    ASSERT_FALSE(made) << bad.value;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace lockstep::x509
