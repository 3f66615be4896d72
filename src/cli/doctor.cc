// lockstep doctor: what state stores are in. It changes nothing unless asked to adopt or repair.
#include <nlohmann/json.hpp>

#include "base/shell.h"
#include "ca/check.h"
#include "certstore/certificate_folder.h"
#include "cli/commands.h"
#include "cli/store_paths.h"
#include "durable/inspect.h"
#include "durable/secret_files.h"
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

// What only the owner of a store can judge: whether its contents belong together. `fits` says whether they do, edits by
// hand included.
struct OwnersView {
  std::vector<durable::Finding> findings;
  bool fits = false;
};

// A key that others can read is damage, whatever mode it was committed with.
void add_open_keys(fs::FileSystem& files, const StoreReport& report, OwnersView* view) {
  const auto snapshot = durable::Snapshot::open(files, report.path);
  if (!snapshot) return;
  const bool is_ca = report.kind == ca::kStoreKind;
  for (const durable::OpenSecret& open :
       durable::open_secrets(*snapshot, is_ca ? ca::secrets() : certstore::secrets())) {
    view->findings.push_back({FindingKind::damage, open.path,
                              "others can get at this key: its mode is " + open.mode_now,
                              "chmod " + open.mode_wanted + " " + shell_word(open.path)});
  }
}

Result<OwnersView> ask_owner(Context& context, const StoreReport& report) {
  fs::FileSystem& files = context.environment().files;
  OwnersView view;
  if (report.kind == ca::kStoreKind) {
    const auto contents = ca::read_contents(files, report.path);
    if (!contents) return view;  // what cannot be read has been reported
    view.findings = TRY(ca::check_ledger(files, report.path, *contents, context.environment().clock.now()));
  } else if (report.kind == certstore::kStoreKind) {
    const auto contents = certstore::read_contents(files, report.path);
    if (!contents) return view;
    for (const certstore::FolderProblem& problem : certstore::check_contents(*contents)) {
      view.findings.push_back({FindingKind::damage, fs::join_path(report.path, problem.member), problem.what,
                               durable::repair_command(report.path)});
    }
  }
  view.fits = std::ranges::none_of(view.findings, [](const auto& found) { return found.kind == FindingKind::damage; });
  return view;
}

// True for a file that is made of others: an edit of it has nothing that could be taken over.
bool is_derived(const StoreReport& report, const std::string& path) {
  const std::string name = fs::split_path(path).name;
  return report.kind == certstore::kStoreKind && (name == certstore::kCombinedFile || name == certstore::kNginxFile);
}

// An edit that cannot be adopted is damage where it was made in place; what stands instead of a link is left to the
// person who put it there.
void judge_edits(bool fits, StoreReport* report) {
  const std::string control = fs::join_path(report->path, durable::kControlDirectory) + "/";
  const std::string store = shell_word(report->path);
  for (durable::Finding& finding : report->findings) {
    if (finding.kind != FindingKind::edited) continue;
    const bool in_place = finding.path.starts_with(control);
    const bool refused = !fits || (is_derived(*report, finding.path) && finding.what != "the file is missing");
    if (refused && in_place) {
      finding.kind = FindingKind::damage;
      finding.hint = durable::repair_command(report->path);
    } else if (refused) {
      finding.hint = "correct it, or move it away: mv " + shell_word(finding.path) +
                     " /ELSEWHERE; then: lockstep recover " + store;
    }
    // A list is no loss: another is made.
    const bool is_list = report->kind == ca::kStoreKind && fs::split_path(finding.path).name == ca::kCrlFile;
    if (!is_list || !in_place) continue;
    finding.hint = (refused ? durable::repair_command(report->path) : "lockstep doctor --adopt " + store) +
                   " && lockstep ca --data-dir " + store + " crl";
  }
}

