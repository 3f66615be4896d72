// The store against people who edit the files, other processes, and disks that fail.
#include "service/configuration_store.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "service/store_fixture.h"

namespace lockstep::service {
namespace {

using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::Verdict;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Store : public ::testing::Test {
 protected:
  void SetUp() override { prepare_configuration(disk); }
  void open(StoreObserver observer = {}) {
    const Status done = opened.open(std::move(observer));
    ASSERT_TRUE(done) << done.error().message;
  }
  ConfigurationStore& store() { return *opened.store; }
  const Configuration& now() {
    current = store().current();
    return current->configuration;
  }
  static ConfigurationStore::Edit adding(const std::string& name) {
    return [name](const Configuration& before) { return create_server(before, server_body(name)); };
  }
  Result<ConfigurationStore::Saved> add(const std::string& name) { return store().apply(adding(name)); }
  void edit_by_hand(const std::string& from, const std::string& to, const char* file = kTestServers) {
    std::string text = disk.read_file(file).value();
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    disk.write_file(file, text.replace(at, from.size(), to));
  }

  SimFileSystem disk;
  OpenedStore opened{disk};
  SnapshotPtr current;
};

TEST_F(Store, ReadsBothFilesAndTakesMissingOnesForEmpty) {
  open();
  EXPECT_EQ(now().servers.size(), 2U);
  EXPECT_EQ(now().groups.size(), 2U);
  EXPECT_EQ(now().server("server-001")->port, 443);
  SimFileSystem empty;
  empty.make_directories(kTestDirectory);
  OpenedStore other(empty);
  ASSERT_TRUE(other.open());
  EXPECT_TRUE(other.store->current()->configuration.servers.empty());
  EXPECT_FALSE(other.store->problem());
}

TEST_F(Store, SavesOrdinaryJsonAndKeepsWhatItDoesNotKnow) {
  open();
  const auto saved = add("Näme");
  ASSERT_TRUE(saved && !saved->refused);
  EXPECT_EQ(disk.read_file(kTestServers), R"([
  {
    "id": "server-001",
    "name": "Web",
    "ip": "192.0.2.1",
    "note": "kept"
  },
  {
    "id": "server-002",
    "name": "Mail",
    "dnsAddress": "mail.example.com",
    "port": 465
  },
  {
    "id": "server-003",
    "name": "Näme",
    "ip": "",
    "dnsAddress": "www.example.com",
    "port": 443,
    "protocol": "tls",
    "checkIntervalSeconds": 30,
    "consecutiveSuccesses": 3,
    "consecutiveFailures": 3,
    "expiryWarningDays": 30
  }
]
)");
  const auto group = store().apply([](const Configuration& before) {
    return replace_group(before, "group-2", entity_tag(*before.group("group-2")), {{"name", "Behind"}});
  });
  ASSERT_TRUE(group && !group->refused);
  EXPECT_THAT(*disk.read_file(kTestLayout), HasSubstr("\"theme\": \"dark\""));
  EXPECT_THAT(*disk.read_file(kTestLayout), HasSubstr("\"x\": [\n        1\n      ]"));
  EXPECT_THAT(*disk.read_file(kTestLayout), HasSubstr("\"name\": \"Behind\""));
}

TEST_F(Store, KeepsModeAndOwner) {
  open();
  ASSERT_TRUE(add("New"));
  const auto entry = disk.dump().at(kTestServers);
  EXPECT_EQ(entry.attributes.mode, 0640U);
  EXPECT_EQ(entry.attributes.uid, 1000U);
}

TEST_F(Store, AnOwnerThatCannotBeKeptIsSaidAtTheStart) {
  disk.set_hook([](const Operation& operation) -> Verdict {
    return operation.kind == "fchown" ? Verdict{Verdict::Action::fail, EPERM} : Verdict{};
  });
  disk.set_effective_user(7);
  open();
  const auto before = disk.dump();
  const std::vector<std::string> warnings = store().warnings();
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings, ::testing::Each(HasSubstr("cannot be saved with the owner and mode that it has")));
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST_F(Store, WhatAPersonSavesIsTakenOverBeforeTheNextEdit) {
  open();
  edit_by_hand("\"Mail\"", "\"Post\"");
  const auto saved = add("New");
  ASSERT_TRUE(saved && !saved->refused);
  EXPECT_EQ(now().server("server-002")->name, "Post");
  EXPECT_EQ(now().servers.size(), 3U);
  EXPECT_THAT(*disk.read_file(kTestServers), HasSubstr("Post"));
}

TEST_F(Store, AStaleTagIsRefusedAlsoAgainstAPerson) {
  open();
  const std::string tag = entity_tag(*now().server("server-002"));
  edit_by_hand("\"Mail\"", "\"Post\"");
  const auto before = disk.dump();
  const auto saved = store().apply([&](const Configuration& configuration) {
    return replace_server(configuration, "server-002", tag, server_body("Mine"));
  });
  ASSERT_TRUE(saved && saved->refused);
  EXPECT_EQ(saved->refused->status, 412);
  EXPECT_EQ(disk.read_file(kTestServers), before.at(kTestServers).content);
}

TEST_F(Store, AFileThatCannotBeUsedStaysAsItIsAndTheLastGoodOneInForce) {
  std::vector<std::string> problems;
  open({.changed = {},
        .problem =
            [&](const std::optional<ConfigurationProblem>& problem) {
              problems.push_back(problem ? problem->message : "none");
            },
        .info = {}});
  disk.write_file(kTestServers, "[{\"id\": \"server-001\",");
  ASSERT_TRUE(store().refresh());
  ASSERT_TRUE(store().problem());
  EXPECT_EQ(store().problem()->file, "servers.json");
  EXPECT_EQ(now().servers.size(), 2U);
  const auto saved = add("New");
  ASSERT_TRUE(saved && saved->refused);
  EXPECT_EQ(saved->refused->status, 412);
  EXPECT_EQ(disk.read_file(kTestServers), "[{\"id\": \"server-001\",");
  disk.write_file(kTestServers, "[]");
  disk.write_file(kTestLayout, "{}");
  ASSERT_TRUE(store().refresh());
  EXPECT_FALSE(store().problem());
  EXPECT_TRUE(now().servers.empty());
  EXPECT_THAT(problems, ::testing::ElementsAre(HasSubstr("servers.json: not valid JSON at byte"), "none"));
}

TEST_F(Store, AFileThatCannotBeReadIsAProblemToo) {
  std::vector<std::string> problems;
  open({.changed = {},
        .problem =
            [&](const std::optional<ConfigurationProblem>& problem) {
              problems.push_back(problem ? problem->file + " | " + problem->message : "none");
            },
        .info = {}});
  const auto refused_by_system = [&](int why) {
    disk.set_hook([=](const Operation& operation) -> Verdict {
      if (operation.path != kTestServers || !operation.kind.starts_with("open")) return {};
      return {Verdict::Action::fail, why};
    });
  };
  for (const int why : {EACCES, ELOOP, EIO}) {
    refused_by_system(why);
    EXPECT_FALSE(store().refresh());
    ASSERT_TRUE(store().problem()) << why;
    const auto saved = add("New");
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().system_errno, why);
    EXPECT_EQ(now().servers.size(), 2U);
    disk.set_hook({});
    ASSERT_TRUE(store().refresh());
    EXPECT_FALSE(store().problem());
  }
  const std::string good = disk.read_file(kTestServers).value();
  disk.write_file(kTestServers, std::string(kFileBytes + 1, ' '));
  ASSERT_TRUE(store().refresh());
  disk.write_file(kTestServers, good);
  EXPECT_TRUE(add("New"));
  const std::string read = "servers.json | servers.json: cannot be read: ";
  EXPECT_THAT(problems,
              ::testing::ElementsAre(read + "Permission denied", "none", read + "Too many levels of symbolic links",
                                     "none", read + "Input/output error", "none",
                                     "servers.json | servers.json: has 16777217 bytes; the limit is 16777216", "none"));
}

