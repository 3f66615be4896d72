// Every mutating operation of the durable core, crashed at every call and failed at every call, on the strict
// simulation; and the proof that its fsyncs and their order matter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "durable/atomic_file.h"
#include "durable/generation_store.h"
#include "durable/publish.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"
#include "testing/machine.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::ExplorerOptions;
using lockstep::testing::ExplorerReport;
using lockstep::testing::Machine;
using lockstep::testing::outcome_of;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

constexpr const char* kStore = "/srv/store";
const StoreOptions kOptions{.kind = "test",
                            .directory_mode = 0755,
                            .group = {},
                            .keep = {.generations = 2, .seconds = 0},
                            .may_roll_back = true};

Change three(const std::string& version) {
  Change change;
  // One member spans several 512-byte pieces, so that a torn one is seen.
  change.put("a.pem", version + " a\n", 0644)
      .put("b.key", version + std::string(1100, 'b'), 0600)
      .put("c.json", version + " c\n", 0640);
  return change;
}

Result<Generation> commit(SimFileSystem& disk, const Change& change) {
  Machine machine(disk);
  StoreWriter writer = TRY(StoreWriter::open(machine.runtime, kStore, kOptions));
  return writer.commit(change);
}

bool recover_store(SimFileSystem& disk, std::string* why) {
  Machine machine(disk);
  const auto writer = StoreWriter::open(machine.runtime, kStore, kOptions);
  if (!writer) *why = writer.error().message;
  return writer.has_value();
}

// What programs see through the stable names, and whether a pinned read agrees with it.
std::string view_store(SimFileSystem& disk) {
  std::string text;
  const auto tree = disk.dump();
  for (const char* name : {"a.pem", "b.key", "c.json", "d.extra"}) {
    text += std::string(name) + "=" + disk.read_file(std::string(kStore) + "/" + name).value_or("-") + "\n";
    text += tree.contains(std::string(kStore) + "/" + name) ? "named\n" : "";
  }
  const auto snapshot = Snapshot::open(disk, kStore);
  if (snapshot) {
    for (const ManifestMember& member : snapshot->manifest().members) {
      const auto content = snapshot->read(member.name, 1U << 20U);
      text += member.name + "#" + (content ? *content : content.error().message) + "\n";
    }
  }
  return text;
}

CrashScenario store_scenario(const std::string& name) {
  CrashScenario scenario;
  scenario.name = name;
  scenario.recover = recover_store;
  scenario.view = view_store;
  scenario.leftover_allowed = [](const std::string& path) { return path.find("/srv/") == 0; };
  // The record of kept generations may list more than it must.
  scenario.change_allowed = [](const std::string& path) { return path.ends_with("/.lockstep/history"); };
  return scenario;
}

void must(bool ok) { ASSERT_TRUE(ok); }

CrashScenario first_commit() {
  CrashScenario scenario = store_scenario("store: first commit");
  scenario.prepare = [](SimFileSystem& disk) { disk.make_directories("/srv"); };
  scenario.run = [](SimFileSystem& disk) { return outcome_of(commit(disk, three("one"))); };
  return scenario;
}

// What a first commit leaves that is cut off right before its commit point. Its removal must be durable before another
// generation stands beside it, or a crash shows two of them and no pointer.
CrashScenario first_commit_again() {
  CrashScenario scenario = store_scenario("store: first commit after one that was cut off");
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv");
    must(commit(disk, three("one")).has_value());
    const auto control = disk.open_directory(std::string(kStore) + "/.lockstep");
    must(control.has_value() && (*control)->remove_file("current") && (*control)->remove_file("history"));
  };
  scenario.run = [](SimFileSystem& disk) { return outcome_of(commit(disk, three("two"))); };
  scenario.starts_after_crash = true;
  return scenario;
}

CrashScenario next_commit() {
  CrashScenario scenario = store_scenario("store: commit of three members");
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv");
    must(commit(disk, three("one")).has_value());
  };
  scenario.run = [](SimFileSystem& disk) { return outcome_of(commit(disk, three("two"))); };
  return scenario;
}

CrashScenario partial_commit() {
  CrashScenario scenario = store_scenario("store: one member changed, one added, one removed");
  scenario.prepare = next_commit().prepare;
  scenario.run = [](SimFileSystem& disk) {
    Change change;
    change.put("a.pem", "two a\n").put("d.extra", "two d\n").remove("c.json");
    return outcome_of(commit(disk, change));
  };
  return scenario;
}

