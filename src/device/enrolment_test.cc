// A first identity that does not come at the first try: what is told the second time counts, and what a token has paid
// for is not thrown away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "device/device_fixture.h"

namespace lockstep::device {
namespace {

using lockstep::testing::SimFileSystem;
using ::testing::HasSubstr;

class Enrolling : public ::testing::TestWithParam<StorageKind> {
 protected:
  Enrolling() : settings(make_settings(GetParam())) { prepare_directories(disk); }

  Result<RotationReport> run(const RotationOptions& options, UnixSeconds now = kTestTime) {
    return run_device(disk, settings, issuer, options, now);
  }
  Result<RotationReport> enroll(UnixSeconds now = kTestTime) { return run({.enroll = true, .token = "t"}, now); }
  // The request of a try that nobody answers.
  std::string request_of_lost_try() {
    issuer.script.mood = Mood::down;
    EXPECT_FALSE(enroll());
    issuer.script.mood = Mood::good;
    return issuer.last.request_pem;
  }
  x509::Certificate live() {
    lockstep::testing::Machine machine(disk);
    const auto identity = make_storage(machine.runtime, settings)->load();
    EXPECT_TRUE(identity && *identity && is_pair(**identity));
    return leaf_of((*identity)->certificate_pem, "it").value();
  }
  DeviceState state() { return load_state(disk, kRoot, kDevice).value(); }
  std::vector<std::string> keys() {
    std::vector<std::string> paths;
    for (const auto& [path, entry] : disk.dump()) {
      const bool is_file = entry.type == fs::FileType::regular;
      if (is_file && entry.content.find("PRIVATE KEY") != std::string::npos) paths.push_back(path);
    }
    return paths;
  }

