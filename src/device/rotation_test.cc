// A device's whole life on the strict simulation, with both ways of keeping its identity.
#include "device/rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/device_fixture.h"

namespace lockstep::device {
namespace {

using lockstep::testing::SimFileSystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Device : public ::testing::TestWithParam<StorageKind> {
 protected:
  Device() : settings(make_settings(GetParam())) { prepare_directories(disk); }

  Result<RotationReport> run(const RotationOptions& options = {}, UnixSeconds now = kTestTime) {
    events.clear();
    return run_device(disk, settings, issuer, options, now, &events);
  }
  void enroll() {
    issuer.script.serial = "11";
    const auto enrolled = run({.enroll = true, .token = "t"});
    ASSERT_TRUE(enrolled) << enrolled.error().message;
    issuer.script.serial = "77";
  }
  // The serial that is live, and that its halves belong together; with a reason when they do not.
  std::string live() {
    lockstep::testing::Machine machine(disk);
    const auto storage = make_storage(machine.runtime, settings);
    const auto identity = storage->load();
    if (!identity) return identity.error().message;
    if (!*identity) return "none";
    if (!is_pair(**identity)) return "not a pair";
    return leaf_of((*identity)->certificate_pem, "it")->serial;
  }
  bool has_previous() {
    lockstep::testing::Machine machine(disk);
    return make_storage(machine.runtime, settings)->has_previous().value();
  }
  DeviceState state() { return load_state(disk, kRoot, kDevice).value(); }
  // Files that hold a private key.
  std::size_t keys() {
    std::size_t count = 0;
    for (const auto& [path, entry] : disk.dump())
      count += entry.type == fs::FileType::regular && entry.content.find("PRIVATE KEY") != std::string::npos ? 1 : 0;
    return count;
  }
  void bootstrap() {
    const crypto::PrivateKey key = lockstep::testing::make_key();
    const auto fields = lockstep::testing::make_fields("CN=factory", key);
    disk.write_file("/etc/device/boot.crt", x509::to_pem(lockstep::testing::sign(fields, key)));
    disk.write_file("/etc/device/boot.key", std::string(key.to_pem()->reveal()));
    settings.bootstrap_cert = "/etc/device/boot.crt";
    settings.bootstrap_key = "/etc/device/boot.key";
  }

  SimFileSystem disk;
  DeviceSettings settings;
  TestIssuer issuer;
  std::vector<std::string> events;
};

TEST_P(Device, EnrolsRenewsWhenDueAndDestroysTheOldKey) {
  EXPECT_EQ(run()->next, kTestTime + settings.renewal.check_interval);  // without an identity and a token: nothing
  EXPECT_EQ(issuer.requests, 0);
  enroll();
  EXPECT_EQ(live(), "11");
  EXPECT_EQ(issuer.last.token, "t");
  EXPECT_EQ(issuer.asked_as, "");
  EXPECT_EQ(keys(), 1U);
  EXPECT_EQ(state().renewals, 0U);

  const auto early = run({}, kTestTime + 59 * kDay);
  EXPECT_FALSE(early->renewed);
  EXPECT_EQ(early->next, kTestTime + 60 * kDay);
  issuer.script.now = kTestTime + 60 * kDay;
  const std::string before =
      *disk.read_file(settings.storage == StorageKind::files ? settings.cert : settings.directory + "/cert.pem");
  const auto renewed = run({}, kTestTime + 60 * kDay);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_TRUE(renewed->renewed);
  EXPECT_TRUE(renewed->proven);
  EXPECT_EQ(issuer.asked_as, before);
  EXPECT_EQ(issuer.last.reason, Reason::proactive);
  EXPECT_EQ(live(), "77");
  EXPECT_EQ(keys(), 1U);
  EXPECT_FALSE(has_previous());
  EXPECT_EQ(state().renewals, 1U);
  EXPECT_EQ(state().last_renewed, kTestTime + 60 * kDay);
  EXPECT_THAT(events, Contains(StartsWith("renewal_started")));
  EXPECT_THAT(events, Contains(StartsWith("swapped")));
  EXPECT_THAT(events, Contains(StartsWith("proven")));
}

TEST_P(Device, KeepsTheKeyWhenTold) {
  enroll();
  settings.renewal.reuse_key = true;
  lockstep::testing::Machine machine(disk);
  const auto key = [&] { return std::string((*make_storage(machine.runtime, settings)->load())->key_pem.reveal()); };
  const std::string before = key();
  ASSERT_TRUE(run({.force = true}));
  EXPECT_EQ(live(), "77");
  EXPECT_EQ(key(), before);
  settings.renewal.reuse_key = false;
  issuer.script.serial = "78";
  ASSERT_TRUE(run({.force = true}));
  EXPECT_NE(key(), before);
}

TEST_P(Device, WhateverTheIssuerAnswersTheOldIdentityStays) {
  enroll();
  const std::size_t keys_before = keys();
  for (const auto& [mood, why] : std::map<Mood, std::string>{{Mood::refusing, "no"},
                                                             {Mood::junk, "no certificate"},
                                                             {Mood::other_subject, "subject"},
                                                             {Mood::other_names, "else.example"},
                                                             {Mood::foreign, "configured CA"},
                                                             {Mood::over, "ended"},
                                                             {Mood::other_key, "key"},
                                                             {Mood::not_a_client, "client authentication"}}) {
    issuer.script.mood = mood;
    const std::uint64_t failures = state().failures;
    const auto outcome = run({.force = true});
    ASSERT_FALSE(outcome) << why;
    EXPECT_THAT(outcome.error().message, HasSubstr(why));
    EXPECT_EQ(live(), "11") << why;
    EXPECT_EQ(state().failures, failures + 1);
    EXPECT_EQ(state().last_error, outcome.error().message);
    EXPECT_GT(state().not_before, kTestTime);
    issuer.issued.clear();
  }
  EXPECT_LE(keys(), keys_before + 1);  // of a request that was refused, which may be asked again
  issuer.script.mood = Mood::good;
  ASSERT_TRUE(run({.force = true}));
  EXPECT_EQ(live(), "77");
  EXPECT_EQ(keys(), 1U);
}

TEST_P(Device, AnIssuerThatIsDownOrHasNotDecidedIsAskedTheSameAgain) {
  enroll();
  issuer.script.mood = Mood::down;
  ASSERT_FALSE(run({.force = true}));
  const std::string request = issuer.last.request_pem;
  EXPECT_EQ(run({}, kTestTime + 60)->next, state().not_before);  // paused
  EXPECT_EQ(issuer.requests, 2);
  issuer.script.mood = Mood::pending;
  const UnixSeconds later = state().not_before;
  EXPECT_EQ(run({}, later)->next, later + 60);
  EXPECT_EQ(state().phase, Phase::renewing);
  issuer.script.mood = Mood::good;
  ASSERT_TRUE(run({}, later + 60)->renewed);
  EXPECT_EQ(issuer.last.request_pem, request);
  EXPECT_EQ(issuer.last.id, "r1");
  EXPECT_EQ(live(), "77");
}

TEST_P(Device, ARefusedIdentityIsTakenBack) {
  enroll();
  issuer.script.verdict = Verdict::refused;
  const auto outcome = run({.force = true});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::identity_refused);
  EXPECT_EQ(live(), "11");
  EXPECT_EQ(keys(), 1U);
  EXPECT_FALSE(state().unproven);
  EXPECT_THAT(events, Contains(StartsWith("rolled_back")));
}

TEST_P(Device, AnUnreachableIssuerProvesNothingAndTakesNothingBack) {
  enroll();
  issuer.script.reachable = false;
  const auto outcome = run({.force = true});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
  EXPECT_FALSE(outcome->proven);
  EXPECT_EQ(outcome->next, kTestTime + settings.renewal.retry_interval);
  EXPECT_EQ(live(), "77");
  EXPECT_TRUE(has_previous());
  EXPECT_EQ(keys(), 2U);
  issuer.script.reachable = true;
  ASSERT_TRUE(run({}, outcome->next)->proven);
  EXPECT_FALSE(has_previous());
  EXPECT_EQ(keys(), 1U);
}

TEST_P(Device, ThePersonMayGoBackAsLongAsThereIsSomethingToGoBackTo) {
  enroll();
  settings.renewal.destroy_old_keys = false;
  ASSERT_TRUE(run({.force = true}));
  lockstep::testing::Machine machine(disk);
  const auto storage = make_storage(machine.runtime, settings);
  ASSERT_TRUE(roll_back(machine.runtime, kRoot, *storage, settings));
  EXPECT_EQ(live(), "11");
  const Status again = roll_back(machine.runtime, kRoot, *storage, settings);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("nothing to roll back to"));
}

