// What the issuing server does on the simulated disk: decisions with a real ledger, and every crash of its commit.
#include "ca/registrar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "ca/ledger_fixture.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"

namespace lockstep::ca {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;
using Kind = Answer::Kind;

const std::string kTokenHash(64, '7');
constexpr const char* kCa = "/srv/ca";

std::string csr(const std::string& subject) {
  return x509::make_request(x509::Name::parse_text(subject).value(), {}, lockstep::testing::make_key()).value();
}
// Made once: every run of an explored operation does the same calls.
const std::string& pump_csr() {
  static const std::string made = csr("CN=pump");
  return made;
}

std::string der_of(const std::string& pem) { return x509::parse_certificates(pem, "answer").value().front().der; }

Application enrolment(const std::string& csr_der = pump_csr(), const std::string& name = "pump") {
  return {.reason = Reason::enroll, .name = name, .token_hash = kTokenHash, .csr_der = csr_der, .client_der = {}};
}
Application renewal(const std::string& csr_der, const std::string& client_der) {
  return {.reason = Reason::proactive, .name = {}, .token_hash = {}, .csr_der = csr_der, .client_der = client_der};
}

Status add_token(Ledger& ledger, UnixSeconds now) {
  return change_registry(
      ledger, [&](Registry& registry) { return registry.add_token({kTokenHash, "", now, now + 3600, false, ""}); });
}

class RegistrarTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    ASSERT_TRUE(add_token(ledger, clock.now()));
  }
  std::vector<Answer> ask(const std::vector<Application>& applications, const std::vector<Lookup>& lookups = {}) {
    auto answers = registrar.process(applications, lookups, clock.now());
    EXPECT_TRUE(answers) << answers.error().message;
    return answers.value_or(std::vector<Answer>());
  }
  Registrar registrar{ledger, {}};
};

TEST_F(RegistrarTest, IssuesOnceAndRepeatsTheSame) {
  const Answer first = ask({enrolment()}).front();
  ASSERT_EQ(first.kind, Kind::issued) << first.refusal.message;
  const Answer again = ask({enrolment()}).front();
  EXPECT_EQ(again.kind, Kind::repeated);
  EXPECT_EQ(again.certificate, first.certificate);
  // Another process, or this one started again.
  Registrar restarted(ledger, {});
  EXPECT_EQ(restarted.process({enrolment()}, {}, clock.now()).value().front().certificate, first.certificate);
  EXPECT_THAT(certificate_files(), ::testing::SizeIs(1));
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(RegistrarTest, DecidesABatchInOrder) {
  // The same twice, and another that wants the same token.
  const auto answers = ask({enrolment(), enrolment(), enrolment(csr("CN=other"), "other")});
  EXPECT_EQ(answers[0].kind, Kind::issued);
  EXPECT_EQ(answers[1].kind, Kind::repeated);
  EXPECT_EQ(answers[1].serial, answers[0].serial);
  EXPECT_EQ(answers[2].kind, Kind::refused);
  EXPECT_EQ(answers[2].refusal.code, "token_used");
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(RegistrarTest, RenewsManyInOneGeneration) {
  const std::string client = der_of(ask({enrolment()}).front().certificate);
  const std::string before = content(".lockstep/current/manifest.json");
  std::vector<Application> applications;
  for (int i = 0; i < 5; ++i) applications.push_back(renewal(csr("CN=pump"), client));
  const auto answers = ask(applications);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].kind, Kind::issued);
    EXPECT_EQ(answers[i].serial, 3 + i);
  }
  EXPECT_NE(content(".lockstep/current/manifest.json"), before);
  EXPECT_THAT(content("serial"), "08\n");
  const Answer shown = ask({}, {{answers[1].id, client}}).front();
  EXPECT_EQ(shown.certificate, answers[1].certificate);
  EXPECT_EQ(ask({}, {{answers[1].id, ""}}).front().kind, Kind::not_found);
}

TEST_F(RegistrarTest, KnowsACertificateByItsBytes) {
  const std::string client = der_of(ask({enrolment()}).front().certificate);
  // The same CA's name and the same serial, but another key signed it.
  auto forged = lockstep::testing::make_root("CN=Root");
  x509::CertificateFields fields = lockstep::testing::make_fields("CN=pump", forged.key, forged);
  fields.serial = "02";
  const std::string forged_der = lockstep::testing::sign(fields, forged.key).der;
  EXPECT_EQ(ask({renewal(pump_csr(), forged_der)}).front().refusal.code, "certificate_unknown");
  EXPECT_EQ(ask({renewal(csr("CN=pump"), client)}).front().kind, Kind::issued);
  ASSERT_TRUE(revoke(2));
  EXPECT_EQ(ask({renewal(csr("CN=pump"), client)}).front().refusal.code, "certificate_revoked");
}

TEST_F(RegistrarTest, TakesNoSubjectThatIsInUse) {
  ASSERT_TRUE(sign());  // CN=host, by hand
  EXPECT_EQ(ask({enrolment(csr("CN=host"), "host")}).front().refusal.code, "already_enrolled");
  EXPECT_EQ(ask({enrolment(csr("CN=HOST"), "HOST")}).front().refusal.code, "already_enrolled");
  ASSERT_TRUE(revoke(2));
  EXPECT_EQ(ask({enrolment(csr("CN=host"), "host")}).front().kind, Kind::issued);
}

