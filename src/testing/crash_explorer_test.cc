// The explorer must find what is wrong with protocols known to be wrong, and nothing wrong with the right one.
#include "testing/crash_explorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "fs/io.h"

namespace lockstep::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<std::string> kMembers{"cert.pem", "chain.pem", "privkey.pem"};

Status write_member(fs::Directory& directory, const std::string& name, const std::string& content, bool sync) {
  const auto file = TRY(directory.open_file(name, fs::OpenMode::create_exclusive, 0600));
  TRY(fs::write_all(*file, content));
  TRY(file->change_mode(0640));
  if (sync) TRY(file->sync());
  return file->close();
}

// --- One file after another: temporary name, fsync, rename, fsync of the directory ---

CrashScenario file_by_file(std::vector<std::string> members) {
  CrashScenario scenario;
  scenario.name = "file by file, " + std::to_string(members.size()) + " members";
  scenario.prepare = [members](SimFileSystem& disk) {
    disk.make_directories("/s");
    for (const std::string& member : members) disk.write_file("/s/" + member, "old " + member, 0640);
  };
  scenario.run = [members](SimFileSystem& disk) {
    return outcome_of([&]() -> Status {
      const auto directory = TRY(disk.open_directory("/s"));
      for (const std::string& member : members) {
        const std::string temporary = "." + member + ".tmp";
        auto status = write_member(*directory, temporary, "new " + member, true);
        if (status) status = directory->rename(temporary, *directory, member);
        if (!status) {
          static_cast<void>(directory->remove_file(temporary));
          return status;
        }
        status = directory->sync();
        if (!status) return fail(ErrorCode::commit_uncertain, status.error().message);
      }
      return {};
    }());
  };
  scenario.recover = [members](SimFileSystem& disk, std::string* why) {
    const auto directory = disk.open_directory("/s");
    for (const std::string& member : members) {
      const auto removed = (*directory)->remove_file("." + member + ".tmp");
      if (!removed && removed.error().system_errno != ENOENT) {
        *why = removed.error().message;
        return false;
      }
    }
    return true;
  };
  scenario.view = [members](SimFileSystem& disk) {
    std::string text;
    for (const std::string& member : members) {
      text += disk.read_file("/s/" + member).value_or("missing") + "; ";
      if (const Tree tree = disk.dump(); tree.contains("/s/" + member)) {
        text += std::to_string(tree.at("/s/" + member).attributes.mode) + "; ";
      }
    }
    return text;
  };
  scenario.leftover_allowed = [](const std::string& path) { return path.ends_with(".tmp"); };
  return scenario;
}

// --- A directory of members and a symbolic link to it ---

enum class Syncs { none, last_member, all };

Status remove_generation(fs::Directory& store, const std::string& name) {
  auto directory = store.open_directory(name);
  if (!directory) {
    if (directory.error().system_errno == ENOENT) return {};
    return fail(std::move(directory).error());
  }
  const auto entries = TRY((*directory)->list());
  for (const auto& entry : entries) TRY((*directory)->remove_file(entry.name));
  return store.remove_directory(name);
}

Status commit_generation(SimFileSystem& disk, Syncs syncs) {
  const auto store = TRY(disk.open_directory("/s"));
  // A generation that a commit in doubt left behind may be live: never write into it.
  const auto entries = TRY(store->list());
  const bool second_is_there = std::ranges::find(entries, "gen-2", &fs::DirectoryEntry::name) != entries.end();
  const std::string name = second_is_there ? "gen-3" : "gen-2";
  const auto stage = [&]() -> Status {
    TRY(store->make_directory(name, 0700));
    const auto generation = TRY(store->open_directory(name));
    for (const std::string& member : kMembers) {
      const bool sync = syncs == Syncs::all || (syncs == Syncs::last_member && member == kMembers.back());
      TRY(write_member(*generation, member, "new " + member, sync));
    }
    if (syncs == Syncs::all) {
      TRY(generation->sync());
      TRY(store->sync());
    }
    TRY(store->make_symlink(name, ".current.tmp"));
    return store->rename(".current.tmp", *store, "current");
  };
  if (auto staged = stage(); !staged) {
    static_cast<void>(store->remove_file(".current.tmp"));
    static_cast<void>(remove_generation(*store, name));
    return staged;
  }
  if (syncs == Syncs::none) return {};
  if (auto synced = store->sync(); !synced) return fail(ErrorCode::commit_uncertain, synced.error().message);
  return {};
}

