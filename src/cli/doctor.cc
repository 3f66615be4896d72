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

Result<StoreReport> examine_once(Context& context, durable::Runtime& runtime, const std::string& path) {
  StoreReport report = TRY(durable::inspect_store(runtime, path));
  TRY(add_owner_findings(context, &report));
  return report;
}

Result<StoreReport> examine(Context& context, durable::Runtime& runtime, const std::string& path) {
  StoreReport report = TRY(examine_once(context, runtime, path));
  if (report.findings.empty()) return report;
  // It may be the work of somebody who is at it: look again, with writers kept out. Not the first time, because the
  // check of a large CA takes longer than they should wait.
  const auto lock = durable::keep_writers_out(runtime, path);
  if (!lock && lock.error().code == ErrorCode::lock_timeout) return fail(lock.error());
  return examine_once(context, runtime, path);  // without the lock when it cannot be had, as the report says
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

struct Examined {
  StoreReport report;
  std::vector<std::string> actions;  // what was done about it
};

Result<Examined> examine_and_mend(Context& context, const Options& options, durable::Runtime& runtime,
                                  const std::string& path) {
  Examined examined{TRY(examine(context, runtime, path)), {}};
  if (!needs(options, examined.report)) return examined;
  examined.actions = TRY(mend(options, runtime, examined.report));
  auto after = examine(context, runtime, path);
  if (!after) {
    std::string done;
    for (const std::string& action : examined.actions) done += action + "; ";
    return fail(ErrorCode::committed_not_delivered,
                "'" + path + "': " + done + "but looking at the result failed: " + after.error().message,
                "run 'lockstep doctor " + path + "'");
  }
  examined.report = std::move(*after);
  return examined;
}

nlohmann::ordered_json to_json(const Examined& examined) {
  const StoreReport& report = examined.report;
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const durable::Finding& finding : report.findings) {
    findings.push_back(
        {{"kind", durable::finding_kind_name(finding.kind)}, {"path", finding.path}, {"message", finding.message}});
  }
  return {{"path", report.path},           {"kind", report.kind},         {"generation", report.current},
          {"generations", report.history}, {"damaged", report.damaged()}, {"done", examined.actions},
          {"findings", findings}};
}

std::string to_text(const Examined& examined) {
  const StoreReport& report = examined.report;
  std::string text = printable(report.path) + ": " + (report.damaged() ? "damaged" : "ok") + ", " +
                     (report.kind.empty() ? "unknown kind" : report.kind) + ", generation " +
                     std::to_string(report.current) + "\n";
  for (const std::string& action : examined.actions) text += "  done: " + printable(action) + "\n";
  for (const durable::Finding& finding : report.findings) {
    text += "  " + std::string(durable::finding_kind_name(finding.kind)) + ": " + printable(finding.path) + ": " +
            printable(finding.message) + "\n";
  }
  return text;
}

Result<int> run_doctor(Context& context, const Options& options) {
  if (options.adopt && options.repair) return fail(ErrorCode::usage, "--adopt and --repair exclude each other");
  durable::Runtime runtime = TRY(context.runtime());
  const std::vector<std::string> stores = TRY(store_paths(context, options.paths));
  bool failed = false;
  std::string text;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& path : stores) {
    const Result<Examined> examined = examine_and_mend(context, options, runtime, path);
    if (examined) {
      failed = failed || examined->report.damaged();
      text += to_text(*examined);
      list.push_back(to_json(*examined));
      continue;
    }
    // One of several must not hide what was found, or done, in the others.
    const Error& error = examined.error();
    if (stores.size() == 1) return fail(error);
    failed = true;
    context.warn(error.message);
    text += printable(path) + ": failed: " + printable(error.message) + "\n";
    list.push_back(
        {{"path", path},
         {"error", {{"code", error_code_name(error.code)}, {"message", error.message}, {"hint", error.hint}}}});
  }
  if (stores.empty()) text = "No stores found.\n";
  TRY(context.deliver(text, {{"stores", list}}));
  return failed ? 1 : 0;
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
