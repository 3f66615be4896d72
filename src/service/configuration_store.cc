#include "service/configuration_store.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include "crypto/digest.h"
#include "durable/atomic_file.h"
#include "durable/file_attributes.h"
#include "durable/lock.h"
#include "durable/publish.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::service {

namespace {

constexpr const char* kLockFile = ".lock";
// A person's save is over in milliseconds; who saves on and on is told to try again.
constexpr int kTries = 50;
constexpr std::chrono::milliseconds kPause{10};
constexpr int kTransientTries = 5;

ConfigurationProblem problem_of(const Error& error) {
  const bool servers = error.message.starts_with(kServersFile);
  return {error.message, servers ? kServersFile : kLayoutFile};
}

// Why a file cannot be read, in words that strangers may see: its name without the path.
Error reading_error(const char* name, Error error) {
  std::string why;
  if (error.system_errno != 0) {
    why = std::string("cannot be read: ") + std::strerror(error.system_errno);
  } else {
    // "'PATH' is a directory"
    const std::size_t path_end = error.message.rfind("' ");
    why = path_end == std::string::npos ? "cannot be read" : error.message.substr(path_end + 2);
  }
  error.message = std::string(name) + ": " + why;
  return error;
}

bool is_transient(const Error& error) { return error.system_errno == EINTR || error.system_errno == EAGAIN; }

std::string checksum_of(const std::optional<std::string>& text) { return text ? crypto::sha256_hex(*text) : ""; }

// Once more for as long as a signal or a busy kernel is in the way; whatever else goes wrong is not asked again.
template <class Call>
auto retried(Call call) {
  for (int attempt = 1;; ++attempt) {
    auto result = call();
    if (result || !is_transient(result.error()) || attempt == kTransientTries) return result;
  }
}

Refusal damaged_on_disk(const ConfigurationProblem& problem) {
  return {412, "What is on disk cannot be used; correct it first: " + problem.message, {}};
}

}  // namespace

Result<std::unique_ptr<ConfigurationStore>> ConfigurationStore::open(durable::Runtime& runtime,
                                                                     const std::string& directory,
                                                                     StoreObserver observer) {
  auto store = std::unique_ptr<ConfigurationStore>(new ConfigurationStore(runtime, directory, std::move(observer)));
  TRY(store->find_directories());
  const auto recovered =
      TRY(retried([&] { return durable::recover_publishes(runtime, store->directories_, store->files_); }));
  for (const std::string& file : recovered.edited)
    store->warnings_.push_back("'" + file + "' was edited while a save was cut off: it stays as it is");
  TRY_CONTEXT(store->refresh(), directory);
  return store;
}

SnapshotPtr ConfigurationStore::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::optional<ConfigurationProblem> ConfigurationStore::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::vector<std::string> ConfigurationStore::directories() const { return directories_; }

std::string ConfigurationStore::path(const char* name) const { return fs::join_path(directory_, name); }

Status ConfigurationStore::find_directories() {
  std::set<std::string> found;
  const std::string own = TRY(runtime_.files.real_path(directory_));
  found.insert(own);
  for (const char* name : {kServersFile, kLayoutFile}) {
    const durable::ResolvedTarget target = TRY(durable::resolve_target(runtime_.files, path(name)));
    found.insert(target.directory);
    files_.insert(target.name);
  }
  directories_.assign(found.begin(), found.end());
  return {};
}

// A file as a save would make it, under a name that nobody looks at.
Status ConfigurationStore::rehearse(const char* name) {
  const durable::ResolvedTarget target = TRY(durable::resolve_target(runtime_.files, path(name)));
  const std::unique_ptr<fs::Directory> directory = TRY(runtime_.files.open_directory(target.directory));
  const auto file = directory->open_file(target.name, fs::OpenMode::read);
  if (!file) return {};  // there is nothing to keep; what else is wrong with it is said where it is read
  const durable::FileAttributes attributes = TRY(durable::read_attributes(**file));
  const durable::Temporary temporary = TRY(durable::create_temporary(runtime_, *directory, target.name));
  Status kept = durable::apply_attributes(*temporary.file, attributes);
  const Status removed = directory->remove_file(temporary.name);
  return kept ? removed : kept;
}

std::vector<std::string> ConfigurationStore::warnings() {
  const std::lock_guard writing(writing_);
  std::vector<std::string> warnings = warnings_;
  for (const char* name : {kServersFile, kLayoutFile}) {
    const Status rehearsed = rehearse(name);
    if (rehearsed) continue;
    warnings.push_back("changes to '" + path(name) +
                       "' cannot be saved with the owner and mode that it has: " + rehearsed.error().message);
  }
  return warnings;
}

Result<FileTexts> ConfigurationStore::read() {
  const auto one = [&](const char* name) -> Result<std::optional<std::string>> {
    const auto text = retried([&] { return fs::read_input(runtime_.files, path(name), kFileBytes); });
    if (text) return std::optional(*text);
    if (text.error().system_errno == ENOENT) return std::optional<std::string>();
    return fail(reading_error(name, text.error()));
  };
  FileTexts texts;
  texts.servers = TRY(one(kServersFile));
  texts.layout = TRY(one(kLayoutFile));
  if (texts.servers && texts.layout) return texts;
  // A missing file says that nothing is configured, a missing folder that something has happened to it.
  const auto directory = retried([&] { return runtime_.files.open_directory(directory_); });
  if (!directory) return fail(reading_error(texts.servers ? kLayoutFile : kServersFile, directory.error()));
  return texts;
}