TEST_P(Device, ComesBackWithItsBootstrapIdentity) {
  enroll();
  const UnixSeconds later = kTestTime + 200 * kDay;
  ASSERT_TRUE(run({}, later));
  EXPECT_EQ(issuer.requests, 1);  // without a bootstrap identity there is nobody to ask as
  EXPECT_EQ(state().phase, Phase::expired);
  bootstrap();
  issuer.script.now = later;
  const auto outcome = run({}, later);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(issuer.asked_as, *disk.read_file("/etc/device/boot.crt"));
  EXPECT_EQ(issuer.last.reason, Reason::expired);
  EXPECT_EQ(live(), "77");
  EXPECT_EQ(state().recoveries, 1U);
  EXPECT_EQ(state().phase, Phase::normal);
}

TEST_P(Device, AClockAYearAheadAndBackDestroysNothingAndEndsNowhere) {
  enroll();
  bootstrap();
  issuer.script.mood = Mood::refusing;  // it knows the time
  const UnixSeconds ahead = kTestTime + 365 * kDay;
  for (int i = 0; i < 12; ++i) ASSERT_FALSE(run({.force = true}, ahead));
  EXPECT_EQ(state().phase, Phase::renewal_failed);
  EXPECT_EQ(live(), "11");
  issuer.script.mood = Mood::good;
  const auto back = run({}, kTestTime + kDay);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(live(), "11");
  EXPECT_EQ(state().phase, Phase::normal);
  EXPECT_GT(back->next, kTestTime + kDay);
  issuer.script.now = kTestTime + 61 * kDay;
  ASSERT_TRUE(run({}, kTestTime + 61 * kDay)->renewed);  // the pause of the wrong clock does not count
  EXPECT_EQ(live(), "77");
}

