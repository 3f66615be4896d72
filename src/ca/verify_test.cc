// Verification against a ledger whose CRL and CA are made for each case.
#include "ca/verify.h"

#include <gtest/gtest.h>

#include "testing/authority.h"
#include "x509/crl.h"

namespace lockstep::ca {
namespace {

using lockstep::testing::kDay;
using lockstep::testing::kTestTime;
using lockstep::testing::make_fields;
using lockstep::testing::make_key;
using lockstep::testing::make_root;
using x509::RevocationReason;

class FakeReader : public LedgerReader {
 public:
  Result<std::string> authority_certificate() override { return authority; }
  Status for_each(const std::function<Status(const IndexEntry&)>&) override { return {}; }
  Result<std::optional<IndexEntry>> find(Serial) override { return std::optional<IndexEntry>(); }
  Result<std::string> certificate(Serial) override { return fail(ErrorCode::certificate_not_found, ""); }
  Result<std::optional<std::string>> crl() override { return list; }
  Result<std::string> records(const std::string&) override { return std::string(); }
  std::string authority;
  std::optional<std::string> list;
};

struct Verify : ::testing::Test {
  Verify() { reader.authority = x509::to_pem(root().certificate); }
  static const lockstep::testing::Authority& root() {
    static const auto made = make_root("CN=Root");
    return made;
  }
  static const x509::Certificate& leaf() {
    static const x509::Certificate made = [] {
      const crypto::PrivateKey key = make_key();
      x509::CertificateFields fields = make_fields("CN=host", key, root());
      fields.serial = "2a";
      return lockstep::testing::sign(fields, root().key);
    }();
    return made;
  }
  void publish(const lockstep::testing::Authority& issuer, const std::vector<std::string>& serials,
               UnixSeconds next_update = kTestTime + kDay) {
    x509::CrlBuilder builder({.issuer_der = issuer.certificate.subject.der(),
                              .this_update = kTestTime - kDay,
                              .next_update = next_update,
                              .number = "01",
                              .authority_key_id = issuer.certificate.subject_key_id});
    for (const auto& serial : serials) ASSERT_TRUE(builder.add(serial, kTestTime, RevocationReason::key_compromise));
    std::string text;
    ASSERT_TRUE(builder.finish(issuer.key, [&](std::string_view piece) -> Status {
      text += piece;
      return {};
    }));
    reader.list = text;
  }
  Verdict judge(const x509::Certificate& certificate, UnixSeconds now = kTestTime) {
    return verify_certificate(reader, certificate, now).value();
  }
  FakeReader reader;
};

TEST_F(Verify, WithoutACrlRevocationIsNotChecked) {
  const Verdict verdict = judge(leaf());
  EXPECT_TRUE(verdict.valid());
  EXPECT_EQ(revocation_text(verdict), "NOT CHECKED (no CRL available)");
}

TEST_F(Verify, ACertificateThatTheCrlDoesNotListIsGood) {
  publish(root(), {"02", "2b"});
  EXPECT_TRUE(judge(leaf()).valid());
  EXPECT_EQ(revocation_text(judge(leaf())), "OK (not revoked)");
}

TEST_F(Verify, ARevokedOneStaysRevokedOnAnExpiredCrl) {
  for (const UnixSeconds next_update : {kTestTime + kDay, kTestTime - 1}) {
    publish(root(), {"02", "2a"}, next_update);
    const Verdict verdict = judge(leaf());
    EXPECT_FALSE(verdict.valid());
    EXPECT_EQ(revocation_text(verdict), "REVOKED (reason: keyCompromise, date: 2026-03-01T12:00:00Z)");
  }
}

TEST_F(Verify, AnExpiredCrlSaysNothing) {
  publish(root(), {}, kTestTime);
  EXPECT_TRUE(judge(leaf()).valid());
  EXPECT_EQ(revocation_text(judge(leaf())), "NOT CHECKED (CRL expired 2026-03-01T12:00:00Z)");
  EXPECT_EQ(judge(leaf(), kTestTime - 1).revocation, RevocationCheck::not_revoked);
}

TEST_F(Verify, ACrlThatAnotherSignedMakesItInvalid) {
  const auto same_name = make_root("CN=Root");
  publish(same_name, {});
  EXPECT_FALSE(judge(leaf()).valid());
  EXPECT_EQ(judge(leaf()).revocation, RevocationCheck::crl_not_trusted);
  publish({make_key(), make_root("CN=Other").certificate}, {});
  EXPECT_EQ(judge(leaf()).revocation, RevocationCheck::crl_not_trusted);
  reader.list = "junk";
  EXPECT_EQ(judge(leaf()).revocation, RevocationCheck::crl_not_trusted);
}

TEST_F(Verify, ExpiryCountsBothEnds) {
  EXPECT_EQ(judge(leaf(), leaf().not_after).expiry, Expiry::ok);
  EXPECT_EQ(judge(leaf(), leaf().not_after + 1).expiry, Expiry::expired);
  EXPECT_EQ(judge(leaf(), leaf().not_before).expiry, Expiry::ok);
  EXPECT_EQ(judge(leaf(), leaf().not_before - 1).expiry, Expiry::not_yet_valid);
  EXPECT_FALSE(judge(leaf(), leaf().not_after + 1).valid());
  EXPECT_EQ(expiry_text(Expiry::not_yet_valid), "NOT YET VALID");
  EXPECT_EQ(expiry_text(Expiry::expired), "EXPIRED");
}

TEST_F(Verify, TheSignatureMustBeThisCas) {
  const auto same_name = make_root("CN=Root");
  const auto forged = lockstep::testing::sign(make_fields("CN=host", make_key(), same_name), same_name.key);
  EXPECT_FALSE(judge(forged).signature_ok);
  // Signed with the key, but in another issuer's name.
  x509::CertificateFields fields = make_fields("CN=host", make_key(), root());
  fields.issuer_der = x509::Name::parse_text("CN=Another").value().der();
  EXPECT_FALSE(judge(lockstep::testing::sign(fields, root().key)).signature_ok);
  EXPECT_TRUE(judge(root().certificate).signature_ok);
}

}  // namespace
}  // namespace lockstep::ca
