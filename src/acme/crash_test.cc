// The proofs that are files, crashed at every call and failed at every call on the strict simulation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "acme/challenge_fixture.h"
#include "acme/solvers.h"
#include "testing/crash_explorer.h"

namespace lockstep::acme {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::explore;
using lockstep::testing::outcome_of;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

constexpr const char* kRoot = "/srv/www";

RunOutcome act(SimFileSystem& disk, Status (ChallengeSolver::*what)(const ChallengeTask&)) {
  Machine machine(disk);
  const auto solver = make_webroot(machine.runtime, kRoot);
  if (!solver) return RunOutcome::failure;
  return outcome_of((solver->get()->*what)(make_task()));
}

CrashScenario scenario_of(const std::string& name) {
  CrashScenario scenario;
  scenario.name = name;
  scenario.view = [](SimFileSystem& disk) {
    const std::string folder = std::string(kRoot) + "/.well-known/acme-challenge/";
    return disk.read_file(folder + make_task().token).value_or("none");
  };
  scenario.recover = [](SimFileSystem&, std::string*) { return true; };
  // What cannot be removed because removing fails too.
  scenario.leftover_allowed = [](const std::string& path) { return path.starts_with("/srv/www/.well-known"); };
  return scenario;
}

CrashScenario present(bool directories_there) {
  CrashScenario scenario = scenario_of(directories_there ? "webroot: present" : "webroot: present, making directories");
  scenario.prepare = [directories_there](SimFileSystem& disk) {
    disk.make_directories(directories_there ? std::string(kRoot) + "/.well-known/acme-challenge" : kRoot);
  };
  scenario.run = [](SimFileSystem& disk) { return act(disk, &ChallengeSolver::present); };
  return scenario;
}

CrashScenario clean_up() {
  CrashScenario scenario = scenario_of("webroot: clean up");
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories(kRoot);
    ASSERT_EQ(act(disk, &ChallengeSolver::present), RunOutcome::success);
  };
  scenario.run = [](SimFileSystem& disk) { return act(disk, &ChallengeSolver::clean_up); };
  return scenario;
}

// Whatever a crashed process left is gone after another's clean-up, but for the directories.
CrashScenario present_and_clean_up() {
  CrashScenario scenario = present(true);
  scenario.name = "webroot: clean up after a crash";
  scenario.run = [](SimFileSystem& disk) {
    const RunOutcome presented = act(disk, &ChallengeSolver::present);
    return presented == RunOutcome::success ? act(disk, &ChallengeSolver::clean_up) : presented;
  };
  scenario.recover = [](SimFileSystem& disk, std::string* why) {
    *why = "the clean-up failed";
    return act(disk, &ChallengeSolver::clean_up) == RunOutcome::success;
  };
  scenario.checks = {[](SimFileSystem& disk) {
    const auto tree = disk.dump();
    const bool clean = std::next(tree.find(std::string(kRoot) + "/.well-known/acme-challenge")) == tree.end();
    return clean ? std::string() : std::string("something is left of the proof");
  }};
  return scenario;
}

class WebrootCrash : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(WebrootCrash, LeavesAllOrNothing) {
  const auto report = explore(GetParam());
  std::cout << report.summary(GetParam().name) << "\n";
  std::vector<std::string> violations = report.violations;
  EXPECT_EQ(violations.size(), report.violation_count);
  // After an fsync of the directory that failed, another one proves nothing and is not tried: a power cut may bring the
  // file back, which harms nobody and is found by whoever cleans up after the interrupted order.
  std::erase_if(violations, [](const std::string& each) {
    return each.find("fsync of '/srv/www/.well-known/acme-challenge'") != std::string::npos &&
           each.find("then a crash after the run") != std::string::npos;
  });
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_GT(report.injected_faults, 0U);
}

TEST(Crash, IsCleanedUpByAnotherProcess) {
  // Two operations in a row are no single change that a fault could leave undone: crashes alone.
  const auto report = explore(present_and_clean_up(), {.inject_faults = false});
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 0U);
}

INSTANTIATE_TEST_SUITE_P(Operations, WebrootCrash, ::testing::Values(present(true), present(false), clean_up()),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

}  // namespace
}  // namespace lockstep::acme