// Makes the pointer durable, then sweeps what it does not name.
Status recover_generations(SimFileSystem& disk) {
  const auto store = TRY(disk.open_directory("/s"));
  TRY(store->sync());
  const std::string current = TRY(store->read_symlink("current"));
  const auto entries = TRY(store->list());
  for (const auto& entry : entries) {
    if (entry.name == "current" || entry.name == current || entry.name == "gen-1") continue;
    if (entry.type == fs::FileType::symlink) TRY(store->remove_file(entry.name));
    if (entry.type == fs::FileType::directory) TRY(remove_generation(*store, entry.name));
  }
  return store->sync();
}

CrashScenario generations(Syncs syncs) {
  CrashScenario scenario;
  scenario.name = syncs == Syncs::all    ? "generations, all fsyncs"
                  : syncs == Syncs::none ? "generations, no fsync"
                                         : "generations, one fsync";
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/s/gen-1");
    for (const std::string& member : kMembers) disk.write_file("/s/gen-1/" + member, "old " + member, 0640);
    disk.make_symlink("gen-1", "/s/current");
  };
  scenario.run = [syncs](SimFileSystem& disk) {
    if (const Status recovered = recover_generations(disk); !recovered) return RunOutcome::failure;
    return outcome_of(commit_generation(disk, syncs));
  };
  scenario.recover = [](SimFileSystem& disk, std::string* why) {
    const Status status = recover_generations(disk);
    if (!status) *why = status.error().message;
    return status.has_value();
  };
  scenario.view = [](SimFileSystem& disk) {
    std::string text;
    const Tree tree = disk.dump();
    const std::string generation = tree.contains("/s/current") ? tree.at("/s/current").content : "none";
    for (const std::string& member : kMembers) {
      const auto found = tree.find("/s/" + generation + "/" + member);
      text += found == tree.end() ? member + " missing; "
                                  : found->second.content + " " + std::to_string(found->second.attributes.mode) + "; ";
    }
    return text;
  };
  scenario.leftover_allowed = [](const std::string& path) {
    return path.starts_with("/s/gen-") || path.ends_with(".tmp");
  };
  return scenario;
}

ExplorerReport explored(const CrashScenario& scenario, const ExplorerOptions& options = {}) {
  ExplorerReport report = explore(scenario, options);
  std::cout << report.summary(scenario.name) << "\n";
  for (std::size_t index = 0; index < report.violations.size() && index < 2; ++index) {
    std::cout << "  " << report.violations[index] << "\n";
  }
  return report;
}

ExplorerOptions crashes_only() {
  ExplorerOptions options;
  options.inject_faults = false;
  return options;
}

TEST(CrashExplorer, AcceptsTemporaryFileAndRenameForOneFile) {
  EXPECT_THAT(explored(file_by_file({"cert.pem"})).violations, IsEmpty());
}

TEST(CrashExplorer, FindsMixedPairOfFileByFile) {
  const ExplorerReport report = explored(file_by_file({"cert.pem", "privkey.pem"}), crashes_only());
  ASSERT_THAT(report.violations, Not(IsEmpty()));
  EXPECT_THAT(report.violations.front(), ::testing::HasSubstr("neither old nor new: new cert.pem; 416; old privkey"));
}

TEST(CrashExplorer, FindsSymlinkSwapWithoutFsync) {
  EXPECT_THAT(explored(generations(Syncs::none), crashes_only()).violations, Not(IsEmpty()));
}

TEST(CrashExplorer, FindsSymlinkSwapWithOneFsync) {
  EXPECT_THAT(explored(generations(Syncs::last_member), crashes_only()).violations, Not(IsEmpty()));
}

TEST(CrashExplorer, AcceptsGenerationsWithAllFsyncs) {
  const ExplorerReport report = explored(generations(Syncs::all));
  EXPECT_THAT(report.violations, IsEmpty()) << ::testing::PrintToString(report.violations);
  EXPECT_TRUE(report.exhaustive);
  EXPECT_GT(report.crash_states, 40U);
  EXPECT_GT(report.recovery_states, 0U);
  EXPECT_GT(report.injected_faults, 100U);
}

TEST(CrashExplorer, SamplesWhereThereAreTooManyStates) {
  ExplorerOptions options = crashes_only();
  options.limits = {16, 32, 42};
  const ExplorerReport right = explored(generations(Syncs::all), options);
  EXPECT_THAT(right.violations, IsEmpty());
  EXPECT_FALSE(right.exhaustive);
  EXPECT_EQ(right.seed, 42U);
  EXPECT_THAT(explored(generations(Syncs::none), options).violations, Not(IsEmpty()));
}

