// lockstep doctor: what state stores are in. It changes nothing unless asked to adopt or repair.
#include <nlohmann/json.hpp>

#include "ca/check.h"
#include "certstore/certificate_folder.h"
#include "cli/commands.h"
#include "cli/store_paths.h"
#include "durable/inspect.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

using durable::FindingKind;
using durable::StoreReport;

struct Options {
  std::vector<std::string> paths;
  bool adopt = false;
  bool repair = false;
};

// What only the owner of a store can judge: whether its contents belong together.
Status add_owner_findings(Context& context, StoreReport* report) {
  fs::FileSystem& files = context.environment().files;
  if (report->kind == ca::kStoreKind) {
    const auto contents = ca::read_contents(files, report->path);
    if (!contents) return {};  // what cannot be read has been reported
    const std::vector<durable::Finding> findings = TRY(ca::check_ledger(files, report->path, *contents));
    report->findings.insert(report->findings.end(), findings.begin(), findings.end());
  } else if (report->kind == certstore::kStoreKind) {
    const auto snapshot = durable::Snapshot::open(files, report->path);
    const auto problems =
        snapshot ? certstore::check_members(*snapshot) : Result<std::vector<std::string>>(fail(snapshot.error()));
    if (!problems) return {};
    for (const std::string& problem : *problems)
      report->findings.push_back({FindingKind::damage, report->path, problem});
  }
  return {};
}

Result<StoreReport> examine(Context& context, durable::Runtime& runtime, const std::string& path) {
  StoreReport report = TRY(durable::inspect_store(runtime, path));
  TRY(add_owner_findings(context, &report));
  return report;
}

// What kind of store it is, also when its current generation cannot say.
Result<std::string> kind_of(durable::Runtime& runtime, const StoreReport& report) {
  if (!report.kind.empty()) return report.kind;
  const std::unique_ptr<fs::Directory> store = TRY(runtime.files.open_directory(report.path));
  const std::unique_ptr<fs::Directory> control = TRY(store->open_directory(durable::kControlDirectory));
  for (auto generation = report.history.rbegin(); generation != report.history.rend(); ++generation) {
    const auto snapshot = durable::Snapshot::open_generation(*control, *generation);
    if (snapshot) return snapshot->manifest().kind;
  }
  return fail(ErrorCode::damaged, "'" + report.path + "': no generation has a readable manifest",
              "restore it from a backup");
}

// Returns what was done, a sentence each.
Result<std::vector<std::string>> mend(const Options& options, durable::Runtime& runtime, const StoreReport& report) {
  std::vector<std::string> actions;
  const std::string kind = TRY(kind_of(runtime, report));
  if (options.adopt) {
    const durable::Generation generation =
        kind == ca::kStoreKind ? TRY(ca::adopt(runtime, report.path)) : TRY(certstore::adopt(runtime, report.path));
    actions.push_back("the edit was taken over as generation " + std::to_string(generation));
  } else if (kind == ca::kStoreKind) {
    const ca::Repaired repaired = TRY(ca::repair(runtime, report.path));
    actions = repaired.actions;
  } else {
    const certstore::Repaired repaired = TRY(certstore::repair(runtime, report.path));
    if (repaired.repaired)
      actions.push_back("generation " + std::to_string(repaired.generation) + ", the newest intact one, is live again");
  }
  return actions;
}

bool needs(const Options& options, const StoreReport& report) {
  const auto has = [&](FindingKind kind) {
    return std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& f) { return f.kind == kind; });
  };
  return (options.adopt && has(FindingKind::edited)) || (options.repair && has(FindingKind::damage));
}

Result<int> run_doctor(Context& context, const Options& options) {
  if (options.adopt && options.repair) return fail(ErrorCode::usage, "--adopt and --repair exclude each other");
  durable::Runtime runtime = TRY(context.runtime());
  const std::vector<std::string> stores = TRY(store_paths(context, options.paths));
  bool damaged = false;
  std::string made;  // what was changed, for when the report cannot be delivered
  std::string text;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& path : stores) {
    StoreReport report = TRY(examine(context, runtime, path));
    std::vector<std::string> actions;
    if (needs(options, report)) {
      actions = TRY(mend(options, runtime, report));
      for (const std::string& action : actions) made += (made.empty() ? "" : "; ") + action;
      auto again = examine(context, runtime, path);
      if (!again) {
        return fail(ErrorCode::committed_not_delivered,
                    made + ", but '" + path + "' could not be looked at afterwards: " + again.error().message,
                    "the change is complete; run 'lockstep doctor' again to see the result");
      }
      report = std::move(*again);
    }
    damaged = damaged || report.damaged();
    text += printable(path) + ": " + (report.damaged() ? "damaged" : "ok") + ", " +
            (report.kind.empty() ? "unknown kind" : report.kind) + ", generation " + std::to_string(report.current) +
            "\n";
    nlohmann::ordered_json findings = nlohmann::ordered_json::array();
    for (const std::string& action : actions) text += "  done: " + printable(action) + "\n";
    for (const durable::Finding& finding : report.findings) {
      text += "  " + std::string(durable::finding_kind_name(finding.kind)) + ": " + printable(finding.path) + ": " +
              printable(finding.message) + "\n";
      findings.push_back(
          {{"kind", durable::finding_kind_name(finding.kind)}, {"path", finding.path}, {"message", finding.message}});
    }
    list.push_back({{"path", path},
                    {"kind", report.kind},
                    {"generation", report.current},
                    {"generations", report.history},
                    {"damaged", report.damaged()},
                    {"done", actions},
                    {"findings", findings}});
  }
  if (stores.empty()) text = "No stores found.\n";
  TRY(context.deliver(text, {{"stores", list}}, made));
  return damaged ? 1 : 0;
}

}  // namespace

void add_doctor(CLI::App& program, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(program, "doctor", "Report what state stores are in; exit 1 when one is damaged",
                                  "lockstep doctor ./ca-data");
  command->add_option("path", options->paths,
                      "Stores, or directories that hold some (default: the CA and the certificates)");
  command->add_flag("--adopt", options->adopt, "Take consistent hand edits over");
  command->add_flag("--repair", options->repair,
                    "Fall back to the newest intact state where the current one is damaged");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_doctor(context, *options); }; });
}

}  // namespace lockstep::cli
