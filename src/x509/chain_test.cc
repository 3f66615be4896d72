// Chains: which ones hold, and what is said about those that do not.
#include "x509/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/authority.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;
using namespace lockstep::testing;  // NOLINT(google-build-using-namespace): the authority

class Chain : public ::testing::Test {
 protected:
  ChainVerdict verify(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                      const std::vector<Certificate>& anchors, UnixSeconds time = kTestTime) {
    const auto verdict = verify_chain(leaf, intermediates, anchors, time);
    EXPECT_TRUE(verdict);
    if (!verdict) return {};
    EXPECT_EQ(verdict->trusted, verdict->reason.empty());
    return *verdict;
  }
  void refused(const ChainVerdict& verdict, const char* reason) {
    EXPECT_FALSE(verdict.trusted);
    EXPECT_THAT(verdict.reason, HasSubstr(reason));
  }

  Authority root = make_root("CN=Root");
  Authority middle = make_intermediate("CN=Middle", root);
  Authority lower = make_intermediate("CN=Lower", middle);
  crypto::PrivateKey key = make_key();
  CertificateFields fields = make_fields("CN=leaf", key, lower);
  Certificate leaf = sign(fields, lower.key);
};

TEST_F(Chain, HoldsThroughItsIntermediates) {
  EXPECT_TRUE(verify(leaf, {lower.certificate, middle.certificate}, {root.certificate}).trusted);
}

TEST_F(Chain, TheOrderOfIntermediatesDoesNotMatter) {
  EXPECT_TRUE(verify(leaf, {middle.certificate, lower.certificate}, {root.certificate}).trusted);
}

TEST_F(Chain, WhatDoesNotBelongThereDoesNoHarm) {
  const Authority other = make_root("CN=Other");
  EXPECT_TRUE(
      verify(leaf, {other.certificate, lower.certificate, middle.certificate}, {other.certificate, root.certificate})
          .trusted);
}

TEST_F(Chain, ARootIsItsOwnChain) { EXPECT_TRUE(verify(root.certificate, {}, {root.certificate}).trusted); }

TEST_F(Chain, AnIntermediateMayBeTheAnchor) {
  EXPECT_TRUE(verify(leaf, {lower.certificate}, {middle.certificate}).trusted);
  EXPECT_TRUE(verify(leaf, {}, {lower.certificate}).trusted);
}

TEST_F(Chain, AMissingIntermediateBreaksIt) {
  refused(verify(leaf, {lower.certificate}, {root.certificate}), "unable to get");
  refused(verify(leaf, {middle.certificate}, {root.certificate}), "unable to get");
  refused(verify(leaf, {}, {root.certificate}), "('CN=leaf')");
}

TEST_F(Chain, AMissingOrWrongAnchorBreaksIt) {
  const Authority other = make_root("CN=Other");
  refused(verify(leaf, {lower.certificate, middle.certificate}, {}), "unable to get");
  refused(verify(leaf, {lower.certificate, middle.certificate}, {other.certificate}), "unable to get");
  // That the root stands among the untrusted does not make it trusted.
  EXPECT_FALSE(verify(leaf, {lower.certificate, middle.certificate, root.certificate}, {other.certificate}).trusted);
}

TEST_F(Chain, AnAnchorOfTheSameNameWithAnotherKeyBreaksIt) {
  const Authority impostor = make_root("CN=Root");
  EXPECT_FALSE(verify(leaf, {lower.certificate, middle.certificate}, {impostor.certificate}).trusted);
}

TEST_F(Chain, TheTimeIsTheOneHandedIn) {
  const std::vector<Certificate> between = {lower.certificate, middle.certificate};
  EXPECT_TRUE(verify(leaf, between, {root.certificate}, leaf.not_before).trusted);
  EXPECT_TRUE(verify(leaf, between, {root.certificate}, leaf.not_after - 1).trusted);
  refused(verify(leaf, between, {root.certificate}, leaf.not_after + 1), "certificate has expired");
  refused(verify(leaf, between, {root.certificate}, leaf.not_before - 1), "certificate is not yet valid");
}

TEST_F(Chain, AnExpiredIntermediateIsNamed) {
  CertificateFields expired = make_fields("CN=Lower", lower.key, middle);
  expired.is_ca = true;
  expired.not_after = kTestTime - 1;
  const Certificate old = sign(expired, middle.key);
  const ChainVerdict verdict = verify(leaf, {old, middle.certificate}, {root.certificate});
  refused(verdict, "certificate has expired");
  EXPECT_THAT(verdict.reason, HasSubstr("('CN=Lower')"));
}

