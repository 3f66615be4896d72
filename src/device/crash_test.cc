// A device's identity, crashed at every call and failed at every call on the strict simulation, with both ways of
// keeping it: the old one or the new one, never neither, never mixed; and the next start goes on by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "device/device_fixture.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"

namespace lockstep::device {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::Machine;
using lockstep::testing::outcome_of;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

constexpr const char* kOldSerial = "11";
constexpr const char* kNewSerial = "77";

DeviceSettings settings_of(StorageKind storage) {
  DeviceSettings settings = make_settings(storage);
  settings.renewal.threshold = {.days = 30, .percent = 0};
  return settings;
}

std::string view(SimFileSystem& disk, const DeviceSettings& settings) {
  Machine machine(disk);
  const auto identity = make_storage(machine.runtime, settings)->load();
  if (!identity) return "unreadable: " + identity.error().message;
  if (!*identity) return "none";
  const auto leaf = leaf_of((*identity)->certificate_pem, "it");
  return (leaf ? leaf->serial : "no certificate") + (is_pair(**identity) ? "" : ", not a pair");
}

Result<RotationReport> run(SimFileSystem& disk, const DeviceSettings& settings, const std::string& serial,
                           const RotationOptions& options, Verdict verdict = Verdict::accepted,
                           UnixSeconds now = kTestTime) {
  TestIssuer issuer;
  issuer.script.serial = serial;
  issuer.script.verdict = verdict;
  return run_device(disk, settings, issuer, options, now);
}

void enroll(SimFileSystem& disk, const DeviceSettings& settings) {
  const auto enrolled = run(disk, settings, kOldSerial, {.enroll = true, .token = "t"});
  ASSERT_TRUE(enrolled) << enrolled.error().message;
}

// What is left of keys when everything has come to its end: one.
std::vector<std::string> keys_on(SimFileSystem& disk) {
  std::vector<std::string> paths;
  for (const auto& [path, entry] : disk.dump()) {
    const bool is_file = entry.type == fs::FileType::regular;
    if (is_file && entry.content.find("PRIVATE KEY") != std::string::npos) paths.push_back(path);
  }
  return paths;
}

CrashScenario scenario_of(const std::string& name, StorageKind storage, RotationOptions again) {
  const DeviceSettings settings = settings_of(storage);
  CrashScenario scenario;
  scenario.name = name + ", " + std::string(storage_name(storage));
  scenario.recover = [settings](SimFileSystem& disk, std::string* why) {
    Machine machine(disk);
    const auto recovered = make_storage(machine.runtime, settings)->recover();
    if (!recovered) *why = recovered.error().message;
    return recovered.has_value();
  };
  scenario.view = [settings](SimFileSystem& disk) { return view(disk, settings); };
  // After every pause that a failure may have brought.
  scenario.checks = {[settings, again](SimFileSystem& disk) -> std::string {
    SimFileSystem next(disk.image());
    RotationOptions options = again;
    if (view(next, settings) != "none") options.enroll = false;
    const auto outcome = run(next, settings, kNewSerial, options, Verdict::accepted, kTestTime + 2 * kDay);
    if (!outcome) return "the next start failed: " + outcome.error().message;
    const std::string now = view(next, settings);
    if (now != kNewSerial && now != kOldSerial) return "after the next start: " + now;
    std::string left;
    const std::vector<std::string> keys = keys_on(next);
    for (const std::string& path : keys) left += " " + path;
    return keys.size() == 1 ? "" : "the next start left" + left;
  }};
  // What is pending, the state and its lock are progress; the live halves are not.
  const auto is_progress = [](const std::string& path) {
    return path != "/etc/device/device.crt" && path != "/etc/device/keys/device.key" &&
           path != "/var/lib/lockstep/identities/sensor-1/cert.pem" &&
           path != "/var/lib/lockstep/identities/sensor-1/key.pem";
  };
  scenario.leftover_allowed = is_progress;
  scenario.change_allowed = is_progress;
  scenario.starts_after_crash = true;
  return scenario;
}

CrashScenario first_identity(StorageKind storage) {
  CrashScenario scenario = scenario_of("enroll", storage, {.enroll = true, .token = "t"});
  scenario.prepare = prepare_directories;
  scenario.run = [settings = settings_of(storage)](SimFileSystem& disk) {
    const auto outcome = run(disk, settings, kNewSerial, {.enroll = true, .token = "t"});
    // Said once more after an uncertain run that did it.
    if (!outcome && outcome.error().code == ErrorCode::already_exists) return RunOutcome::success;
    return outcome_of(outcome);
  };
  return scenario;
}

// A wrong clock speaks against what came; by the right one it comes again.
CrashScenario first_identity_after_a_rejection(StorageKind storage) {
  CrashScenario scenario = first_identity(storage);
  scenario.name = "enroll by a slow clock and again, " + std::string(storage_name(storage));
  scenario.run = [settings = settings_of(storage), again = scenario.run](SimFileSystem& disk) {
    const RotationOptions options{.enroll = true, .token = "t"};
    const auto early = run(disk, settings, kNewSerial, options, Verdict::accepted, kTestTime - 600);
    const bool rejected = !early && early.error().code == ErrorCode::issuer_bad_answer;
    // Said once more after a run that was cut off in its swap, which this one's recovery carried through.
    const bool done = !early && early.error().code == ErrorCode::already_exists;
    return rejected || done ? again(disk) : outcome_of(early);
  };
  return scenario;
}

// An enrolment that nobody answered left its key in another place.
CrashScenario first_identity_elsewhere(StorageKind storage) {
  CrashScenario scenario = first_identity(storage);
  scenario.name = "enroll elsewhere, " + std::string(storage_name(storage));
  scenario.prepare = [storage](SimFileSystem& disk) {
    prepare_directories(disk);
    const bool files = storage == StorageKind::files;
    TestIssuer issuer;
    issuer.script.mood = Mood::down;
    ASSERT_FALSE(run_device(disk, settings_of(files ? StorageKind::generations : StorageKind::files), issuer,
                            {.enroll = true, .token = "t"}));
    ASSERT_EQ(keys_on(disk).size(), 1U);
  };
  return scenario;
}

CrashScenario renewal(StorageKind storage) {
  CrashScenario scenario = scenario_of("rotate", storage, {});
  const DeviceSettings settings = settings_of(storage);
  scenario.prepare = [settings](SimFileSystem& disk) {
    prepare_directories(disk);
    enroll(disk, settings);
  };
  scenario.run = [settings](SimFileSystem& disk) {
    return outcome_of(run(disk, settings, kNewSerial, {.force = true}));
  };
  return scenario;
}

// The new identity is refused: what is live in the end is the old one, and in between either.
CrashScenario refused(StorageKind storage) {
  CrashScenario scenario = renewal(storage);
  scenario.name = "rotate and take back, " + std::string(storage_name(storage));
  scenario.run = [settings = settings_of(storage)](SimFileSystem& disk) {
    const auto outcome = run(disk, settings, kNewSerial, {.force = true}, Verdict::refused);
    if (!outcome && outcome.error().code == ErrorCode::identity_refused) return RunOutcome::success;
    if (!outcome && outcome.error().code == ErrorCode::committed_not_delivered) return RunOutcome::commit_uncertain;
    return outcome ? RunOutcome::commit_uncertain : outcome_of(outcome);
  };
  // Old and new are the same here: that the new one was live meanwhile is no state of the device that counts.
  scenario.view = [settings = settings_of(storage)](SimFileSystem& disk) {
    const std::string now = view(disk, settings);
    return now == kNewSerial ? kOldSerial : now;
  };
  return scenario;
}

CrashScenario going_back(StorageKind storage) {
  DeviceSettings settings = settings_of(storage);
  settings.renewal.destroy_old_keys = false;
  CrashScenario scenario = scenario_of("rollback", storage, {});
  scenario.prepare = [settings](SimFileSystem& disk) {
    prepare_directories(disk);
    enroll(disk, settings);
    const auto rotated = run(disk, settings, kNewSerial, {.force = true});
    ASSERT_TRUE(rotated) << rotated.error().message;
  };
  scenario.run = [settings](SimFileSystem& disk) {
    Machine machine(disk);
    const auto storage = make_storage(machine.runtime, settings);
    const Status done = roll_back(machine.runtime, kRoot, *storage, settings);
    // Said once more after it was done.
    if (!done && done.error().code == ErrorCode::not_found) return RunOutcome::success;
    return outcome_of(done);
  };
  scenario.checks.clear();
  return scenario;
}

class DeviceCrash : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(DeviceCrash, OldOrNewNeverNeitherNeverMixed) {
  lockstep::testing::ExplorerOptions options;
  options.limits.exhaustive = deep() ? 96 : 8;
  options.limits.samples = deep() ? 24 : 2;
  options.recovery_depth = deep() ? 2 : 1;
  options.one_fault_in = deep() ? 1 : 5;
  options.crash_after_faults = deep();
  const auto report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 20U);
  EXPECT_GT(report.injected_faults, 20U);
}

INSTANTIATE_TEST_SUITE_P(Identities, DeviceCrash,
                         ::testing::Values(first_identity(StorageKind::generations), first_identity(StorageKind::files),
                                           first_identity_after_a_rejection(StorageKind::generations),
                                           first_identity_after_a_rejection(StorageKind::files),
                                           first_identity_elsewhere(StorageKind::generations),
                                           first_identity_elsewhere(StorageKind::files),
                                           renewal(StorageKind::generations), renewal(StorageKind::files),
                                           refused(StorageKind::generations), refused(StorageKind::files),
                                           going_back(StorageKind::generations), going_back(StorageKind::files)),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

}  // namespace
}  // namespace lockstep::device
