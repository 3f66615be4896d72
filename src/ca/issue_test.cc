// What a certificate is to say, without any store: profiles, limits, and what of a request is not carried over.
#include "ca/issue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/operations.h"
#include "testing/authority.h"

namespace lockstep::ca {
namespace {

using lockstep::testing::kDay;
using lockstep::testing::kTestTime;
using lockstep::testing::make_key;
using lockstep::testing::make_root;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using x509::ExtendedKeyUsage;

const lockstep::testing::Authority& root() {
  static const lockstep::testing::Authority made = make_root("CN=Root");
  return made;
}

x509::Request request(const std::string& subject, const std::vector<std::string>& names,
                      crypto::KeyAlgorithm algorithm = crypto::KeyAlgorithm::ecdsa_p256) {
  std::vector<x509::AlternativeName> parsed;
  for (const std::string& name : names) parsed.push_back(x509::parse_alternative_name(name).value());
  const auto der = x509::make_request(x509::Name::parse_text(subject).value(), parsed, make_key(algorithm));
  return x509::parse_request(der.value(), "made by the test").value();
}

IssuePlan plan(const x509::Request& csr, const IssuePolicy& policy = {}, UnixSeconds now = kTestTime) {
  auto made = plan_certificate({root().certificate}, csr, policy, 0x2a, now);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(made).value();
}

TEST(Plan, CarriesKeySubjectAndNamesOver) {
  const x509::Request csr = request("CN=a,O=b", {"DNS:a.example", "IP:192.0.2.1"});
  const IssuePlan made = plan(csr, {.validity_seconds = 100 * kDay});
  EXPECT_FALSE(made.shortened);
  EXPECT_EQ(made.fields.serial, "2a");
  EXPECT_EQ(made.fields.issuer_der, root().certificate.subject.der());
  EXPECT_EQ(made.fields.subject_der, csr.subject.der());
  EXPECT_EQ(made.fields.public_key_info, csr.public_key_info);
  EXPECT_EQ(made.fields.alternative_names_der, csr.alternative_names_der);
  EXPECT_FALSE(made.fields.alternative_names_critical);
  EXPECT_FALSE(made.fields.is_ca);
  EXPECT_FALSE(made.fields.key_encipherment);
  EXPECT_EQ(made.fields.authority_key_id, root().certificate.subject_key_id);
  EXPECT_EQ(made.fields.subject_key_id, x509::key_identifier(csr.public_key_info).value());
  EXPECT_EQ(made.fields.not_before, kTestTime);
  EXPECT_EQ(made.fields.not_after, kTestTime + 100 * kDay);
}

TEST(Plan, ProfilesAddTheExtendedKeyUsageAndNothingElse) {
  const x509::Request csr = request("CN=a", {});
  const auto usage = [&](Profile profile) { return plan(csr, {.profile = profile}).fields.extended_key_usage; };
  EXPECT_THAT(usage(Profile::standard), IsEmpty());
  EXPECT_THAT(usage(Profile::server), ElementsAre(ExtendedKeyUsage::server_auth));
  EXPECT_THAT(usage(Profile::client), ElementsAre(ExtendedKeyUsage::client_auth));
  EXPECT_THAT(usage(Profile::peer), ElementsAre(ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth));
  EXPECT_EQ(parse_profile("peer").value(), Profile::peer);
  for (const char* name : {"", "standard", "Server", "root"}) {
    EXPECT_EQ(parse_profile(name).error().code, ErrorCode::usage) << name;
  }
}

TEST(Plan, RsaKeysMayEncipherKeys) {
  EXPECT_TRUE(plan(request("CN=a", {}, crypto::KeyAlgorithm::rsa_2048)).fields.key_encipherment);
}

TEST(Plan, NamesAreCriticalWhenThereIsNoSubject) {
  EXPECT_TRUE(plan(request("", {"DNS:a.example"})).fields.alternative_names_critical);
  const auto nobody = plan_certificate({root().certificate}, request("", {}), {}, 2, kTestTime);
  EXPECT_THAT(nobody.error().message, HasSubstr("names nobody"));
}

TEST(Plan, NeverOutlivesTheCa) {
  const x509::Request csr = request("CN=a", {});
  const UnixSeconds end = root().certificate.not_after;
  const std::int64_t left = end - kTestTime;
  const IssuePlan exact = plan(csr, {.validity_seconds = left});
  EXPECT_FALSE(exact.shortened);
  EXPECT_EQ(exact.fields.not_after, end);
  for (const std::int64_t asked : {left + 1, std::numeric_limits<std::int64_t>::max()}) {
    const IssuePlan cut = plan(csr, {.validity_seconds = asked});
    EXPECT_TRUE(cut.shortened);
    EXPECT_EQ(cut.fields.not_after, end);
  }
}

TEST(Plan, BackdatingIsNamedAndNeverBeforeTheCa) {
  const x509::Request csr = request("CN=a", {});
  EXPECT_EQ(plan(csr, {.clock_skew_allowance_seconds = 300}).fields.not_before, kTestTime - 300);
  const UnixSeconds begin = root().certificate.not_before;
  EXPECT_EQ(plan(csr, {.clock_skew_allowance_seconds = 300}, begin + 10).fields.not_before, begin);
}

TEST(Plan, ACaOutsideItsTimeSignsNothing) {
  const x509::Request csr = request("CN=a", {});
  for (const UnixSeconds now :
       {root().certificate.not_after, root().certificate.not_after + 1, root().certificate.not_before - 1}) {
    const auto refused = plan_certificate({root().certificate}, csr, {}, 2, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::untrusted);
  }
  EXPECT_TRUE(plan_certificate({root().certificate}, csr, {}, 2, root().certificate.not_after - 1));
}

TEST(Root, IsSelfIssuedWithSerialOne) {
  const crypto::PrivateKey key = make_key();
  const auto name = x509::Name::parse_text("CN=Root").value();
  const auto fields = plan_root(name, key.public_key_info(), 10 * kDay, kTestTime).value();
  EXPECT_EQ(fields.serial, "01");
  EXPECT_EQ(fields.issuer_der, fields.subject_der);
  EXPECT_TRUE(fields.is_ca);
  EXPECT_EQ(fields.authority_key_id, fields.subject_key_id);
  EXPECT_EQ(fields.not_after, kTestTime + 10 * kDay);
  EXPECT_FALSE(plan_root(x509::Name(), key.public_key_info(), kDay, kTestTime));
  constexpr UnixSeconds kEnd = 253402300799;
  EXPECT_TRUE(plan_root(name, key.public_key_info(), kEnd - kTestTime, kTestTime));
  EXPECT_FALSE(plan_root(name, key.public_key_info(), kEnd - kTestTime + 1, kTestTime));
}

TEST(AcceptRequest, ProvesTheSignatureAndThatSomebodyIsNamed) {
  const auto der = x509::make_request(x509::Name::parse_text("CN=a").value(), {}, make_key()).value();
  EXPECT_TRUE(accept_request(der, "a.csr"));
  std::string forged = der;
  forged.back() = static_cast<char>(forged.back() ^ 1);
  EXPECT_EQ(accept_request(forged, "a.csr").error().code, ErrorCode::csr_signature);
  const auto nobody = x509::make_request(x509::Name(), {}, make_key()).value();
  EXPECT_EQ(accept_request(nobody, "a.csr").error().message,
            "the request in a.csr names nobody: it has neither a subject nor an alternative name");
  EXPECT_THAT(accept_request("junk", "a.csr").error().message, HasSubstr("failed to parse CSR from a.csr"));
}

TEST(ForEachParallel, DoesEverythingOnceAndReportsTheFirstFailure) {
  for (const unsigned jobs : {0U, 1U, 3U, 16U}) {
    std::vector<std::atomic<int>> done(100);
    ASSERT_TRUE(for_each_parallel(done.size(), jobs, [&](std::size_t i) -> Status {
      ++done[i];
      return {};
    }));
    for (const auto& count : done) EXPECT_EQ(count.load(), 1);
    const Status failed = for_each_parallel(done.size(), jobs, [&](std::size_t i) -> Status {
      if (i >= 40) return fail(ErrorCode::internal, std::to_string(i));
      return {};
    });
    EXPECT_EQ(failed.error().message, "40");
    EXPECT_TRUE(for_each_parallel(0, jobs, [](std::size_t) -> Status { return fail(ErrorCode::internal, "called"); }));
  }
}

}  // namespace
}  // namespace lockstep::ca