TEST_F(Chain, TheCertificateThatIsWrongIsNamedInWhateverOrderTheyCome) {
  CertificateFields expired = make_fields("CN=Lower", lower.key, middle);
  expired.is_ca = true;
  expired.not_after = kTestTime - 1;
  const Certificate old = sign(expired, middle.key);
  EXPECT_THAT(verify(leaf, {middle.certificate, old}, {root.certificate}).reason, HasSubstr("('CN=Lower')"));
}

TEST_F(Chain, AnExpiredRootIsNamed) {
  CertificateFields expired = make_fields("CN=Root", root.key);
  expired.is_ca = true;
  expired.not_after = kTestTime - 1;
  const ChainVerdict verdict = verify(leaf, {lower.certificate, middle.certificate}, {sign(expired, root.key)});
  refused(verdict, "certificate has expired");
  EXPECT_THAT(verdict.reason, HasSubstr("('CN=Root')"));
}

TEST_F(Chain, AnEndEntityIssuesNothing) {
  CertificateFields plain = make_fields("CN=Lower", lower.key, middle);
  const Certificate no_authority = sign(plain, middle.key);
  EXPECT_FALSE(no_authority.is_ca);
  refused(verify(leaf, {no_authority, middle.certificate}, {root.certificate}), "invalid CA certificate");
}

TEST_F(Chain, AWrongIssuerBreaksIt) {
  // Signed by the right key under another name.
  CertificateFields renamed = fields;
  renamed.issuer_der = Name::parse_text("CN=Somebody else").value().der();
  refused(verify(sign(renamed, lower.key), {lower.certificate, middle.certificate}, {root.certificate}),
          "unable to get");
}

TEST_F(Chain, AWrongSignatureBreaksIt) {
  const crypto::PrivateKey stranger = make_key();
  refused(verify(sign(fields, stranger), {lower.certificate, middle.certificate}, {root.certificate}),
          "signature failure");
  Certificate changed = leaf;
  changed.der.back() = static_cast<char>(changed.der.back() ^ 1);
  refused(verify(changed, {lower.certificate, middle.certificate}, {root.certificate}), "signature failure");
}

TEST_F(Chain, AChangedContentBreaksIt) {
  std::string der = leaf.der;
  const std::size_t at = der.find("leaf");
  ASSERT_NE(at, std::string::npos);
  der[at] = 'L';
  const Certificate changed = parse_certificate(der, "x").value();
  EXPECT_EQ(changed.subject.to_text(), "CN=Leaf");
  EXPECT_FALSE(is_signed_by(changed, lower.key.public_key_info()).value());
  refused(verify(changed, {lower.certificate, middle.certificate}, {root.certificate}), "signature failure");
}

TEST_F(Chain, ALoopOfAuthoritiesEnds) {
  const Authority a = make_root("CN=A");
  const Authority b = make_root("CN=B");
  CertificateFields a_by_b = make_fields("CN=A", a.key, b);
  a_by_b.is_ca = true;
  CertificateFields b_by_a = make_fields("CN=B", b.key, a);
  b_by_a.is_ca = true;
  const Certificate end = sign(make_fields("CN=end", key, a), a.key);
  EXPECT_FALSE(verify(end, {sign(a_by_b, b.key), sign(b_by_a, a.key)}, {root.certificate}).trusted);
}

TEST_F(Chain, MixedKindsOfKeys) {
  const Authority rsa = make_root("CN=RSA root", crypto::KeyAlgorithm::rsa_2048);
  const Authority below = make_intermediate("CN=EC below", rsa);
  const Certificate end = sign(make_fields("CN=end", key, below), below.key);
  EXPECT_TRUE(verify(end, {below.certificate}, {rsa.certificate}).trusted);
}

TEST_F(Chain, BytesThatOpensslDoesNotReadAreAnError) {
  Certificate broken = leaf;
  broken.der.resize(20);
  const auto verdict = verify_chain(broken, {}, {root.certificate}, kTestTime);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ErrorCode::crypto_failure);
  EXPECT_THAT(verdict.error().message, HasSubstr("'CN=leaf'"));
}

}  // namespace
}  // namespace lockstep::x509