TEST_F(RegistrarTest, KeepsTheServersPairAsOne) {
  const std::vector<x509::AlternativeName> names = {{x509::AlternativeNameType::dns, "localhost"}};
  EXPECT_FALSE(stored_server_pair(ledger, names, clock.now()).value());
  const ServerPair made = renew_server_pair(ledger, names, 3600, clock.now()).value();
  const auto stored = stored_server_pair(ledger, names, clock.now()).value();
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->certificate_pem, made.certificate_pem);
  EXPECT_THAT(damage(), IsEmpty());
  EXPECT_FALSE(stored_server_pair(ledger, {{x509::AlternativeNameType::dns, "other"}}, clock.now()).value());
  EXPECT_FALSE(stored_server_pair(ledger, names, made.not_after).value());
  ASSERT_TRUE(revoke(2));
  EXPECT_FALSE(stored_server_pair(ledger, names, clock.now()).value());
}

TEST_F(RegistrarTest, SurvivesRepairWithItsTokensUsed) {
  const Answer first = ask({enrolment()}).front();
  overwrite("index.json", "[\n");
  ASSERT_TRUE(repair(runtime, kDirectory));
  EXPECT_THAT(damage(), IsEmpty());
  Registrar restarted(ledger, {});
  EXPECT_EQ(restarted.process({enrolment()}, {}, clock.now()).value().front().certificate, first.certificate);
  EXPECT_EQ(restarted.process({enrolment(csr("CN=other"), "other")}, {}, clock.now()).value().front().kind,
            Kind::refused);
}

// Everything that a request changes, in words that do not depend on signatures.
std::string view(SimFileSystem& disk) {
  std::string text;
  for (const char* name : {"serial", "index.json", "requests.json", "tokens.json", "devices.json"})
    text += disk.read_file(std::string(kCa) + "/" + name).value_or("none") + "\n";
  const auto contents = read_contents(disk, kCa);
  if (!contents) return text + contents.error().message;
  const std::vector<durable::Finding> findings = check_ledger(disk, kCa, *contents).value();
  for (const durable::Finding& finding : findings) {
    if (finding.kind == durable::FindingKind::damage) text += finding.path + finding.what;
  }
  return text;
}

struct World {
  explicit World(SimFileSystem& disk) : runtime{disk, clock, random, std::chrono::milliseconds(50)} {}
  lockstep::testing::ManualClock clock;
  lockstep::testing::SeededRandom random;
  durable::Runtime runtime;
  FlatLedger ledger{runtime, kCa, [](const std::string&) {}};
};

CrashScenario scenario(const std::string& name, std::function<Application(const std::string& client)> application) {
  CrashScenario made;
  made.name = name;
  // A copy of the disk with an enrolled device, so that all runs meet the same bytes.
  const auto client = std::make_shared<std::string>();
  made.prepare = [client](SimFileSystem& disk) {
    disk.make_directories("/srv");
    World world(disk);
    ASSERT_TRUE(world.ledger.initialize(test_authority().files));
    ASSERT_TRUE(add_token(world.ledger, world.clock.now()));
    const std::string other(64, '8');
    ASSERT_TRUE(change_registry(world.ledger, [&](Registry& registry) {
      return registry.add_token({other, "", world.clock.now(), world.clock.now() + 3600, false, ""});
    }));
    Application first = enrolment(test_request_der(), "host");
    first.token_hash = other;
    const auto answers = Registrar(world.ledger, {}).process({first}, {}, world.clock.now());
    ASSERT_TRUE(answers);
    *client = der_of(answers->front().certificate);
  };
  made.run = [client, application](SimFileSystem& disk) {
    World world(disk);
    const auto answers = Registrar(world.ledger, {}).process({application(*client)}, {}, world.clock.now());
    if (!answers)
      return answers.error().code == ErrorCode::commit_uncertain ? RunOutcome::commit_uncertain : RunOutcome::failure;
    const Kind kind = answers->front().kind;
    return kind == Kind::issued || kind == Kind::repeated ? RunOutcome::success : RunOutcome::failure;
  };
  made.recover = [](SimFileSystem& disk, std::string* why) {
    World world(disk);
    const auto writer = world.ledger.write();
    if (!writer) *why = writer.error().message;
    return writer.has_value();
  };
  made.view = view;
  made.leftover_allowed = [](const std::string& path) { return path.starts_with("/srv/"); };
  return made;
}

TEST(RegistrarCrash, RequestTokenAndCertificateAreOneCommit) {
  lockstep::testing::ExplorerOptions options;
  const bool deep = lockstep::testing::deep();
  options.limits.exhaustive = deep ? 96 : 8;
  options.limits.samples = deep ? 24 : 1;
  options.recovery_depth = deep ? 1 : 0;
  options.crash_after_faults = deep;
  options.one_fault_in = deep ? 1 : 7;
  for (const CrashScenario& one :
       {scenario("enrol by request", [](const std::string&) { return enrolment(); }),
        scenario("renew by request", [](const std::string& client) { return renewal(test_request_der(), client); })}) {
    const auto report = lockstep::testing::explore(one, options);
    std::cout << report.summary(one.name) << "\n";
    EXPECT_THAT(report.violations, IsEmpty());
    EXPECT_GT(report.crash_states, 1U);
  }
}

}  // namespace
}  // namespace lockstep::ca