Status add_owner_findings(Context& context, StoreReport* report) {
  OwnersView view = TRY(ask_owner(context, *report));
  judge_edits(view.fits, report);
  add_open_keys(context.environment().files, *report, &view);
  std::erase_if(report->findings, [&](const durable::Finding& found) {
    return found.kind == FindingKind::note &&
           std::ranges::any_of(view.findings, [&](const auto& other) { return other.path == found.path; });
  });
  report->findings.insert(report->findings.end(), view.findings.begin(), view.findings.end());
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

// What kind of store it is, also when no manifest can say: by the names that it has.
Result<std::string> kind_of(durable::Runtime& runtime, const StoreReport& report) {
  if (!report.kind.empty()) return report.kind;
  const std::unique_ptr<fs::Directory> store = TRY(runtime.files.open_directory(report.path));
  const auto control = store->open_directory(durable::kControlDirectory);
  for (auto generation = report.history.rbegin(); control && generation != report.history.rend(); ++generation) {
    const auto snapshot = durable::Snapshot::open_generation(**control, *generation);
    if (snapshot) return snapshot->manifest().kind;
  }
  const bool is_ca = TRY(fs::entry_exists(*store, ca::kKeyFile));
  const bool is_folder = TRY(fs::entry_exists(*store, certstore::kKeyFile));
  if (control && is_ca != is_folder) return std::string(is_ca ? ca::kStoreKind : certstore::kStoreKind);
  return fail(ErrorCode::damaged, "'" + report.path + "': no generation has a readable manifest",
              "restore it from a backup");
}

// Returns what was done, a sentence each.
Result<std::vector<std::string>> mend(const Options& options, durable::Runtime& runtime, const StoreReport& report) {
  const std::string kind = TRY(kind_of(runtime, report));
  const bool is_ca = kind == ca::kStoreKind;
  if (options.adopt) {
    const durable::Generation generation =
        is_ca ? TRY(ca::adopt(runtime, report.path)) : TRY(certstore::adopt(runtime, report.path));
    return std::vector<std::string>{"the edit was taken over as generation " + std::to_string(generation)};
  }
  if (is_ca) {
    ca::Repaired repaired = TRY(ca::repair(runtime, report.path));
    return std::move(repaired.actions);
  }
  certstore::Repaired repaired = TRY(certstore::repair(runtime, report.path));
  return std::move(repaired.actions);
}

// Whoever acts on what could not be read goes back to an older state although the newer one may be whole.
Result<bool> needs(const Options& options, const StoreReport& report) {
  if (options.adopt) return report.edited;  // also one that does not fit: adopting says why not
  if (!options.repair || !report.has(FindingKind::damage)) return false;
  const auto unread = std::ranges::find(report.findings, FindingKind::unreadable, &durable::Finding::kind);
  if (unread == report.findings.end()) return true;
  return fail(ErrorCode::io_error,
              "'" + report.path + "': nothing is repaired as long as a part cannot be read: " + unread->path + ": " +
                  unread->what,
              unread->hint);
}

struct Examined {
  StoreReport report;
  std::vector<std::string> actions;  // what was done about it
};

Result<Examined> examine_and_mend(Context& context, const Options& options, durable::Runtime& runtime,
                                  const std::string& path) {
  Examined examined{TRY(examine(context, runtime, path)), {}};
  const bool needed = TRY(needs(options, examined.report));
  if (!needed) return examined;
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
    findings.push_back({{"kind", durable::finding_kind_name(finding.kind)},
                        {"path", finding.path},
                        {"what", finding.what},
                        {"hint", finding.hint}});
  }
  return {{"path", report.path},           {"kind", report.kind},         {"generation", report.current},
          {"generations", report.history}, {"damaged", report.damaged()}, {"done", examined.actions},
          {"findings", findings}};
}

bool is_well(const StoreReport& report) { return !report.damaged() && !report.has(FindingKind::unreadable); }

