// The commands that talk to an ACME CA, whole, on the strict simulation with a scripted CA: crashed at every call and
// failed at every call. The folder is old or new, and the same command given again comes to its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "agent/scripted_ca_fixture.h"
#include "cli/command_fixture.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"

namespace lockstep::cli {
namespace {

using agent::ScriptedCa;
using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

constexpr const char* kFolder = "/srv/certs/host.example/";
constexpr const char* kOldSerial = "55";
constexpr const char* kNewSerial = "77";

// No hook is part of these runs.
class NoPrograms final : public fs::ProgramRunner {
 public:
  Result<fs::ProgramResult> run(const fs::ProgramCall& call) override {
    return fail(ErrorCode::not_found, "'" + call.arguments.front() + "' is not expected to be run");
  }
};

// A CA that knows of no run before this one but for its order; what it issues has that serial.
Finished with_ca(SimFileSystem& disk, const std::string& serial, const std::vector<std::string>& arguments) {
  ScriptedCa ca({.serial = serial});
  NoPrograms programs;
  Surroundings surroundings;
  surroundings.programs = &programs;
  surroundings.make_client = [&ca](const http::ClientOptions&) -> Result<std::unique_ptr<http::Client>> {
    return std::make_unique<agent::ScriptedClient>(ca);
  };
  return lockstep(disk, arguments, surroundings);
}

std::vector<std::string> obtain_words() {
  return {"cert",        "obtain",     "-d",    "host.example", "--server", agent::kScriptedDirectory,
          "--agree-tos", "--key-type", "ec256", "--webroot",    "/srv/www", "--json"};
}

std::vector<std::string> renew_words() { return {"cert", "renew", "--force", "-d", "host.example", "--json"}; }

RunOutcome outcome(const Finished& finished) {
  if (finished.status == 0) return RunOutcome::success;
  if (finished.out.find("commit_uncertain") != std::string::npos) return RunOutcome::commit_uncertain;
  if (finished.out.find("committed_not_delivered") != std::string::npos) return RunOutcome::committed_not_delivered;
  return RunOutcome::failure;
}

// Which certificate is live, and whether it is whole; keys and signatures differ from run to run.
std::string view_folder(SimFileSystem& disk) {
  const auto pem = disk.read_file(std::string(kFolder) + "cert.pem");
  if (!pem) return "none";
  const auto leaf = x509::parse_certificate(*pem, "the live certificate");
  const Finished verified = lockstep(disk, {"cert", "verify", "host.example"});
  return (leaf ? leaf->serial : "unreadable") + " " + std::to_string(verified.status) + verified.err;
}

bool recover(SimFileSystem& disk, std::string* why) {
  if (!disk.dump().contains("/srv/certs/host.example")) return true;
  const Finished finished = lockstep(disk, {"recover", "/srv/certs/host.example"});
  if (finished.status != 0) *why = finished.err;
  return finished.status == 0;
}

// The same command again, after whatever happened: it ends well, with the new certificate and nothing else left.
std::string run_again(SimFileSystem& disk, const std::vector<std::string>& words) {
  SimFileSystem again(disk.image());
  const Finished finished = with_ca(again, kNewSerial, words);
  if (finished.status != 0) return "the next run failed: " + finished.out + finished.err;
  if (const std::string view = view_folder(again); view != std::string(kNewSerial) + " 0")
    return "after the next run: " + view;
  for (const auto& [path, entry] : again.dump()) {
    // The account does not change again; what a crash left in its store goes with the next change, or by 'recover'.
    if (path.starts_with("/srv/accounts/")) continue;
    const bool is_left = path.ends_with(".tmp") || path.find("/draft") != std::string::npos ||
                         (path.starts_with("/srv/orders/") && path.ends_with(".json")) ||
                         path.starts_with("/srv/www/.well-known/acme-challenge/");
    if (is_left) return "the next run left " + path;
  }
  return {};
}

CrashScenario scenario_of(const std::string& name, std::vector<std::string> words) {
  CrashScenario scenario;
  scenario.name = name;
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv");
    disk.make_directories("/srv/www");
  };
  scenario.run = [words](SimFileSystem& disk) { return outcome(with_ca(disk, kNewSerial, words)); };
  scenario.recover = recover;
  scenario.view = view_folder;
  scenario.checks = {[words](SimFileSystem& disk) { return run_again(disk, words); }};
  // Accounts, the order under way, the proof: progress that is to survive. Of the folder nothing may change.
  const auto is_progress = [](const std::string& path) {
    return !path.starts_with(kFolder) || path.starts_with(std::string(kFolder) + ".lockstep/draft");
  };
  scenario.leftover_allowed = is_progress;
  scenario.change_allowed = is_progress;
  scenario.starts_after_crash = true;
  return scenario;
}

CrashScenario cert_obtain() { return scenario_of("cert obtain", obtain_words()); }

CrashScenario cert_renew() {
  CrashScenario scenario = scenario_of("cert renew", renew_words());
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv/www");
    const Finished obtained = with_ca(disk, kOldSerial, obtain_words());
    ASSERT_EQ(obtained.status, 0) << obtained.out << obtained.err;
  };
  return scenario;
}

class AcmeCommand : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(AcmeCommand, SurvivesEveryCrashAndEveryFailingCall) {
  lockstep::testing::ExplorerOptions options;
  options.limits.exhaustive = deep() ? 48 : 2;
  options.limits.samples = deep() ? 12 : 1;
  options.recovery_depth = deep() ? 1 : 0;
  options.crash_after_faults = false;
  options.one_fault_in = deep() ? 1 : 29;  // shares no factor with the number of errors of a kind of call
  const auto report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 50U);
}

INSTANTIATE_TEST_SUITE_P(Commands, AcmeCommand, ::testing::Values(cert_obtain(), cert_renew()),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

}  // namespace
}  // namespace lockstep::cli