CrashScenario rollback() {
  CrashScenario scenario = store_scenario("store: rollback");
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv");
    must(commit(disk, three("one")).has_value());
    Change change = three("two");
    change.put("d.extra", "two d\n");
    must(commit(disk, change).has_value());
  };
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    auto writer = StoreWriter::open(machine.runtime, kStore, kOptions);
    if (!writer) return outcome_of(writer);
    // A second run finds the older one live already.
    return writer->current()->generation() == 1 ? RunOutcome::success : outcome_of(writer->roll_back({}));
  };
  return scenario;
}

CrashScenario pending() {
  CrashScenario scenario = store_scenario("store: pending generation staged and promoted");
  scenario.prepare = next_commit().prepare;
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    auto writer = StoreWriter::open(machine.runtime, kStore, kOptions);
    if (!writer) return outcome_of(writer);
    auto staged = writer->stage_pending(three("two"));
    if (!staged) {
      // Nobody sees what is pending: the owner throws it away, or the next one stages over it.
      static_cast<void>(writer->discard_pending());
      return RunOutcome::failure;
    }
    auto promoted = writer->promote_pending();
    if (!promoted && promoted.error().code != ErrorCode::commit_uncertain) static_cast<void>(writer->discard_pending());
    return outcome_of(promoted);
  };
  return scenario;
}

CrashScenario collection() {
  CrashScenario scenario = store_scenario("store: commit and collection of old generations");
  scenario.prepare = [](SimFileSystem& disk) {
    disk.make_directories("/srv");
    for (const char* version : {"zero", "half", "one"}) must(commit(disk, three(version)).has_value());
  };
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    machine.clock.advance(100);
    auto writer = StoreWriter::open(machine.runtime, kStore, kOptions);
    if (!writer) return outcome_of(writer);
    auto committed = writer->commit(three("two"));
    if (committed) static_cast<void>(writer->collect());
    return outcome_of(committed);
  };
  return scenario;
}

CrashScenario atomic_file(bool existing) {
  CrashScenario scenario;
  scenario.name = existing ? "atomic file: overwrite" : "atomic file: new";
  scenario.prepare = [existing](SimFileSystem& disk) {
    disk.make_directories("/srv");
    if (existing) disk.write_file("/srv/file", "old" + std::string(700, 'o'), 0640);
  };
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    return outcome_of(atomic_write_bytes(machine.runtime, "/srv/file", "new" + std::string(1500, 'n')));
  };
  scenario.recover = [](SimFileSystem& disk, std::string* why) {
    Machine machine(disk);
    const auto recovered = recover_publishes(machine.runtime, {"/srv"});
    if (!recovered) *why = recovered.error().message;
    return recovered.has_value();
  };
  scenario.view = [](SimFileSystem& disk) {
    const auto tree = disk.dump();
    const auto found = tree.find("/srv/file");
    return found == tree.end() ? "absent" : std::to_string(found->second.attributes.mode) + found->second.content;
  };
  scenario.leftover_allowed = [](const std::string& path) { return path.ends_with(".tmp"); };
  return scenario;
}

CrashScenario removal() {
  CrashScenario scenario = atomic_file(true);
  scenario.name = "atomic file: remove_if_exists";
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    return outcome_of(remove_if_exists(machine.runtime, "/srv/file"));
  };
  return scenario;
}

CrashScenario publish_pair(bool existing) {
  CrashScenario scenario = atomic_file(false);
  scenario.name =
      existing ? "publish: two files in two directories replaced" : "publish: two new files in two directories";
  scenario.prepare = [existing](SimFileSystem& disk) {
    disk.make_directories("/srv/keys");
    disk.make_directories("/srv/certs");
    if (!existing) return;
    disk.write_file("/srv/keys/k", "old key", 0600);
    disk.write_file("/srv/certs/c", "old cert", 0644);
  };
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    return outcome_of(publish(machine.runtime, {{"/srv/keys/k", "new key", 0600}, {"/srv/certs/c", "new cert", 0644}}));
  };
  scenario.recover = [](SimFileSystem& disk, std::string* why) {
    Machine machine(disk);
    const auto recovered = recover_publishes(machine.runtime, {"/srv/certs", "/srv/keys"});
    if (!recovered) *why = recovered.error().message;
    return recovered.has_value();
  };
  scenario.view = [](SimFileSystem& disk) {
    return disk.read_file("/srv/keys/k").value_or("-") + " " + disk.read_file("/srv/certs/c").value_or("-");
  };
  scenario.leftover_allowed = [](const std::string& path) {
    return path.ends_with(".tmp") || path.ends_with(".lockstep-intent");
  };
  return scenario;
}