  SimFileSystem disk;
  DeviceSettings settings;
  TestIssuer issuer;
};

TEST_P(Enrolling, TheSameSaidAgainSendsTheSameRequest) {
  settings.alternative_names = {"DNS:sensor-1.example", "IP:2001:DB8:0::1"};
  const std::string request = request_of_lost_try();
  ASSERT_TRUE(enroll());
  EXPECT_EQ(issuer.last.request_pem, request);
}

TEST_P(Enrolling, ACorrectedNameIsTheOneThatIsAskedFor) {
  settings.alternative_names = {"DNS:typo.example"};
  const std::string request = request_of_lost_try();
  settings.alternative_names = {"DNS:right.example"};
  ASSERT_TRUE(enroll());
  EXPECT_NE(issuer.last.request_pem, request);
  ASSERT_EQ(live().alternative_names.size(), 1U);
  EXPECT_EQ(live().alternative_names.front().value, "right.example");
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, ACorrectedKeyTypeIsTheOneThatIsMade) {
  request_of_lost_try();
  settings.key_type = crypto::KeyType::rsa2048;
  ASSERT_TRUE(enroll());
  EXPECT_EQ(x509::describe_public_key(live().public_key_info), "RSA 2048");
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, AMistypedTokenDoesNotThrowAwayWhatTheRightOneAskedFor) {
  const std::string request = request_of_lost_try();
  issuer.script.mood = Mood::refusing;
  const auto mistyped = run({.enroll = true, .token = "T"});
  ASSERT_FALSE(mistyped);
  EXPECT_EQ(mistyped.error().code, ErrorCode::issuer_refused);
  EXPECT_EQ(keys().size(), 1U);
  issuer.script.mood = Mood::good;
  ASSERT_TRUE(enroll());
  EXPECT_EQ(issuer.last.request_pem, request);
}

TEST_P(Enrolling, WhicheverCallFailsOneTokenIsEnough) {
  ASSERT_TRUE(enroll());
  const std::uint64_t calls = disk.operation_count();
  for (std::uint64_t failing = 0; failing < calls; ++failing) {
    SimFileSystem fresh;
    prepare_directories(fresh);
    TestIssuer grudging;
    grudging.script.one_token = true;
    std::string failed;
    fresh.set_hook([&](const lockstep::testing::Operation& call) -> lockstep::testing::Verdict {
      if (call.index != failing) return {};
      failed = call.kind + " " + call.path;
      return {.action = lockstep::testing::Verdict::Action::fail, .error = EIO};
    });
    const RotationOptions options{.enroll = true, .token = "t"};
    const auto first = run_device(fresh, settings, grudging, options);
    fresh.set_hook({});
    const auto again = run_device(fresh, settings, grudging, options);
    const bool is_done = !again && again.error().code == ErrorCode::already_exists;
    EXPECT_TRUE(again || is_done) << "call " << failing << ", " << failed << ": " << again.error().message;
    EXPECT_EQ(grudging.issued.size(), 1U);
    const auto noted = load_state(fresh, kRoot, kDevice);
    EXPECT_TRUE(noted && noted->enrolment) << "call " << failing << ", " << failed << ": the device is forgotten";
  }
  EXPECT_GT(calls, 100U);
}

TEST_P(Enrolling, TheKindOfKeyIsNotedForLaterRuns) {
  settings.key_type = crypto::KeyType::ec384;
  ASSERT_TRUE(enroll());
  EXPECT_EQ(state().enrolment->key_type, "ec384");
}

TEST_P(Enrolling, ACorrectedServerIsAskedAndNoted) {
  settings.server = "https://wrong.example";
  const std::string request = request_of_lost_try();
  EXPECT_EQ(state().enrolment->server, "https://wrong.example");
  settings.server = "https://right.example";
  ASSERT_TRUE(enroll());
  EXPECT_NE(issuer.last.request_pem, request);
  EXPECT_EQ(state().enrolment->server, "https://right.example");
}

TEST_P(Enrolling, AnotherPlaceLeavesNoKeyInTheFirst) {
  request_of_lost_try();
  ASSERT_EQ(keys().size(), 1U);
  const bool files = GetParam() == StorageKind::files;
  settings = make_settings(files ? StorageKind::generations : StorageKind::files);
  ASSERT_TRUE(enroll());
  EXPECT_EQ(state().enrolment->storage, storage_name(settings.storage));
  EXPECT_TRUE(is_pair({x509::to_pem(live()), SecretBytes(*disk.read_file(keys().front()))}));
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, AnotherPlaceDoesNotForgetAnIdentityOfTheFirst) {
  ASSERT_TRUE(enroll());
  // As if the run had been cut off before it could note the swap.
  DeviceState cut = state();
  cut.request =
      PendingRequest{.request_pem = issuer.last.request_pem, .reason = Reason::enroll, .replaces = {}, .id = {}};
  lockstep::testing::Machine machine(disk);
  ASSERT_TRUE(save_state(machine.runtime, kRoot, kDevice, cut));
  const auto before = keys();
  const bool files = GetParam() == StorageKind::files;
  settings = make_settings(files ? StorageKind::generations : StorageKind::files);
  const auto outcome = enroll();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::already_exists);
  EXPECT_EQ(keys(), before);
}

TEST_P(Enrolling, ARunWithoutItsOptionsThrowsNothingAway) {
  settings.alternative_names = {"DNS:of-the-command.example"};
  const std::string request = request_of_lost_try();
  settings.alternative_names = {"DNS:of-the-configuration.example"};
  ASSERT_TRUE(run({}));
  settings.alternative_names = {"DNS:of-the-command.example"};
  ASSERT_TRUE(enroll());
  EXPECT_EQ(issuer.last.request_pem, request);
}

TEST_P(Enrolling, AKeyTypeThatChangedWhileARenewalWasUnderWayCounts) {
  ASSERT_TRUE(enroll());
  issuer.script.mood = Mood::down;
  ASSERT_FALSE(run({.force = true}));
  const std::string request = issuer.last.request_pem;
  ASSERT_FALSE(run({.force = true}));
  EXPECT_EQ(issuer.last.request_pem, request);
  settings.key_type = crypto::KeyType::ec384;
  issuer.script.mood = Mood::good;
  issuer.script.serial = "78";
  ASSERT_TRUE(run({.force = true}));
  EXPECT_EQ(x509::describe_public_key(live().public_key_info), "ECDSA P-384");
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, ACertificateThatATokenPaidForIsNotLostByAWrongClock) {
  for (const UnixSeconds wrong : {kTestTime - 600, kTestTime + 200 * kDay}) {
    const auto early = enroll(wrong);
    ASSERT_FALSE(early);
    EXPECT_THAT(early.error().hint, HasSubstr("clock"));
    EXPECT_THAT(early.error().hint, HasSubstr("there is no identity yet"));
    EXPECT_EQ(keys().size(), 1U);
  }
  const std::string request = issuer.last.request_pem;
  ASSERT_TRUE(enroll());
  EXPECT_EQ(issuer.last.request_pem, request);
  EXPECT_EQ(issuer.issued.size(), 1U);
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, ACertificateThatATokenPaidForIsNotLostByAWrongAnchor) {
  const std::string right = settings.ca;
  settings.ca = "/etc/device/wrong.crt";
  disk.write_file(settings.ca, x509::to_pem(lockstep::testing::make_root("CN=Other").certificate));
  // Whatever a person tries: without a new token there is no other certificate.
  for (int i = 0; i < 12; ++i) {
    const auto outcome = enroll();
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().hint, HasSubstr("--ca"));
  }
  settings.ca = right;
  ASSERT_TRUE(enroll());
  EXPECT_EQ(issuer.issued.size(), 1U);
  EXPECT_EQ(state().enrolment->ca, right);
}

TEST_P(Enrolling, ARenewalThatLeadsElsewhereIsAskedForAgainButNotForEver) {
  ASSERT_TRUE(enroll());
  settings.renewal.max_retries = 3;
  issuer.script.mood = Mood::foreign;
  UnixSeconds now = kTestTime + 61 * kDay;
  issuer.script.now = now;
  for (int i = 0; i < 6; ++i) {
    const int before = issuer.requests;
    ASSERT_FALSE(run({}, now));
    EXPECT_EQ(issuer.requests, before + 1);
    EXPECT_GT(state().not_before, now) << "the pause after a failure";
    ASSERT_TRUE(run({}, now + 1));
    EXPECT_EQ(issuer.requests, before + 1);
    now = state().not_before;
  }
  // The first identity; one request for the first three tries; then one for each slow one.
  EXPECT_EQ(issuer.issued.size(), 1U + 1U + 3U);
  issuer.script.mood = Mood::good;
  issuer.script.now = now;
  ASSERT_TRUE(run({}, now)->renewed);
  EXPECT_EQ(keys().size(), 1U);
}

TEST_P(Enrolling, AForcedRotationIsNoEnrolment) {
  const auto outcome = run({.force = true});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::not_found);
  EXPECT_THAT(outcome.error().hint, HasSubstr("device enroll"));
  EXPECT_EQ(issuer.requests, 0);
  EXPECT_EQ(keys().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Storage, Enrolling, ::testing::Values(StorageKind::generations, StorageKind::files),
                         [](const auto& info) { return std::string(storage_name(info.param)); });

}  // namespace
}  // namespace lockstep::device