TEST_F(Store, ADirectoryInTheFilesPlaceIsAProblem) {
  open();
  const auto directory = disk.open_directory(kTestDirectory);
  ASSERT_TRUE((*directory)->remove_file("dashboard-layout.json"));
  disk.make_directories(kTestLayout);
  ASSERT_TRUE(store().refresh());
  ASSERT_TRUE(store().problem());
  EXPECT_EQ(store().problem()->file, "dashboard-layout.json");
  EXPECT_EQ(store().problem()->message, "dashboard-layout.json: is a directory");
  const auto saved = add("New");
  ASSERT_TRUE(saved && saved->refused);
  EXPECT_EQ(saved->refused->status, 412);
  EXPECT_THAT(saved->refused->error, ::testing::Not(HasSubstr("/data")));
}

TEST_F(Store, AFolderThatIsGoneIsNoEmptyConfiguration) {
  open();
  ASSERT_TRUE((*disk.open_directory("/"))->rename("data", **disk.open_directory("/"), "elsewhere"));
  EXPECT_FALSE(store().refresh());
  ASSERT_TRUE(store().problem());
  EXPECT_EQ(store().problem()->message, "servers.json: cannot be read: No such file or directory");
  EXPECT_EQ(now().servers.size(), 2U);
  ASSERT_TRUE((*disk.open_directory("/"))->rename("elsewhere", **disk.open_directory("/"), "data"));
  ASSERT_TRUE(store().refresh());
  EXPECT_FALSE(store().problem());
  EXPECT_EQ(now().servers.size(), 2U);
}