void ConfigurationStore::put_in_force(SnapshotPtr snapshot, bool by_hand) {
  SnapshotPtr before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(current_, snapshot);
  }
  refused_.reset();
  if (observer_.changed) observer_.changed(*before, *snapshot, by_hand);
  set_problem(std::nullopt);
}

void ConfigurationStore::set_problem(std::optional<ConfigurationProblem> problem) {
  {
    const std::lock_guard lock(mutex_);
    const bool same =
        problem_.has_value() == problem.has_value() && (!problem || problem_->message == problem->message);
    problem_ = problem;
    if (same) return;
  }
  if (observer_.problem) observer_.problem(problem);
}

Result<bool> ConfigurationStore::take_over(bool announce) {
  auto texts = read();
  if (!texts) {
    refused_.reset();
    // What the system refuses is no save that somebody is in the middle of.
    const bool system = texts.error().system_errno != 0;
    if (announce || system) set_problem(problem_of(texts.error()));
    if (system) return fail(std::move(texts).error());
    return false;
  }
  if (*texts == current()->texts) {
    refused_.reset();
    set_problem(std::nullopt);
    return true;
  }
  if (refused_ == *texts) return false;
  auto parsed = parse_configuration(*texts);
  if (!parsed && !announce) return false;
  if (!parsed) {
    refused_ = std::move(*texts);
    set_problem(problem_of(parsed.error()));
    return false;
  }
  put_in_force(std::make_shared<const Snapshot>(Snapshot{std::move(*parsed), std::move(*texts)}), true);
  return true;
}

Status ConfigurationStore::refresh() {
  const std::lock_guard writing(writing_);
  TRY(take_over(true));
  return {};
}

Status ConfigurationStore::save(const Snapshot& before, const Applied& applied, const std::vector<Change>& changes) {
  const auto touched = [&](const char* kind) {
    return std::ranges::find(changes, kind, &Change::kind) != changes.end();
  };
  std::vector<durable::PublishFile> files;
  // The arrangement first: at no moment between the two renames does a group name a server that is gone.
  if (touched("group"))
    files.push_back({path(kLayoutFile), layout_text(applied.after), {}, checksum_of(before.texts.layout)});
  if (touched("server"))
    files.push_back({path(kServersFile), servers_text(applied.after), {}, checksum_of(before.texts.servers)});
  for (const durable::PublishFile& file : files) {
    if (file.content.size() > kFileBytes) return fail(ErrorCode::too_large, "the configuration would be too large");
  }
  FileTexts texts = before.texts;
  for (const durable::PublishFile& file : files)
    (file.path == path(kLayoutFile) ? texts.layout : texts.servers) = file.content;
  const auto read_back = [&](const durable::PublishFile& file, std::string_view content) -> Status {
    FileTexts staged = texts;
    (file.path == path(kLayoutFile) ? staged.layout : staged.servers) = std::string(content);
    TRY(parse_configuration(staged));
    return {};
  };
  Status saved;
  if (!files.empty()) {
    saved = retried([&] { return durable::publish(runtime_, files, {.keep_edits = true, .read_back = read_back}); });
  }
  if (!saved && saved.error().code != ErrorCode::commit_uncertain) return saved;
  if (observer_.info && saved) {
    for (const durable::PublishFile& file : files)
      observer_.info("saved '" + file.path + "' (" + std::to_string(file.content.size()) + " bytes)");
  }
  if (!saved) {
    // Its record may be all that there is of the change, and the fsync of that has failed: it is for the next save or
    // start to carry out. In force is what the files say.
    const auto now = read();
    if (now && *now == before.texts) return saved;
  }
  // What an edit leaves is what the file would be read as.
  put_in_force(std::make_shared<const Snapshot>(Snapshot{applied.after, std::move(texts)}), false);
  return saved;
}

Result<bool> ConfigurationStore::try_once(const Edit& edit, bool last, Saved* saved) {
  const std::unique_ptr<fs::Directory> directory = TRY(runtime_.files.open_directory(directory_));
  std::unique_ptr<fs::File> lock;
  while (!lock) lock = TRY(durable::lock_file(runtime_, *directory, kLockFile));
  const bool usable = TRY(take_over(last));
  if (!usable) {
    saved->refused = damaged_on_disk(problem().value_or(ConfigurationProblem{}));
    return false;
  }
  const SnapshotPtr before = current();
  EditResult edited = edit(before->configuration);
  if (!edited) {
    saved->refused = std::move(edited).error();
    return true;
  }
  saved->refused.reset();
  saved->changes = changes_between(before->configuration, edited->after);
  const Status done = save(*before, *edited, saved->changes);
  saved->applied = std::move(*edited);
  if (done) return true;
  if (done.error().code == ErrorCode::commit_uncertain && current() != before) {
    saved->uncertain = done.error();
    return true;
  }
  if (done.error().code != ErrorCode::edited_by_hand) return fail(done.error());
  saved->refused = Refusal{412, "Changed elsewhere", {}};
  return false;
}

Result<ConfigurationStore::Saved> ConfigurationStore::apply(const Edit& edit) {
  const std::lock_guard writing(writing_);
  Saved saved;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    // The file of somebody who is in the middle of saving it: it is whole in a moment, or it was wrong before.
    const bool known_bad = problem().has_value();
    const bool settled = TRY(retried([&] { return try_once(edit, attempt + 1 == kTries, &saved); }));
    if (settled || (known_bad && problem().has_value())) break;
    runtime_.clock.sleep_for(kPause);
  }
  return saved;
}

}  // namespace lockstep::service
