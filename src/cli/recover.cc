// lockstep recover: finishes or takes back what a crash cut off, at boot before anything reads the files.
#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/shell.h"
#include "ca/flat_ledger.h"
#include "cli/commands.h"
#include "cli/store_paths.h"
#include "device/state.h"
#include "device/storage.h"
#include "durable/inspect.h"
#include "durable/publish.h"
#include "fs/io.h"
#include "service/configuration_files.h"

namespace lockstep::cli {

namespace {

// A CA's files are its owner's: what another user made there its owner could not change again.
Status require_own(durable::Runtime& runtime, const std::string& path) {
  const fs::Stat stat = TRY(runtime.files.stat_path(path));
  const std::uint32_t user = runtime.files.effective_user();
  if (stat.type != fs::FileType::directory || stat.uid == user) return {};
  return fail(
      ErrorCode::permission_denied,
      "'" + path + "' is the CA of uid " + std::to_string(stat.uid) + ", not of you (uid " + std::to_string(user) + ")",
      "sudo -u '#" + std::to_string(stat.uid) + "' lockstep recover " + shell_word(path));
}

Result<std::string> recover_store(Context& context, durable::Runtime& runtime, const std::string& path) {
  const auto snapshot = durable::Snapshot::open(runtime.files, path);
  if (!snapshot && snapshot.error().code != ErrorCode::not_found) return fail(snapshot.error());
  if (!snapshot) {
    // A first commit that was cut off. Whose it was to be is not known, and does not matter to the clean-up; the key of
    // a CA that never was may be part of it.
    TRY(durable::StoreWriter::open(runtime, path, {}));
    return std::string("nothing was committed yet");
  }
  if (snapshot->manifest().kind == ca::kStoreKind) {
    TRY(require_own(runtime, path));
    // Opening it for writing also removes certificates that were never recorded.
    ca::FlatLedger ledger(runtime, path, [&](const std::string& text) { context.warn(text); });
    TRY(ledger.write());
    return std::string("recovered");
  }
  // Any other store (a certificate folder, an account, an identity): recovery is the same for all, and asks only whose
  // it is.
  durable::StoreOptions options;
  options.kind = snapshot->manifest().kind;
  TRY(durable::StoreWriter::open(runtime, path, options));
  return std::string("recovered");
}

using Record = std::function<void(const std::string& path, const Result<std::string>& result)>;

// Directories that are no stores, where publishes may have been cut off, and the files whose left-overs are removed
// there: others may be somebody else's. No files: everybody's.
struct Published {
  std::vector<std::string> directories;
  std::set<std::string> files;
};

// The status service's configuration, when a save was cut off there. Otherwise it is left alone: it is the service's,
// which may run as another user.
Result<std::optional<Published>> of_service(fs::FileSystem& files, const std::string& root) {
  const std::string path = fs::join_path(root, "service");
  const auto directory = files.open_directory(path);
  if (!directory) return std::optional<Published>();  // there is none, or it is no directory
  const std::vector<std::string> intents = TRY(durable::list_intents(**directory));
  if (intents.empty()) return std::optional<Published>();
  return std::optional(Published{{path}, {service::kServersFile, service::kLayoutFile}});
}

// The plain files that the devices of this root keep their identities in.
std::vector<Published> of_devices(Context& context, const std::string& root, const Record& record) {
  fs::FileSystem& files = context.environment().files;
  std::vector<Published> all;
  const auto names = device::list_devices(files, root);
  if (!names) return all;  // no such root, or none that is a directory: said where it is looked at for stores
  for (const std::string& name : *names) {
    const auto state = device::load_state(files, root, name);
    if (!state) record(device::state_path(root, name), fail(state.error()));
    if (!state || !state->enrolment || state->enrolment->cert.empty()) continue;
    Published one;
    for (const std::string& file : {state->enrolment->cert, state->enrolment->key}) {
      const std::string directory = fs::split_path(file).parent;
      // One that is gone has nothing to recover.
      if (files.stat_path(directory)) one.directories.push_back(directory);
    }
    one.files = device::file_storage_names(state->enrolment->cert, state->enrolment->key);
    if (!one.directories.empty()) all.push_back(std::move(one));
  }
  return all;
}

Result<int> run_recover(Context& context, const std::vector<std::string>& paths) {
  durable::Runtime runtime = TRY(context.runtime());
  const StorePaths found = TRY(store_paths(context, paths));
  if (paths.size() <= 1 && !found.unreachable.empty()) return fail(found.unreachable.front().second);
  bool failed = false;
  std::string text;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const auto record = [&](const std::string& path, const Result<std::string>& result) {
    failed = failed || !result;
    const Error error = result ? Error() : result.error();
    if (!result) context.warn(error.message + (error.hint.empty() ? "" : "\nHint: " + error.hint));
    text += printable(path) + ": " + (result ? *result : "failed") + "\n";
    list.push_back(
        {{"path", path}, {"result", result ? *result : "failed"}, {"error", error.message}, {"hint", error.hint}});
  };
  for (const auto& [path, error] : found.unreachable) record(path, fail(error));
  for (const std::string& path : found.stores) record(path, recover_store(context, runtime, path));
  // Those that were named all at once: what is staged in one may belong to a record in another.
  std::vector<Published> published;
  if (!found.others.empty()) published.push_back({found.others, {}});
  std::vector<std::string> roots = paths;
  if (roots.empty()) roots.push_back(TRY(context.root()));
  for (const std::string& root : roots) {
    std::ranges::move(of_devices(context, root, record), std::back_inserter(published));
    auto saved = of_service(runtime.files, root);
    if (!saved) record(fs::join_path(root, "service"), fail(saved.error()));
    if (saved && *saved) published.push_back(std::move(**saved));
  }
  for (const auto& [directories, files] : published) {
    const auto recovered = durable::recover_publishes(runtime, directories, files);
    if (!recovered) record(directories.front(), fail(recovered.error()));
    const durable::PublishRecovery done = recovered.value_or(durable::PublishRecovery());
    for (const std::string& file : done.completed) record(file, std::string("completed"));
    for (const std::string& file : done.restored) record(file, std::string("restored"));
    for (const std::string& file : done.edited) {
      record(file, fail(ErrorCode::edited_by_hand, "'" + file + "' was edited meanwhile and is left alone"));
    }
  }
  if (text.empty()) text = "Nothing to recover.\n";
  const Status delivered = context.deliver(text, {{"recovered", list}});
  if (!delivered && !list.empty()) {
    return fail(ErrorCode::committed_not_delivered,
                "what could be recovered is, but the report could not be printed: " + delivered.error().message,
                "run it again, or 'lockstep doctor', to see the state");
  }
  if (!delivered) return fail(delivered.error());
  return failed ? 1 : 0;
}

}  // namespace

void add_recover(CLI::App& program, Action* action) {
  const auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      add_command(program, "recover", "Finish or take back what a crash cut off", "lockstep recover ./ca-data");
  command->add_option(
      "path", *paths,
      "Stores, roots, or directories with stores or published files (default: the CA, the certificates, the "
      "identities of devices and the status service's configuration)");
  command->callback([paths, action] { *action = [paths](Context& context) { return run_recover(context, *paths); }; });
}

}  // namespace lockstep::cli
