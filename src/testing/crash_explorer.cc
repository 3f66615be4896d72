#include "testing/crash_explorer.h"

#include "testing/crash_graph.h"
#include "testing/fault_injection.h"

namespace lockstep::testing {

namespace {

// The calls of an undisturbed run from `base`, and the state it leads to in `disk`.
std::vector<Operation> record(const CrashScenario& scenario, SimFileSystem& disk, RunOutcome& outcome) {
  std::vector<Operation> operations;
  disk.set_hook([&](const Operation& operation) {
    operations.push_back(operation);
    return Verdict{};
  });
  outcome = scenario.run(disk);
  disk.set_hook(nullptr);
  return operations;
}

SimImage prepared(const CrashScenario& scenario) {
  SimFileSystem disk;
  scenario.prepare(disk);
  return disk.image();
}

void crash_everywhere(const CrashScenario& scenario, const ExplorerOptions& options, const SimImage& base,
                      CrashGraph& graph) {
  SimFileSystem disk(base);
  std::uint64_t changes_seen = disk.changes() - 1;  // the state before the first call counts too
  disk.set_hook([&](const Operation& operation) {
    if (disk.changes() != changes_seen) {
      changes_seen = disk.changes();
      graph.crash_here(disk, allow_either, "crash before " + describe(operation));
    }
    return options.mutation ? options.mutation(operation) : Verdict{};
  });
  disk.set_delay_hook([&] { graph.crash_here(disk, allow_either, "crash between two calls that were exchanged"); });
  const RunOutcome outcome = scenario.run(disk);
  disk.set_hook(nullptr);
  disk.finish_delayed();
  if (outcome != RunOutcome::success) graph.violation("the run did not succeed");
  graph.crash_here(disk, allow_new, "crash after success was reported");
}

}  // namespace

std::string test_name(std::string_view name) {
  std::string kept;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || (c >= '0' && c <= '9')) kept.push_back(c);
  }
  return kept;
}

std::string ExplorerReport::summary(const std::string& name) const {
  return name + ": " + std::to_string(operations) + " operations, " + std::to_string(crash_states) + " crash states, " +
         std::to_string(recovery_states) + " more from crashes of the recovery (" +
         (exhaustive ? "exhaustive" : "partly sampled") + "), " + std::to_string(injected_faults) + " faults, " +
         std::to_string(violation_count) + " violations, seed " + std::to_string(seed);
}

ExplorerReport explore(const CrashScenario& scenario, const ExplorerOptions& options) {
  ExplorerReport report;
  report.seed = options.limits.seed;
  const SimImage base = prepared(scenario);
  CrashGraph graph(scenario, options, report);

  SimFileSystem untouched(base);
  std::string old_view = graph.recovered_view(untouched, "the prepared state");
  SimFileSystem changed(base);
  RunOutcome outcome = RunOutcome::failure;
  const std::vector<Operation> operations = record(scenario, changed, outcome);
  report.operations = operations.size();
  if (outcome != RunOutcome::success) graph.violation("the undisturbed run did not succeed");
  std::string new_view = graph.recovered_view(changed, "the state after the run");
  if (report.violation_count > 0) return report;
  graph.set_views(std::move(old_view), std::move(new_view));

  crash_everywhere(scenario, options, base, graph);
  if (options.inject_faults) inject_faults(scenario, options, base, operations, graph, report);
  graph.finish();
  return report;
}

MutationReport explore_mutations(const CrashScenario& scenario, const ExplorerOptions& options,
                                 const std::function<bool(const Operation&)>& included) {
  SimFileSystem disk(prepared(scenario));
  RunOutcome outcome = RunOutcome::failure;
  std::vector<Operation> changes = record(scenario, disk, outcome);
  std::erase_if(changes, [](const Operation& operation) { return !operation.mutates; });

  MutationReport report;
  const auto try_mutant = [&](const std::string& what, std::uint64_t index, Verdict::Action action) {
    ExplorerOptions mutant = options;
    mutant.inject_faults = false;
    mutant.stop_at_first = true;
    mutant.mutation = [index, action](const Operation& operation) {
      return Verdict{operation.index == index ? action : Verdict::Action::proceed, 0};
    };
    (explore(scenario, mutant).violation_count == 0 ? report.survivors : report.found).push_back(what);
  };
  const auto gives_order = [](const Operation& operation) {
    return operation.kind == "fsync" || operation.kind.starts_with("rename");
  };
  const auto can_wait = [](const Operation& operation) {
    return operation.kind != "create" && operation.kind != "write" && operation.kind != "copy_file_range";
  };
  for (std::size_t place = 0; place < changes.size(); ++place) {
    const Operation& first = changes[place];
    if (included && !included(first)) continue;
    if (first.kind == "fsync") try_mutant("without " + describe(first), first.index, Verdict::Action::skip);
    if (place + 1 == changes.size() || !can_wait(first)) continue;
    const Operation& second = changes[place + 1];
    if (gives_order(first) || gives_order(second)) {
      try_mutant(describe(first) + " after " + describe(second), first.index, Verdict::Action::delay);
    }
  }
  return report;
}

}  // namespace lockstep::testing
