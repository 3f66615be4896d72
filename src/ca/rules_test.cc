#include "ca/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/authority.h"

namespace lockstep::ca {
namespace {

constexpr UnixSeconds kNow = testing::kTestTime;

// What is needed to be granted; each test takes one thing away.
struct Case {
  RequestFacts request;
  std::optional<ClientFacts> client;
  RegistryFacts registry;

  [[nodiscard]] std::string refusal() const {
    const auto refused = decide(request, client, registry, kNow);
    return refused ? refused->code : "granted";
  }
  [[nodiscard]] RefusalKind kind() const { return decide(request, client, registry, kNow).value().kind; }
};

Case renewal() {
  return {.request = {Reason::proactive, "", "CN=pump", {"DNS:pump.example"}},
          .client = ClientFacts{true, false, true, "CN=pump", {"DNS:pump.example"}, kNow - 10, kNow},
          .registry = {}};
}

Case recovery() {
  Case made = renewal();
  made.request.reason = Reason::expired;
  made.client->issued_here = false;  // another CA's will do
  made.client->subject = "O=Factory,CN=4711";
  made.client->alternative_names = {};
  made.registry.device = Device{"pump", "CN=pump", std::string(64, 'a'), 0, false};
  return made;
}

Case enrolment() {
  Case made;
  made.request = {Reason::enroll, "pump", "CN=pump,O=Example", {"DNS:pump.example"}};
  made.registry.token = Token{std::string(64, 'b'), "pump", kNow - 10, kNow, false, ""};
  return made;
}

TEST(Rules, GrantWhatIsInOrder) {
  EXPECT_EQ(renewal().refusal(), "granted");
  EXPECT_EQ(recovery().refusal(), "granted");
  EXPECT_EQ(enrolment().refusal(), "granted");
}

TEST(Rules, RenewalNeedsTheCertificateThatIsRenewed) {
  const auto refused = [](const std::function<void(Case&)>& change) {
    Case made = renewal();
    change(made);
    return made.refusal();
  };
  EXPECT_EQ(refused([](Case& c) { c.client.reset(); }), "certificate_required");
  EXPECT_EQ(refused([](Case& c) { c.client->issued_here = false; }), "certificate_unknown");
  EXPECT_EQ(refused([](Case& c) { c.client->revoked = true; }), "certificate_revoked");
  EXPECT_EQ(refused([](Case& c) { c.client->client_auth = false; }), "certificate_not_for_clients");
  EXPECT_EQ(refused([](Case& c) { c.client->not_after = kNow - 1; }), "certificate_expired");
  EXPECT_EQ(refused([](Case& c) { c.client->not_before = kNow + 1; }), "certificate_not_yet_valid");
  EXPECT_EQ(refused([](Case& c) { c.request.subject = "CN=other"; }), "subject_differs");
  EXPECT_EQ(refused([](Case& c) { c.request.alternative_names.insert("DNS:more"); }), "names_differ");
  EXPECT_EQ(refused([](Case& c) { c.request.alternative_names.clear(); }), "names_differ");
}

TEST(Rules, RecoveryNeedsTheRegisteredBootstrapCertificate) {
  const auto refused = [](const std::function<void(Case&)>& change) {
    Case made = recovery();
    change(made);
    return made.refusal();
  };
  EXPECT_EQ(refused([](Case& c) { c.client.reset(); }), "certificate_required");
  EXPECT_EQ(refused([](Case& c) { c.registry.device.reset(); }), "bootstrap_unknown");
  EXPECT_EQ(refused([](Case& c) { c.client->revoked = true; }), "certificate_revoked");
  EXPECT_EQ(refused([](Case& c) { c.client->client_auth = false; }), "certificate_not_for_clients");
  EXPECT_EQ(refused([](Case& c) { c.client->not_after = kNow - 1; }), "certificate_expired");
  EXPECT_EQ(refused([](Case& c) { c.client->not_before = kNow + 1; }), "certificate_not_yet_valid");
  EXPECT_EQ(refused([](Case& c) { c.request.subject = "CN=other"; }), "subject_differs");
  EXPECT_EQ(refused([](Case& c) { c.registry.taken = "other"; }), "name_taken");
}

TEST(Rules, EnrolmentNeedsAnOpenTokenAndAFreeName) {
  const auto refused = [](const std::function<void(Case&)>& change) {
    Case made = enrolment();
    change(made);
    return made.refusal();
  };
  EXPECT_EQ(refused([](Case& c) { c.request.name = "a/b"; }), "name_malformed");
  EXPECT_EQ(refused([](Case& c) { c.registry.token.reset(); }), "token_unknown");
  EXPECT_EQ(refused([](Case& c) { c.registry.token->used_by = std::string(64, 'c'); }), "token_used");
  EXPECT_EQ(refused([](Case& c) { c.registry.token->expires = kNow - 1; }), "token_expired");
  EXPECT_EQ(refused([](Case& c) { c.registry.token->name = "other"; }), "token_for_another");
  EXPECT_EQ(refused([](Case& c) { c.registry.token->name = ""; }), "granted");
  EXPECT_EQ(refused([](Case& c) { c.request.subject = "CN=other"; }), "subject_differs");
  EXPECT_EQ(refused([](Case& c) { c.registry.subject_in_use = true; }), "already_enrolled");
  const Device enrolled{"pump", "CN=pump", "", 0, true};
  EXPECT_EQ(refused([&](Case& c) { c.registry.device = enrolled; }), "already_enrolled");
  EXPECT_EQ(refused([&](Case& c) {
              c.registry.device = enrolled;
              c.registry.subject_in_use = true;
              c.registry.token->reenroll = true;
            }),
            "granted");
  EXPECT_EQ(refused([](Case& c) { c.registry.device = Device{"pump", "CN=pump", std::string(64, 'a'), 0, false}; }),
            "subject_differs");
  EXPECT_EQ(refused([](Case& c) { c.registry.taken = "other"; }), "name_taken");
}

TEST(Rules, SayWhetherTheClientOrTheWishIsTheReason) {
  Case made = renewal();
  made.client.reset();
  EXPECT_EQ(made.kind(), RefusalKind::unauthenticated);
  made = renewal();
  made.request.subject = "CN=other";
  EXPECT_EQ(made.kind(), RefusalKind::forbidden);
  made = enrolment();
  made.request.name = "";
  EXPECT_EQ(made.kind(), RefusalKind::malformed);
}

TEST(Rules, FindTheOneCommonName) {
  EXPECT_TRUE(has_common_name("CN=pump", "pump"));
  EXPECT_TRUE(has_common_name("O=x,CN=pump,C=DE", "pump"));
  EXPECT_TRUE(has_common_name("O=x\\,CN=other,CN=pump", "pump"));
  for (const char* subject : {"", "O=pump", "CN=pump2", "CN=pump,CN=pump", "CN=other,CN=pump", "CN=other+CN=pump",
                              "O=x\\,CN=pump", "CN=#0c0470756d70"}) {
    EXPECT_FALSE(has_common_name(subject, "pump")) << subject;
  }
}

TEST(Rules, CompareNamesWithoutOrderAndCase) {
  using x509::AlternativeNameType;
  const auto one = canonical_names({{AlternativeNameType::dns, "A.example"}, {AlternativeNameType::uri, "urn:X"}});
  const auto other = canonical_names({{AlternativeNameType::uri, "urn:X"}, {AlternativeNameType::dns, "a.EXAMPLE"}});
  EXPECT_EQ(one.value(), other.value());
  EXPECT_EQ(canonical_names({{AlternativeNameType::other, "x"}}).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace lockstep::ca
