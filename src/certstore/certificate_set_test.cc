// What a leaf, its chain and its key must be to be installed together.
#include "certstore/certificate_set.h"

#include "certstore/set_fixture.h"

namespace lockstep::certstore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> problems(const CertificateSet& set, const SetPolicy& policy, bool waivable) {
  const auto examined = examine_set(set, policy);
  EXPECT_TRUE(examined);
  std::vector<std::string> messages;
  for (const SetProblem& problem : *examined) {
    if (problem.waivable == waivable) messages.push_back(problem.message);
  }
  return messages;
}

SetPolicy policy(bool anchored = false, const std::string& domain = "host.example", UnixSeconds now = kTestTime) {
  SetPolicy made{.domain = domain, .now = now, .anchors = {}};
  if (anchored) made.anchors.push_back(test_root().certificate);
  return made;
}

std::vector<std::string> fatal(const CertificateSet& set, const SetPolicy& wanted) {
  return problems(set, wanted, false);
}

TEST(CertificateSet, AGoodOneHasNoProblem) {
  for (const bool anchored : {false, true}) {
    const auto examined = examine_set(test_set(), policy(anchored));
    ASSERT_TRUE(examined);
    EXPECT_TRUE(examined->empty());
  }
  EXPECT_EQ(test_set().leaf.serial, "0a");
  EXPECT_EQ(test_set().key_pem.reveal(), test_pair().key);
}

TEST(CertificateSet, TheChainMayFollowInTheCertificateFileOrRepeatTheLeaf) {
  const std::string full = test_pair().certificate + intermediate_pem();
  EXPECT_EQ(read_set(full, test_pair().key).chain.size(), 1U);
  EXPECT_EQ(read_set(test_pair().certificate, test_pair().key, full).chain.size(), 1U);
  EXPECT_EQ(read_set(test_pair().certificate, test_pair().key, "").chain.size(), 0U);
}

TEST(CertificateSet, AKeyOfAnotherCertificateIsNeverWaived) {
  const CertificateSet set = read_set(test_pair(0).certificate, test_pair(1).key, intermediate_pem());
  EXPECT_THAT(fatal(set, policy()), ElementsAre("the private key does not belong to the certificate"));
}

TEST(CertificateSet, TheChainMustLeadUpwards) {
  const std::string root = x509::to_pem(test_root().certificate);
  const std::string leaf = test_pair().certificate;
  const std::string key = test_pair().key;
  EXPECT_THAT(fatal(read_set(leaf, key, intermediate_pem() + root), policy(true)), IsEmpty());
  for (const std::string& chain : {root + intermediate_pem(), intermediate_pem() + intermediate_pem(), root,
                                   intermediate_pem() + test_pair(1).certificate}) {
    EXPECT_THAT(fatal(read_set(leaf, key, chain), policy()), ElementsAre(HasSubstr("the chain must lead upwards")));
  }
  // The same name does not make it the issuer.
  const auto impostor = testing::make_intermediate("CN=Intermediate", test_root());
  EXPECT_THAT(fatal(read_set(leaf, key, x509::to_pem(impostor.certificate)), policy()),
              ElementsAre(HasSubstr("'CN=Intermediate' did not sign 'CN=host'")));
}

TEST(CertificateSet, AMissingIntermediateIsSeenAgainstATrustAnchor) {
  const CertificateSet set = read_set(test_pair().certificate, test_pair().key);
  EXPECT_THAT(fatal(set, policy()), IsEmpty());
  EXPECT_THAT(fatal(set, policy(true)), ElementsAre(HasSubstr("no path to a trusted certificate: ")));
  SetPolicy other = policy();
  other.anchors.push_back(testing::make_root("CN=Root").certificate);
  EXPECT_THAT(fatal(test_set(), other), ElementsAre(HasSubstr("no path to a trusted certificate: ")));
}

TEST(CertificateSet, NamesAndDatesMayBeWaived) {
  const auto waivable = [](const SetPolicy& wanted) { return problems(test_set(), wanted, true); };
  const x509::Certificate leaf = test_set().leaf;
  EXPECT_THAT(waivable(policy(true, "other.example")), ElementsAre("the certificate does not cover other.example"));
  EXPECT_THAT(waivable(policy(true, "sub.host.example")), ElementsAre(HasSubstr("does not cover")));
  EXPECT_THAT(waivable(policy(true, "host.example", leaf.not_after)), IsEmpty());
  EXPECT_THAT(waivable(policy(true, "host.example", leaf.not_before)), IsEmpty());
  for (const UnixSeconds now : {leaf.not_after + 1, leaf.not_before - 1}) {
    EXPECT_THAT(fatal(test_set(), policy(true, "host.example", now)), IsEmpty());
  }
  EXPECT_THAT(waivable(policy(true, "host.example", leaf.not_after + 1)),
              ElementsAre("the certificate expired at " + format_rfc3339(leaf.not_after)));
  EXPECT_THAT(waivable(policy(true, "host.example", leaf.not_before - 1)),
              ElementsAre("the certificate is not valid before " + format_rfc3339(leaf.not_before)));
}

TEST(CertificateSet, AWildcardCoversOneLabel) {
  const Pair pair = make_pair("0c", test_root(), "DNS:*.example.com");
  const CertificateSet set = read_set(pair.certificate, pair.key);
  EXPECT_THAT(problems(set, policy(true, "a.example.com"), true), IsEmpty());
  EXPECT_THAT(problems(set, policy(true, "*.example.com"), true), IsEmpty());
  for (const char* domain : {"example.com", "a.b.example.com", "*.b.example.com"}) {
    EXPECT_EQ(problems(set, policy(true, domain), true).size(), 1U) << domain;
  }
}

TEST(CertificateSet, InputsThatAreNoneAreNamed) {
  const auto refusal = [](const std::string& certificate, const std::string& key, const std::string& chain) {
    const auto set = parse_set({certificate, "c.pem", key, "k.pem", chain, "chain.pem"});
    return set ? std::string("accepted") : set.error().message;
  };
  const Pair& good = test_pair();
  EXPECT_EQ(refusal("", good.key, ""), "c.pem holds no certificate in PEM");
  EXPECT_EQ(refusal("junk", good.key, ""), "c.pem holds no certificate in PEM");
  EXPECT_EQ(refusal(good.key, good.key, ""), "c.pem holds a 'PRIVATE KEY' beside certificates");
  EXPECT_THAT(refusal(good.certificate, "", ""), HasSubstr("k.pem"));
  EXPECT_THAT(refusal(good.certificate, good.certificate, ""), HasSubstr("k.pem"));
  EXPECT_THAT(refusal(good.certificate, good.key + test_pair(1).key, ""), HasSubstr("k.pem"));
  EXPECT_THAT(refusal(good.certificate, good.key, good.key), HasSubstr("chain.pem"));
  std::string many;
  for (int i = 0; i < 40; ++i) many += intermediate_pem();
  EXPECT_NE(refusal(good.certificate, good.key, many), "accepted");
  // No error repeats key bytes.
  const std::string secret = good.key.substr(30, 40);
  for (const std::string& text : {refusal(good.key, good.key, ""), refusal(good.certificate, good.key, good.key)}) {
    EXPECT_EQ(text.find(secret), std::string::npos);
  }
}

}  // namespace
}  // namespace lockstep::certstore