TEST_P(Device, ARefusedEnrolmentLeavesNothing) {
  const auto before = disk.dump();
  issuer.script.mood = Mood::refusing;
  ASSERT_FALSE(run({.enroll = true, .token = "wrong"}));
  EXPECT_EQ(keys(), 0U);
  EXPECT_EQ(live(), "none");
  EXPECT_FALSE(disk.read_file(state_path(kRoot, kDevice)));
  issuer.script.mood = Mood::down;
  ASSERT_FALSE(run({.enroll = true, .token = "right"}));
  const std::string request = issuer.last.request_pem;
  issuer.script.mood = Mood::good;
  ASSERT_TRUE(run({.enroll = true, .token = "right"}));  // whose answer was lost
  EXPECT_EQ(issuer.last.request_pem, request);
  const auto twice = run({.enroll = true, .token = "right"});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::already_exists);
}

TEST_P(Device, HalvesThatAPersonMixedAreNamedAndNothingIsTouched) {
  enroll();
  const std::string other(lockstep::testing::make_key().to_pem()->reveal());
  const bool files = GetParam() == StorageKind::files;
  const std::string changed = files ? settings.key : settings.directory + "/.lockstep/gen-00000001/key.pem";
  disk.write_file(changed, other);
  const auto outcome = run({.force = true});
  ASSERT_FALSE(outcome);
  // A generation is checked against its manifest, plain files against each other.
  EXPECT_EQ(outcome.error().code, files ? ErrorCode::damaged : ErrorCode::edited_by_hand);
  EXPECT_THAT(outcome.error().message, HasSubstr(changed));
  EXPECT_EQ(issuer.requests, 1);
}

INSTANTIATE_TEST_SUITE_P(Storage, Device, ::testing::Values(StorageKind::generations, StorageKind::files),
                         [](const auto& info) { return std::string(storage_name(info.param)); });

}  // namespace
}  // namespace lockstep::device