TEST_F(Store, AnUncertainChangeIsInForceAndSaysWhatItChanged) {
  open();
  bool renamed = false;
  disk.set_hook([&](const Operation& operation) -> Verdict {
    if (operation.kind == "exchange") renamed = true;
    return renamed && operation.kind == "fsync" ? Verdict{Verdict::Action::fail, EIO} : Verdict{};
  });
  const auto saved = add("New");
  disk.set_hook({});
  ASSERT_TRUE(saved) << saved.error().message;
  ASSERT_TRUE(saved->uncertain);
  EXPECT_EQ(saved->uncertain->code, ErrorCode::commit_uncertain);
  ASSERT_EQ(saved->changes.size(), 1U);
  EXPECT_EQ(saved->changes[0].what + " " + saved->changes[0].id, "ADDED server-003");
  EXPECT_EQ(now().servers.size(), 3U);
}

// The disk refuses the fsync that would make the change certain, whichever it is: what is in force is what the files
// say.
TEST_F(Store, WhatIsInForceAfterAnUncertainChangeIsWhatTheFilesSay) {
  open();
  int uncertain = 0;
  for (std::uint64_t moment = 1; moment <= 12; ++moment) {
    std::uint64_t seen = 0;
    disk.set_hook([&](const Operation& operation) -> Verdict {
      return operation.kind == "fsync" && ++seen == moment ? Verdict{Verdict::Action::fail, EDQUOT} : Verdict{};
    });
    const auto saved = add("New " + std::to_string(moment));
    disk.set_hook({});
    if (saved && saved->uncertain) ++uncertain;
    EXPECT_EQ(store().current()->texts.servers, disk.read_file(kTestServers)) << moment;
  }
  EXPECT_GE(uncertain, 1);
}

TEST_F(Store, EachMistakeIsNamedWithItsPlace) {
  const struct {
    const char* servers;
    const char* layout;
    const char* message;
  } kCases[] = {
      {"", "{}", "servers.json: not valid JSON"},
      {"{}", "{}", "servers.json: must be a list of servers"},
      {"[7]", "{}", "servers.json: server 1: is not an object"},
      {R"([{"id":"a","name":"A","ip":"1.2.3"}])", "{}", "servers.json: server 1 ('A'): ip: IP address must be"},
      {R"([{"name":"A","ip":"1.2.3.4"}])", "{}", "servers.json: server 1 ('A'): id: it needs one"},
      {R"([{"id":"a","name":"A","ip":"::1"},{"id":"a","name":"B","ip":"::1"}])", "{}",
       "servers.json: server 2 ('B'): id: 'a' is there twice"},
      {R"([{"id":"a","id":"b","name":"A","ip":"::1"}])", "{}", "the key 'id' stands twice"},
      {R"([{"id":"a","name":"evil\u001b[31m\nWarning: \u009b1m","ip":"::1"}])", "{}",
       "servers.json: server 1 ('evil?[31m?Warning: ?1m'): name: "},
      {R"([{"id":"a","ke\u001b[1my":1,"ke\u001b[1my":2,"name":"A","ip":"::1"}])", "{}",
       "the key 'ke?[1my' stands twice"},
      {"[]", "[]", "dashboard-layout.json: must be an object"},
      {"[]", R"({"groups":[{"id":"g","name":"A"},{"id":"h","name":"a"}]})",
       "dashboard-layout.json: group 2 ('a'): name: another group has it"},
      {"[]", R"({"groups":[{"id":"g","name":"A","serverIds":["x"]}]})",
       "dashboard-layout.json: group 1 ('A'): serverIds: there is no server 'x' in servers.json"},
      {"[]", R"({"groups":{}})", "dashboard-layout.json: groups: must be a list"},
  };
  for (const auto& each : kCases) {
    const auto read = parse_configuration({each.servers, each.layout});
    ASSERT_FALSE(read) << each.message;
    EXPECT_THAT(read.error().message, HasSubstr(each.message));
  }
}

TEST_F(Store, TwoProcessesLoseNothing) {
  open();
  OpenedStore second(disk);
  ASSERT_TRUE(second.open());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store().apply(adding("first " + std::to_string(i))));
    ASSERT_TRUE(second.store->apply(adding("second " + std::to_string(i))));
  }
  ASSERT_TRUE(store().refresh());
  EXPECT_EQ(now().servers.size(), 22U);
}

TEST_F(Store, ALockThatIsHeldIsWaitedForWithABound) {
  open();
  const auto directory = disk.open_directory(kTestDirectory);
  const auto lock = (*directory)->open_file(".lock", fs::OpenMode::create_or_open, 0600);
  ASSERT_TRUE((*lock)->try_lock(fs::LockKind::exclusive).value());
  const auto saved = add("New");
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::lock_timeout);
}

