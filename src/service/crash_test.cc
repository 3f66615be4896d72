// Every edit, crashed at every call and failed at every call on the strict simulation: the two files say the old state
// or the new one, and at no moment does a group name a server that is gone.
#include <gmock/gmock.h>

#include <iostream>

#include "service/store_fixture.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"

namespace lockstep::service {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::outcome_of;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

std::string view(SimFileSystem& disk) {
  return disk.read_file(kTestServers).value_or("none") + disk.read_file(kTestLayout).value_or("none");
}

RunOutcome run(SimFileSystem& disk, const ConfigurationStore::Edit& edit) {
  OpenedStore opened(disk);
  const Status open = opened.open();
  if (!open) return outcome_of(open);
  const auto saved = opened.store->apply(edit);
  if (saved && saved->uncertain) return outcome_of(Status(fail(*saved->uncertain)));
  // Said once more after an uncertain run that did it.
  if (saved && saved->refused && saved->refused->status != 412 && saved->refused->status != 428)
    return RunOutcome::success;
  if (saved && saved->refused) return RunOutcome::failure;
  return outcome_of(saved);
}

CrashScenario scenario_of(const char* name, bool existing, const ConfigurationStore::Edit& edit) {
  CrashScenario scenario;
  scenario.name = name;
  scenario.prepare = [existing](SimFileSystem& disk) {
    disk.make_directories(kTestDirectory, 0700);
    if (existing) prepare_configuration(disk);
    // The lock file stays for good.
    disk.write_file(std::string(kTestDirectory) + "/.lock", "", 0600);
  };
  scenario.run = [edit](SimFileSystem& disk) { return run(disk, edit); };
  scenario.recover = [](SimFileSystem& disk, std::string* why) {
    OpenedStore opened(disk);
    const Status open = opened.open();
    if (!open) *why = open.error().message;
    return open.has_value();
  };
  scenario.view = view;
  scenario.checks = {[](SimFileSystem& disk) -> std::string {
    const auto read = parse_configuration({disk.read_file(kTestServers), disk.read_file(kTestLayout)});
    return read ? "" : read.error().message;
  }};
  scenario.leftover_allowed = [](const std::string& path) {
    return path.ends_with(".tmp") || path.ends_with(".lockstep-intent");
  };
  return scenario;
}

// The tag of whatever is there: these edits are not about preconditions.
std::string tag_of_server(const Configuration& before, const std::string& id) {
  return before.server(id) == nullptr ? "" : entity_tag(*before.server(id));
}
std::string tag_of_group(const Configuration& before, const std::string& id) {
  return before.group(id) == nullptr ? "" : entity_tag(*before.group(id));
}

std::vector<CrashScenario> scenarios() {
  const auto named = [](TestJson body, const char* id) {
    body["id"] = id;
    return body;
  };
  return {
      scenario_of(
          "POST of the first server", false,
          [=](const Configuration& before) { return create_server(before, named(server_body("New"), "server-009")); }),
      scenario_of(
          "POST of a server", true,
          [=](const Configuration& before) { return create_server(before, named(server_body("New"), "server-009")); }),
      scenario_of("PUT of a server", true,
                  [](const Configuration& before) {
                    return replace_server(before, "server-001", tag_of_server(before, "server-001"),
                                          server_body("Another"));
                  }),
      scenario_of("DELETE of a server in groups", true,
                  [](const Configuration& before) {
                    return delete_server(before, "server-002", tag_of_server(before, "server-002"));
                  }),
      scenario_of(
          "POST of the first group", false,
          [=](const Configuration& before) { return create_group(before, {{"id", "group-9"}, {"name", "New"}}); }),
      scenario_of("PUT of a group", true,
                  [](const Configuration& before) {
                    return replace_group(before, "group-1", tag_of_group(before, "group-1"),
                                         {{"name", "Another"}, {"serverIds", {"server-002"}}});
                  }),
      scenario_of("DELETE of a group", true,
                  [](const Configuration& before) {
                    return delete_group(before, "group-1", tag_of_group(before, "group-1"), Reassign::default_group);
                  }),
  };
}

class ServiceCrash : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(ServiceCrash, OldOrNewNeverMixed) {
  lockstep::testing::ExplorerOptions options;
  options.limits.exhaustive = deep() ? 1024 : 64;
  options.limits.samples = deep() ? 64 : 16;
  options.recovery_depth = deep() ? 3 : 2;
  options.one_fault_in = 1;
  options.crash_after_faults = true;
  const auto report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 5U);
  EXPECT_GT(report.injected_faults, 20U);
}

INSTANTIATE_TEST_SUITE_P(Edits, ServiceCrash, ::testing::ValuesIn(scenarios()),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

// Another program that reads both files between any two calls sees no group with a server that is gone. (It reads the
// arrangement first: what it saw named then may have gone since, and it reads again, as this program does.)
TEST(ServiceMoments, AtNoMomentDoesAGroupNameAServerThatIsGone) {
  SimFileSystem disk;
  prepare_configuration(disk);
  OpenedStore opened(disk);
  ASSERT_TRUE(opened.open());
  std::size_t looks = 0;
  disk.set_hook([&](const lockstep::testing::Operation&) -> lockstep::testing::Verdict {
    ++looks;
    const auto read = parse_configuration({disk.read_file(kTestServers), disk.read_file(kTestLayout)});
    EXPECT_TRUE(read) << read.error().message;
    return {};
  });
  const auto saved = opened.store->apply([](const Configuration& before) {
    return delete_server(before, "server-002", tag_of_server(before, "server-002"));
  });
  disk.set_hook({});
  ASSERT_TRUE(saved && !saved->refused);
  EXPECT_GT(looks, 50U);
  EXPECT_EQ(opened.store->current()->configuration.servers.size(), 1U);
}

}  // namespace
}  // namespace lockstep::service