// The same with an eye on people who save the files meanwhile: by exchanges instead of renames, read back before.
CrashScenario publish_keeping_edits() {
  CrashScenario scenario = publish_pair(true);
  scenario.name = "publish: two files exchanged";
  scenario.run = [](SimFileSystem& disk) {
    Machine machine(disk);
    return outcome_of(
        publish(machine.runtime, {{"/srv/keys/k", "new key", 0600}, {"/srv/certs/c", "new cert", 0644}},
                {.keep_edits = true, .read_back = [](const PublishFile&, std::string_view) -> Status { return {}; }}));
  };
  return scenario;
}

class Durable : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(Durable, SurvivesEveryCrashAndEveryFailingCall) {
  ExplorerOptions options;
  options.limits.exhaustive = deep() ? 4096 : 256;
  options.limits.samples = deep() ? 256 : 64;
  const ExplorerReport report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 1U);
}

// Every state that a crash of the undisturbed run may leave, without sampling.
TEST_P(Durable, SurvivesEveryStateOfACrash) {
  ExplorerOptions options;
  options.limits.exhaustive = 1U << 20U;
  options.recovery_depth = 0;
  options.inject_faults = false;
  if (!deep()) options.limits.exhaustive = 1U << 12U;
  const ExplorerReport report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  if (deep()) {
    EXPECT_TRUE(report.exhaustive);
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, Durable,
                         ::testing::Values(atomic_file(false), atomic_file(true), removal(), publish_pair(false),
                                           publish_pair(true), publish_keeping_edits(), first_commit(),
                                           first_commit_again(), next_commit(), partial_commit(), rollback(), pending(),
                                           collection()),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

// What must stay of the report of a mutation check: the mutants that are harmless, each with its reason in the test.
class Mutated : public ::testing::TestWithParam<CrashScenario> {};

// Mutants that keep the promise, each for a reason.
bool is_as_good(const std::string& mutant) {
  const auto matches = [&](const char* pattern) { return ::testing::Value(mutant, ::testing::ContainsRegex(pattern)); };
  // The change is done; this only makes the removal of its record durable. A record that comes back is found complete.
  if (matches("^without fsync of '/srv/keys' \\(operation [0-9]+\\)$")) return mutant.ends_with("(operation 60)");
  // The pointer is durable; this is the record that tells a lost pointer from a first commit that was cut off.
  if (matches("^without fsync of '/srv/store/.lockstep'")) return mutant.ends_with("(operation 91)");
  if (mutant.starts_with("without")) return false;
  // Syncing this before that, or that before this: both are durable before the next step that shows anything.
  if (matches("fsync of .* after fsync of")) return true;
  // A name that nobody looks at yet, made before or after the things it does not concern are durable.
  if (matches("fsync of .* after (create|link|symlink) of")) return true;
  // fchmod: only the mode of a file under a temporary name, and the fsync of its name follows.
  if (matches("fchmod of .* after fsync of")) return true;
  // Two targets of one publish: the record stands, and completes either.
  if (matches("rename of '/srv/keys/k' .* after rename of '/srv/certs/c'")) return true;
  // A stable name that is lost is made again by whoever opens the store.
  if (matches("symlink of '/srv/store/[a-z.]+' .* after fsync of '/srv/store'")) return true;
  // Clearing up after the change is done.
  if (matches("after unlink of '/srv/keys/\\.k\\.[a-z0-9]+\\.tmp'")) return true;
  // What follows the last change that must be durable.
  return matches("lockstep-intent|/history|\\.history\\.|fsync of '/srv' .* after fchmod of");
}

TEST_P(Mutated, EveryFsyncAndTheOrderOfStepsMatter) {
  ExplorerOptions options;
  options.limits.exhaustive = 256;
  options.limits.samples = 64;
  options.inject_faults = false;
  options.stop_at_first = true;
  options.recovery_depth = 1;
  const auto report = explore_mutations(GetParam(), options);
  std::cout << GetParam().name << ": " << report.found.size() << " mutants found\n";
  for (const std::string& mutant : report.found) std::cout << "  red: " << mutant << "\n";
  for (const std::string& mutant : report.survivors) std::cout << "  as good: " << mutant << "\n";
  EXPECT_GT(report.found.size(), 0U);
  for (const std::string& mutant : report.survivors) EXPECT_TRUE(is_as_good(mutant)) << mutant;
}

INSTANTIATE_TEST_SUITE_P(Operations, Mutated,
                         ::testing::Values(atomic_file(true), publish_pair(true), first_commit(), next_commit()),
                         [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

}  // namespace
}  // namespace lockstep::durable