TEST_F(Store, InterruptedCallsAreMadeAgainAndOthersAreNot) {
  open();
  for (const int why : {EINTR, EAGAIN, EIO, ENOSPC, EACCES}) {
    int failures = 0;
    disk.set_hook([&](const Operation& operation) -> Verdict {
      if (operation.kind != "fsync" || !operation.path.ends_with(".tmp") || failures > 0) return {};
      ++failures;
      return {Verdict::Action::fail, why};
    });
    const auto before = disk.dump();
    const auto saved = add("New " + std::to_string(why));
    disk.set_hook({});
    const bool transient = why == EINTR || why == EAGAIN;
    EXPECT_EQ(saved.has_value(), transient) << why;
    EXPECT_EQ(failures, 1);
    if (!transient) {
      EXPECT_EQ(describe_difference(before, disk.dump()), "") << why;
      EXPECT_EQ(saved.error().system_errno, why);
    }
    EXPECT_EQ(now().servers.size(), parse_configuration({disk.read_file(kTestServers), {}})->servers.size());
  }
}

TEST_F(Store, AFailedSaveLeavesMemoryAndDiskAsTheyWere) {
  open();
  disk.write_file(std::string(kTestDirectory) + "/.lock", "", 0600);  // stays for good
  const SnapshotPtr before = store().current();
  disk.set_capacity(900);
  const auto on_disk = disk.dump();
  const auto saved = add(std::string(50, 'n'));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::no_space);
  EXPECT_EQ(describe_difference(on_disk, disk.dump()), "");
  EXPECT_EQ(store().current(), before);
}

TEST_F(Store, ALinkedFileIsSavedWhereItIs) {
  disk.make_directories("/etc/status");
  disk.write_file("/etc/status/mine.json", "[]");
  const auto directory = disk.open_directory(kTestDirectory);
  ASSERT_TRUE((*directory)->remove_file("servers.json"));
  disk.write_file(kTestLayout, "{}");
  disk.make_symlink("/etc/status/mine.json", kTestServers);
  open();
  EXPECT_THAT(store().directories(), ::testing::ElementsAre(kTestDirectory, "/etc/status"));
  ASSERT_TRUE(add("New"));
  EXPECT_THAT(*disk.read_file("/etc/status/mine.json"), HasSubstr("New"));
  EXPECT_EQ((*directory)->stat_entry("servers.json")->type, fs::FileType::symlink);
}

TEST_F(Store, TellsWhatChangedAndByWhom) {
  std::vector<std::string> seen;
  open({.changed =
            [&](const Snapshot& before, const Snapshot& after, bool by_hand) {
              for (const Change& change : changes_between(before.configuration, after.configuration))
                seen.push_back((by_hand ? "hand " : "") + change.what + " " + change.id);
            },
        .problem = {},
        .info = {}});
  seen.clear();
  ASSERT_TRUE(add("New"));
  edit_by_hand("\"Mail\"", "\"Post\"");
  ASSERT_TRUE(store().refresh());
  ASSERT_TRUE(store().refresh());
  EXPECT_THAT(seen, ::testing::ElementsAre("ADDED server-003", "hand UPDATED server-002"));
}

}  // namespace
}  // namespace lockstep::service