TEST(CrashExplorer, FindsEveryMissingFsync) {
  // The run's own recovery comes first; its fsyncs find nothing pending. What follows gen-2 is the commit.
  bool committing = false;
  const MutationReport report = explore_mutations(generations(Syncs::all), {}, [&](const Operation& operation) {
    committing = committing || operation.path == "/s/gen-2";
    return committing && operation.kind == "fsync";
  });
  std::cout << report.found.size() << " mutants\n";
  for (const std::string& survivor : report.survivors) std::cout << "  survived: " << survivor << "\n";
  EXPECT_EQ(report.found.size() + report.survivors.size(),
            6U + 5U);  // each left out, and each after what follows it but for the last
  // An fsync may trade places with what does not depend on it, such as the creation of the next file.
  for (const std::string& survivor : report.survivors) EXPECT_THAT(survivor, Not(::testing::StartsWith("without")));
}

// --- Failing calls ---

TEST(CrashExplorer, FindsLeftoverOfFailedRun) {
  CrashScenario scenario = file_by_file({"cert.pem"});
  scenario.run = [](SimFileSystem& disk) {
    return outcome_of([&]() -> Status {
      const auto directory = TRY(disk.open_directory("/s"));
      TRY(write_member(*directory, ".cert.pem.tmp", "new cert.pem", true));
      TRY(directory->rename(".cert.pem.tmp", *directory, "cert.pem"));
      return directory->sync();  // and a failure of this one is not "failure"
    }());
  };
  const ExplorerReport report = explored(scenario);
  EXPECT_THAT(report.violations, ::testing::Contains(::testing::HasSubstr("/s/.cert.pem.tmp is left over")));
}

TEST(CrashExplorer, FindsFsyncThatIsTriedAgain) {
  CrashScenario scenario = file_by_file({"cert.pem"});
  scenario.run = [](SimFileSystem& disk) {
    return outcome_of([&]() -> Status {
      const auto directory = TRY(disk.open_directory("/s"));
      const auto work = [&]() -> Status {
        const auto file = TRY(directory->open_file(".cert.pem.tmp", fs::OpenMode::create_exclusive, 0640));
        TRY(fs::write_all(*file, "new cert.pem"));
        TRY(file->change_mode(0640));
        if (!file->sync()) TRY(file->sync());
        TRY(file->close());
        return directory->rename(".cert.pem.tmp", *directory, "cert.pem");
      };
      if (auto worked = work(); !worked) {
        static_cast<void>(directory->remove_file(".cert.pem.tmp"));
        return worked;
      }
      if (auto synced = directory->sync(); !synced) return fail(ErrorCode::commit_uncertain, "uncertain");
      return {};
    }());
  };
  EXPECT_THAT(explored(scenario, crashes_only()).violations, IsEmpty());
  EXPECT_THAT(explored(scenario).violations, ::testing::Contains(::testing::HasSubstr("neither old nor new")));
}

TEST(CrashExplorer, FindsRecoveryThatForgets) {
  // A recovery that removes the old state before it has made the new one durable.
  CrashScenario scenario;
  scenario.name = "careless recovery";
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/s");
    disk.write_file("/s/old", "old");
  };
  scenario.run = [](SimFileSystem& disk) {
    return outcome_of([&]() -> Status {
      const auto directory = TRY(disk.open_directory("/s"));
      TRY(write_member(*directory, ".new.tmp", "new", true));
      TRY(directory->rename(".new.tmp", *directory, "new"));
      return directory->sync();
    }());
  };
  scenario.recover = [](SimFileSystem& disk, std::string*) {
    const auto directory = disk.open_directory("/s");
    if (disk.read_file("/s/new") != "new") return true;
    static_cast<void>((*directory)->remove_file("newer"));
    static_cast<void>((*directory)->rename("new", **directory, "newer"));
    static_cast<void>(write_member(**directory, "new", "new", false));
    static_cast<void>((*directory)->remove_file("newer"));
    return true;
  };
  scenario.view = [](SimFileSystem& disk) {
    return disk.read_file("/s/new").value_or(disk.read_file("/s/newer").value_or("old"));
  };
  const ExplorerReport report = explored(scenario, crashes_only());
  ASSERT_THAT(report.violations, Not(IsEmpty()));
  EXPECT_THAT(report.violations.front(), ::testing::HasSubstr("then a crash of the recovery"));
}

}  // namespace
}  // namespace lockstep::testing
