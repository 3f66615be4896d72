#include "testing/fault_injection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

namespace lockstep::testing {

const std::vector<int>& possible_errors(const std::string& kind) {
  static const std::vector<int> kMaking{EACCES, ENOSPC, EDQUOT, EROFS, EIO};
  static const std::vector<int> kRemoving{EACCES, EROFS, EIO};
  static const std::vector<int> kWriting{ENOSPC, EDQUOT, EIO};
  static const std::vector<int> kLooking{EACCES, EIO};
  static const std::vector<int> kDisk{EIO};
  static const std::map<std::string, std::vector<int>> kTable{
      {"open", {EMFILE, EACCES, EIO}},
      {"create", {EMFILE, EACCES, ENOSPC, EDQUOT, EROFS, EIO}},
      {"read", kDisk},
      {"write", kWriting},
      {"copy_file_range", kWriting},
      {"clone", kWriting},
      {"fsync", kWriting},
      {"sync_file_range", kWriting},
      {"close", kDisk},
      {"fstat", kDisk},
      {"stat", kLooking},
      {"list", kDisk},
      {"readlink", kLooking},
      {"realpath", kLooking},
      {"flistxattr", kDisk},
      {"fgetxattr", kDisk},
      {"fsetxattr", kMaking},
      {"fchmod", kRemoving},
      {"fchown", {EACCES, EROFS, EIO, EDQUOT}},
      {"flock", kDisk},
      {"setlease", {EACCES, EINVAL}},
      {"getlease", kDisk},
      {"mkdir", kMaking},
      {"symlink", kMaking},
      {"link", kMaking},
      {"rename", kMaking},
      {"rename_no_replace", kMaking},
      // EINVAL: a file system without it.
      {"exchange", {EACCES, ENOSPC, EROFS, EIO, EINVAL}},
      {"unlink", kRemoving},
      {"rmdir", kRemoving},
  };
  static const std::vector<int> kNone;
  const auto found = kTable.find(kind);
  return found == kTable.end() ? kNone : found->second;
}

namespace {

// A system that stays sick: 0 where a call still works.
struct Sickness {
  const char* name;
  int (*error)(const Operation&);
};

constexpr std::array kSicknesses{
    Sickness{"a file system gone read-only",
             [](const Operation& operation) {
               if (operation.kind == "fsync") return EIO;
               return operation.mutates ? EROFS : 0;
             }},
    Sickness{"a full file system",
             [](const Operation& operation) {
               for (const int error : possible_errors(operation.kind)) {
                 if (error == ENOSPC && operation.kind != "rename") return ENOSPC;
               }
               return 0;
             }},
    Sickness{"a dead disk", [](const Operation& operation) { return operation.kind == "close" ? 0 : EIO; }},
};

Allowed allowed_after(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::failure: return allow_old;
    case RunOutcome::commit_uncertain: return allow_either;
    case RunOutcome::success:
    case RunOutcome::committed_not_delivered: break;
  }
  return allow_new;
}

class FaultInjector {
 public:
  FaultInjector(const CrashScenario& scenario, const ExplorerOptions& options, const SimImage& base, CrashGraph& graph,
                ExplorerReport& report)
      : scenario_(scenario), options_(options), base_(base), graph_(graph), report_(report) {}

  // `fault` gives the error of each call from index `first` on. `passing`: it hits one call only, so that the clean-up
  // works and nothing may stay behind.
  void inject(std::uint64_t first, const std::function<int(const Operation&)>& fault, bool passing,
              const std::string& origin) {
    ++report_.injected_faults;
    SimFileSystem disk(base_);
    const Tree before = disk.dump();
    std::uint64_t changes_seen = disk.changes();
    disk.set_hook([&](const Operation& operation) -> Verdict {
      if (operation.index < first) return mutated(operation);
      if (options_.crash_after_faults && operation.index > first && disk.changes() != changes_seen) {
        changes_seen = disk.changes();
        graph_.crash_here(disk, allow_either, origin + ", then a crash before " + describe(operation));
      }
      const int error = fault(operation);
      return error == 0 ? mutated(operation) : Verdict{Verdict::Action::fail, error};
    });
    const RunOutcome outcome = scenario_.run(disk);
    disk.set_hook(nullptr);
    disk.finish_delayed();

    if (outcome == RunOutcome::failure && !scenario_.starts_after_crash)
      check_nothing_left(before, disk.dump(), passing, origin);
    graph_.crash_here(disk, allowed_after(outcome), origin + ", then a crash after the run");
    const std::string view = graph_.recovered_view(disk, origin);
    const std::string& expected = outcome == RunOutcome::failure ? graph_.old_view() : graph_.new_view();
    if (view != expected) {
      graph_.violation(origin + ": reported " +
                       (outcome == RunOutcome::failure ? "failure, but is not old: " : "a commit, but is not new: ") +
                       view);
    }
    // With the fault gone the same must work.
    if (outcome == RunOutcome::success || outcome == RunOutcome::committed_not_delivered) return;
    if (scenario_.run(disk) != RunOutcome::success) {
      graph_.violation(origin + ": the next run without a fault did not succeed");
    } else if (outcome == RunOutcome::failure && graph_.recovered_view(disk, origin) != graph_.new_view()) {
      graph_.violation(origin + ": the next run without a fault did not give the new state");
    }
  }

 private:
  Verdict mutated(const Operation& operation) const {
    return options_.mutation ? options_.mutation(operation) : Verdict{};
  }

  void check_nothing_left(const Tree& before, Tree after, bool passing, const std::string& origin) {
    if (!passing && scenario_.change_allowed) {
      for (auto& [path, entry] : after) {
        if (before.contains(path) && scenario_.change_allowed(path)) entry = before.at(path);
      }
    }
    if (!passing && scenario_.leftover_allowed) {
      std::erase_if(after, [&](const auto& each) {
        return !before.contains(each.first) && scenario_.leftover_allowed(each.first);
      });
    }
    const std::string difference = describe_difference(before, after);
    if (!difference.empty()) graph_.violation(origin + ": failed, but left a trace: " + difference);
  }

  const CrashScenario& scenario_;
  const ExplorerOptions& options_;
  const SimImage& base_;
  CrashGraph& graph_;
  ExplorerReport& report_;
};

}  // namespace

void inject_faults(const CrashScenario& scenario, const ExplorerOptions& options, const SimImage& base,
                   const std::vector<Operation>& operations, CrashGraph& graph, ExplorerReport& report) {
  FaultInjector injector(scenario, options, base, graph, report);
  std::uint64_t considered = options.limits.seed;
  const auto chosen = [&] { return ++considered % options.one_fault_in == 0; };
  for (const Operation& target : operations) {
    for (const int error : possible_errors(target.kind)) {
      if (graph.should_stop()) return;
      if (!chosen()) continue;
      injector.inject(
          target.index, [&](const Operation& operation) { return operation.index == target.index ? error : 0; }, true,
          std::string(std::strerror(error)) + " from " + describe(target));
    }
    for (const Sickness& sickness : kSicknesses) {
      if (graph.should_stop()) return;
      if (sickness.error(target) == 0) continue;  // the same as from the next call on
      if (!chosen()) continue;
      injector.inject(target.index, sickness.error, false,
                      std::string(sickness.name) + " from " + describe(target) + " on");
    }
  }
}

}  // namespace lockstep::testing
