// Checks one mutating operation against every crash and every failing system call.
//
// The oracle: after a crash at any instant and the recovery that follows, the logical state is entirely the old or
// entirely the new one; once success was reported it is the new one; once failure was reported it is the old one, and
// the running system is byte for byte as it was before.
//
//   CrashScenario scenario;
//   scenario.name = "renew";
//   scenario.prepare = [](SimFileSystem& disk) { … };                       // ends up fully on disk
//   scenario.run = [](SimFileSystem& disk) { return outcome_of(commit(disk)); };
//   scenario.recover = [](SimFileSystem& disk, std::string* why) { … };    // what the next start does
//   scenario.view = [](SimFileSystem& disk) { return text; };               // equal text: equal state
//   EXPECT_THAT(explore(scenario).violations, IsEmpty());
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "testing/sim_file_system.h"

namespace lockstep::testing {

// What the operation told its caller.
enum class RunOutcome {
  success,
  failure,
  commit_uncertain,         // visible new, on disk either
  committed_not_delivered,  // as good as success to the disk
};

// What a call of the library told its caller.
template <class T>
RunOutcome outcome_of(const Result<T>& result) {
  if (result) return RunOutcome::success;
  switch (result.error().code) {
    case ErrorCode::commit_uncertain: return RunOutcome::commit_uncertain;
    case ErrorCode::committed_not_delivered: return RunOutcome::committed_not_delivered;
    default: return RunOutcome::failure;
  }
}

// The letters and digits of a scenario's name: what may be a parameter's name in GoogleTest.
std::string test_name(std::string_view name);

struct CrashScenario {
  std::string name;
  std::function<void(SimFileSystem&)> prepare;
  // Must do the same calls each time: random names come from a generator seeded anew.
  std::function<RunOutcome(SimFileSystem&)> run;
  // False, with the reason, when it could not. Succeeding with nothing to do is fine.
  std::function<bool(SimFileSystem&, std::string* why)> recover;
  // The logical state after recovery, in words of the owner: without temporary names or anything that may differ
  // between equal states.
  std::function<std::string(SimFileSystem&)> view;
  // Further invariants of every recovered state; each returns what is wrong, or nothing.
  std::vector<std::function<std::string(SimFileSystem&)>> checks;
  // What may stay behind when the clean-up fails too; nothing when empty.
  std::function<bool(const std::string& path)> leftover_allowed;
  // What may have other content when the clean-up fails too; nothing when empty.
  std::function<bool(const std::string& path)> change_allowed;
  // What is prepared is what a crash left: a run that fails may have recovered it before, so the files may differ.
  bool starts_after_crash = false;

  // For GoogleTest's messages.
  friend std::ostream& operator<<(std::ostream& out, const CrashScenario& scenario) { return out << scenario.name; }
};

struct ExplorerOptions {
  CrashLimits limits;
  // Crashes during recovery, and during the recovery after that: how many in a row.
  int recovery_depth = 3;
  // What a completed recovery showed must stay through a crash right after it.
  bool recovery_makes_durable = true;
  bool inject_faults = true;
  unsigned one_fault_in = 1;  // above 1: every so many-th, spread over the calls and errors
  // Crash also at every call that follows an injected fault (the clean-up), not only at the end.
  bool crash_after_faults = true;
  bool stop_at_first = false;
  // Applied to the calls of `run` before anything else, by index in an undisturbed run: for tests of the explorer and
  // of the order of steps.
  OperationHook mutation;
};

struct ExplorerReport {
  std::uint64_t operations = 0;       // of the undisturbed run
  std::uint64_t crash_states = 0;     // distinct states after a crash of the run
  std::uint64_t recovery_states = 0;  // further distinct states after a crash of a recovery
  std::uint64_t injected_faults = 0;
  bool exhaustive = true;               // no enumeration had to sample
  std::vector<std::string> violations;  // the first 20
  std::uint64_t violation_count = 0;
  std::uint64_t seed = 0;

  // "NAME: 61 operations, 394 crash states, … seed 1".
  [[nodiscard]] std::string summary(const std::string& name) const;
};

ExplorerReport explore(const CrashScenario& scenario, const ExplorerOptions& options = {});

struct MutationReport {
  std::vector<std::string> found;      // the mutants that made the explorer report a violation
  std::vector<std::string> survivors;  // the mutants that the explorer did not find fault with
};

// Leaves out each fsync of the run in turn, and exchanges each two successive changes of which at least one is an
// fsync or a rename, and explores each mutant without faults. `included` restricts it (the first of the two for an
// exchange); all when empty.
MutationReport explore_mutations(const CrashScenario& scenario, const ExplorerOptions& options = {},
                                 const std::function<bool(const Operation&)>& included = {});

}  // namespace lockstep::testing
