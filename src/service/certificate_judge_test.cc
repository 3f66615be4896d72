#include "service/certificate_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/authority.h"
#include "x509/pem.h"

namespace lockstep::service {
namespace {

using testing::Authority;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kDay;
using testing::kTestTime;

class Judge : public ::testing::Test {
 protected:
  std::string leaf_der(const std::string& names, std::int64_t days = 90, const Authority* issuer = nullptr) {
    const crypto::PrivateKey key = testing::make_key();
    const Authority& by = issuer == nullptr ? root_ : *issuer;
    x509::CertificateFields fields = testing::make_fields("CN=leaf", key, by);
    fields.serial = "0" + std::to_string(++serial_);
    fields.not_after = kTestTime + days * kDay;
    std::vector<x509::AlternativeName> alternative{*x509::parse_alternative_name(names)};
    fields.alternative_names_der = *x509::encode_alternative_names(alternative);
    return testing::sign(fields, by.key).der;
  }
  std::optional<SeenCertificate> judge(const std::vector<std::string>& chain, UnixSeconds now = kTestTime) {
    return judge_.judge(endpoint_, chain, "TLSv1.3", now);
  }

  Authority root_ = testing::make_root("CN=The Root,O=Test");
  int serial_ = 0;
  std::map<std::string, std::string> files_;
  Endpoint endpoint_{.id = "a", .dns_address = "www.example"};
  CertificateJudge judge_{
      "junk before\n" + x509::to_pem(root_.certificate) + x509::to_pem(testing::make_root("CN=Another").certificate),
      [this](const std::string& path) -> Result<std::string> {
        if (!files_.contains(path)) return fail(ErrorCode::not_found, "no");
        return files_[path];
      }};
};

TEST_F(Judge, SaysWhatACertificateIs) {
  const auto seen = judge({leaf_der("DNS:www.example")});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->subject, "CN=leaf");
  EXPECT_EQ(seen->issuer, "CN=The Root,O=Test");
  EXPECT_EQ(seen->serial, "01");
  EXPECT_EQ(seen->not_after, kTestTime + 90 * kDay);
  EXPECT_THAT(seen->names, ElementsAre("www.example"));
  EXPECT_TRUE(seen->chain_ok) << seen->chain_error;
  EXPECT_EQ(seen->chain_error, "");
  EXPECT_TRUE(seen->name_ok);
  EXPECT_EQ(seen->tls_version, "TLSv1.3");
}

TEST_F(Judge, FindsTheWayThroughIntermediates) {
  const Authority middle = testing::make_intermediate("CN=Middle", root_);
  const std::string leaf = leaf_der("DNS:www.example", 90, &middle);
  EXPECT_FALSE(judge({leaf})->chain_ok);
  EXPECT_TRUE(judge({leaf, middle.certificate.der})->chain_ok);
  EXPECT_TRUE(judge({leaf, "junk", middle.certificate.der})->chain_ok);
}

TEST_F(Judge, SaysWhyNobodyTrustsIt) {
  const Authority stranger = testing::make_root("CN=Stranger");
  const auto self_signed = judge({stranger.certificate.der});
  EXPECT_FALSE(self_signed->chain_ok);
  EXPECT_THAT(self_signed->chain_error, HasSubstr("self-signed"));
  const auto expired = judge({leaf_der("DNS:www.example", -1)});
  EXPECT_FALSE(expired->chain_ok);
  EXPECT_THAT(expired->chain_error, HasSubstr("expired"));
  const Authority impostor = testing::make_root("CN=The Root,O=Test");
  EXPECT_FALSE(judge({leaf_der("DNS:www.example", 90, &impostor)})->chain_ok);
}

TEST_F(Judge, ChecksTheNameThatIsAskedFor) {
  const std::string leaf = leaf_der("DNS:www.example");
  const std::string address = leaf_der("IP:192.0.2.7");
  EXPECT_TRUE(judge({leaf})->name_ok);
  endpoint_.server_name = "other.example";  // goes before the address that is connected to
  EXPECT_FALSE(judge({leaf})->name_ok);
  endpoint_ = {.id = "a", .ip = "192.0.2.7"};
  EXPECT_FALSE(judge({leaf})->name_ok);
  EXPECT_TRUE(judge({address})->name_ok);
}

TEST_F(Judge, VerifiesAgainOnlyWhenSomethingIsDifferent) {
  const std::vector<std::string> chain{leaf_der("DNS:www.example")};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(judge(chain, kTestTime + i)->chain_ok);
  EXPECT_EQ(judge_.verifications(), 1U);
  judge(chain, kTestTime + kDay);
  EXPECT_EQ(judge_.verifications(), 2U);
  judge({chain[0], root_.certificate.der}, kTestTime + kDay);
  EXPECT_EQ(judge_.verifications(), 3U);
  judge_.forget("a");
  judge({chain[0], root_.certificate.der}, kTestTime + kDay);
  EXPECT_EQ(judge_.verifications(), 4U);
}

TEST_F(Judge, AVerdictHoldsOnlyUntilACertificateBeginsOrCeasesToBeValid) {
  // All within one day, which begins at midnight.
  const UnixSeconds midnight = kTestTime - kTestTime % kDay;
  constexpr std::int64_t kHour = 3600;
  crypto::PrivateKey key = testing::make_key();
  x509::CertificateFields fields = testing::make_fields("CN=Middle", key, root_);
  fields.is_ca = true;
  fields.not_before = midnight - kDay;
  fields.not_after = midnight + 8 * kHour;
  x509::Certificate certificate = testing::sign(fields, root_.key);
  const Authority middle{std::move(key), std::move(certificate)};
  const crypto::PrivateKey own = testing::make_key();
  x509::CertificateFields leaf = testing::make_fields("CN=leaf", own, middle);
  leaf.not_before = midnight + 5;
  leaf.not_after = midnight + 90 * kDay;
  const std::vector<std::string> chain{testing::sign(leaf, middle.key).der, middle.certificate.der};
  EXPECT_FALSE(judge(chain, midnight + 1)->chain_ok);
  EXPECT_THAT(judge(chain, midnight + 4)->chain_error, HasSubstr("not yet valid"));
  EXPECT_TRUE(judge(chain, midnight + 5)->chain_ok) << judge(chain, midnight + 5)->chain_error;
  EXPECT_TRUE(judge(chain, midnight + 8 * kHour - 1)->chain_ok);
  EXPECT_EQ(judge_.verifications(), 2U);
  EXPECT_FALSE(judge(chain, midnight + 8 * kHour + 1)->chain_ok);
  EXPECT_THAT(judge(chain, midnight + 9 * kHour)->chain_error, HasSubstr("expired"));
  EXPECT_EQ(judge_.verifications(), 3U);
  // A clock that was wrong and is set back.
  EXPECT_TRUE(judge(chain, midnight + kHour)->chain_ok);
}

TEST_F(Judge, TakesTheEndpointsOwnRoots) {
  const Authority own = testing::make_root("CN=Own");
  const std::vector<std::string> chain{leaf_der("DNS:www.example", 90, &own)};
  EXPECT_FALSE(judge(chain)->chain_ok);
  endpoint_.ca_bundle = "/bundle";
  EXPECT_EQ(judge(chain)->chain_error, "the CA bundle cannot be read");
  files_["/bundle"] = "nothing of the kind";
  EXPECT_EQ(judge(chain, kTestTime + 30)->chain_error, "the CA bundle cannot be read");  // not looked at again yet
  EXPECT_EQ(judge(chain, kTestTime + 60)->chain_error, "the CA bundle holds no certificate");
  files_["/bundle"] = x509::to_pem(own.certificate);
  EXPECT_TRUE(judge(chain, kTestTime + 120)->chain_ok);
  // The system's do not count beside them.
  EXPECT_FALSE(judge({leaf_der("DNS:www.example")}, kTestTime + 120)->chain_ok);
}

TEST_F(Judge, SurvivesJunk) {
  EXPECT_FALSE(judge({}));
  EXPECT_FALSE(judge({"junk"}));
  EXPECT_FALSE(judge({""}));
  CertificateJudge without("", {});
  EXPECT_EQ(without.system_roots(), 0U);
  const auto seen = without.judge(endpoint_, {leaf_der("DNS:www.example")}, "TLSv1.2", kTestTime);
  EXPECT_FALSE(seen->chain_ok);
  EXPECT_EQ(seen->chain_error, "this machine has no list of trusted roots");
}

}  // namespace
}  // namespace lockstep::service