std::string to_text(const Examined& examined) {
  const StoreReport& report = examined.report;
  const std::string state = report.damaged() ? "damaged" : is_well(report) ? "ok" : "not readable";
  std::string text = printable(report.path) + ": " + state;
  if (report.current != 0 || !report.history.empty())
    text +=
        ", " + (report.kind.empty() ? "unknown kind" : report.kind) + ", generation " + std::to_string(report.current);
  text += "\n";
  for (const std::string& action : examined.actions) text += "  done: " + printable(action) + "\n";
  for (const durable::Finding& finding : report.findings) {
    text += "  " + std::string(durable::finding_kind_name(finding.kind)) + ": " + printable(finding.path) + ": " +
            printable(finding.what) + "\n";
    if (!finding.hint.empty()) text += "    remedy: " + printable(finding.hint) + "\n";
  }
  return text;
}

// A directory of plain files, as `ca request` writes them; nothing where no change of them was cut off.
Result<std::optional<Examined>> examine_published(Context& context, const std::string& path) {
  const std::vector<durable::Finding> findings = TRY(durable::inspect_published(context.environment().files, path));
  if (findings.empty()) return std::optional<Examined>();
  Examined examined;
  examined.report.path = path;
  examined.report.kind = "files";
  examined.report.findings = findings;
  return std::optional<Examined>(std::move(examined));
}

// What is said of all paths together.
class Summary {
 public:
  explicit Summary(Context& context, bool alone) : context_(context), alone_(alone) {}

  void add(const Examined& examined) {
    failed_ = failed_ || !is_well(examined.report);
    mended_ = mended_ || !examined.actions.empty();
    text_ += to_text(examined);
    list_.push_back(to_json(examined));
  }
  // One of several must not hide what was found, or done, in the others.
  Status add(const std::string& path, const Error& error) {
    if (alone_) return fail(error);
    failed_ = true;
    context_.warn(error.message + (error.hint.empty() ? "" : "\nHint: " + error.hint));
    text_ += printable(path) + ": failed: " + printable(error.message) + "\n";
    list_.push_back(
        {{"path", path},
         {"error", {{"code", error_code_name(error.code)}, {"message", error.message}, {"hint", error.hint}}}});
    return {};
  }
  Result<int> deliver() {
    if (list_.empty()) text_ = "No stores found.\n";
    const Status delivered = context_.deliver(text_, {{"stores", list_}});
    if (!delivered && mended_) {
      return fail(ErrorCode::committed_not_delivered,
                  "what was asked for is done, but the report could not be printed: " + delivered.error().message,
                  "run 'lockstep doctor' to see the state");
    }
    if (!delivered) return fail(delivered.error());
    return failed_ ? 1 : 0;
  }

 private:
  Context& context_;
  bool alone_;
  bool failed_ = false;
  bool mended_ = false;
  std::string text_;
  nlohmann::ordered_json list_ = nlohmann::ordered_json::array();
};

Result<int> run_doctor(Context& context, const Options& options) {
  if (options.adopt && options.repair) return fail(ErrorCode::usage, "--adopt and --repair exclude each other");
  durable::Runtime runtime = TRY(context.runtime());
  const StorePaths found = TRY(store_paths(context, options.paths));
  Summary summary(context, options.paths.size() <= 1 && found.stores.size() + found.unreachable.size() <= 1);
  for (const auto& [path, error] : found.unreachable) TRY(summary.add(path, error));
  for (const std::string& path : found.stores) {
    const Result<Examined> examined = examine_and_mend(context, options, runtime, path);
    if (examined)
      summary.add(*examined);
    else
      TRY(summary.add(path, examined.error()));
  }
  for (const std::string& path : found.others) {
    const Result<std::optional<Examined>> examined = examine_published(context, path);
    if (!examined)
      TRY(summary.add(path, examined.error()));
    else if (*examined)
      summary.add(**examined);
  }
  return summary.deliver();
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
                    "Leave damage behind: what is intact is kept, what is not is set aside");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_doctor(context, *options); }; });
}

}  // namespace lockstep::cli
