// Opening a generation store for writing: directories, lock, and recovery from whatever a crash left.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "durable/atomic_file.h"
#include "durable/damage.h"
#include "durable/generation_store.h"
#include "durable/lock.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

Result<std::unique_ptr<fs::Directory>> open_if_there(fs::Directory& parent, const std::string& name) {
  auto directory = parent.open_directory(name);
  if (!directory && directory.error().system_errno == ENOENT) return std::unique_ptr<fs::Directory>();
  return directory;
}

// A generation that the history lists or a pointer names.
bool contains(const std::vector<Generation>& sorted, Generation generation) {
  return std::binary_search(sorted.begin(), sorted.end(), generation);
}

}  // namespace

StoreWriter::StoreWriter(StoreWriter&&) noexcept = default;

StoreWriter::~StoreWriter() {
  if (control_ != nullptr && !live_ && !pending_ && (empty_ || lock_created_store_)) undo_creation();
}

Result<StoreWriter> StoreWriter::open(Runtime& runtime, const std::string& path, StoreOptions options,
                                      OpenFor purpose) {
  const std::string absolute = TRY(runtime.files.absolute_path(path));
  const auto deadline = runtime.clock.monotonic() + runtime.lock_timeout;
  for (;;) {
    StoreWriter writer(runtime, options);
    TRY(writer.open_directories(absolute));
    const bool locked = TRY(writer.take_lock());
    if (locked) {
      TRY(writer.recover(purpose));
      return writer;
    }
    // Another writer failed to make the store and took its directories away while we waited.
    if (runtime.clock.monotonic() > deadline) {
      return fail(ErrorCode::lock_timeout, "the store in '" + absolute + "' was taken away again and again");
    }
  }
}

Status StoreWriter::open_directories(const std::string& path) {
  // A group is to reach the store: what leads there is open to all to pass through.
  if (options_.group) TRY(created_.ensure(runtime_->files, fs::split_path(path).parent, 0755));
  TRY(created_.ensure(runtime_->files, path, options_.directory_mode));
  auto store = runtime_->files.open_directory(path);
  if (!store) {
    created_.remove(runtime_->files);
    return fail(std::move(store).error());
  }
  store_ = std::move(*store);
  return {};
}

// Made durable by the fsync that makes the directory's first entries durable.
Status StoreWriter::set_directory_attributes(fs::Directory& directory) const {
  if (options_.group) {
    const fs::Stat stat = TRY(directory.stat());
    if (stat.gid != *options_.group) TRY(directory.change_owner(stat.uid, *options_.group));
  }
  return directory.change_mode(options_.directory_mode);
}

Result<bool> StoreWriter::take_lock() {
  const auto attempt = [&]() -> Result<bool> {
    if (created_.any()) TRY(set_directory_attributes(*store_));
    Status made = store_->make_directory(kControlDirectory, 0700);
    if (!made && made.error().system_errno == ENOENT) return false;  // the store's directory was removed meanwhile
    if (!made && made.error().system_errno != EEXIST) return fail(std::move(made).error());
    lock_created_store_ = made.has_value();
    control_ = TRY(open_if_there(*store_, kControlDirectory));
    if (control_ == nullptr) return false;
    if (lock_created_store_) TRY(set_directory_attributes(*control_));
    auto lock = lock_file(*runtime_, *control_, kLockFile);
    if (!lock && lock.error().system_errno == ENOENT) return false;
    if (!lock) return fail(std::move(lock).error());
    lock_ = std::move(*lock);
    return lock_ != nullptr;
  };
  auto locked = attempt();
  if (!locked && control_ == nullptr) {
    // Only an empty directory goes: where somebody else is at work already, this fails.
    if (lock_created_store_) static_cast<void>(store_->remove_directory(kControlDirectory));
    created_.remove(runtime_->files);
  }
  return locked;
}

void StoreWriter::undo_creation() {
  // Runs where an error is already on its way: what cannot be removed now is removed by the next writer. Nothing goes
  // without the lock, and nothing that holds more than it.
  if (lock_ == nullptr) {
    auto lock = control_->open_file(kLockFile, fs::OpenMode::read);
    if (lock && !(*lock)->try_lock(fs::LockKind::exclusive).value_or(false)) return;
    if (lock) lock_ = std::move(*lock);
  }
  const auto entries = control_->list();
  if (!entries) return;
  for (const fs::DirectoryEntry& entry : *entries) {
    if (entry.name != kLockFile) return;
  }
  Status status = entries->empty() ? Status() : control_->remove_file(kLockFile);
  if (status) status = store_->remove_directory(kControlDirectory);
  if (status) status = store_->sync();
  if (status) created_.remove(runtime_->files);
}

Status StoreWriter::recover(OpenFor purpose) {
  TRY(load_pointers(purpose));
  TRY(load_history(purpose));
  TRY(sweep());
  return repair_names(purpose);
}

Status StoreWriter::load_pointers(OpenFor purpose) {
  repairing_ = purpose == OpenFor::repair;
  const auto tolerated = [this](const Error& error) { return repairing_ && is_damage(error); };
  auto live = read_pointer(*control_, kCurrentPointer);
  if (live)
    live_ = *live;
  else if (!tolerated(live.error()))
    return fail(std::move(live).error());
  pointer_wrong_ = !live;
  auto pending = read_pointer(*control_, kPendingPointer);
  if (pending)
    pending_ = *pending;
  else if (!tolerated(pending.error()))
    return fail(std::move(pending).error());
  if (!live_) return {};

  auto snapshot = Snapshot::open_generation(*control_, *live_);
  if (snapshot) {
    if (snapshot->manifest().kind != options_.kind) {
      return fail(ErrorCode::foreign_file, "'" + store_->path() + "' is a store of the kind '" +
                                               snapshot->manifest().kind + "', not '" + options_.kind + "'");
    }
    current_.emplace(std::move(*snapshot));
    if (purpose != OpenFor::change) {
      const bool whole = TRY(is_whole(current_->verify()));
      current_edited_ = !whole;
    }
  } else if (!tolerated(snapshot.error())) {
    return fail(std::move(snapshot).error());
  }
  // What it named was removed after its own removal, which was not durable.
  if (pending_ && !repairing_) {
    const std::unique_ptr<fs::Directory> there = TRY(open_if_there(*control_, generation_name(*pending_)));
    if (there == nullptr) {
      TRY(control_->remove_file(kPendingPointer));
      TRY(control_->sync());
      highest_ = *pending_;  // its number was given
      pending_.reset();
    }
  }
  // A promotion that was cut off after its commit point: the pending generation is live already.
  if (pending_ && pending_ == live_) {
    TRY(control_->remove_file(kPendingPointer));
    TRY(control_->sync());
    pending_.reset();
  }
  return {};
}

Status StoreWriter::load_history(OpenFor purpose) {
  edits_expected_ = purpose != OpenFor::change;
  std::set<Generation> kept;
  if (current_) {
    kept.insert(current_->manifest().history.begin(), current_->manifest().history.end());
    highest_ = std::max(highest_, current_->manifest().highest);
  }
  auto read = read_history();
  history_damaged_ = !read && repairing_ && is_damage(read.error());
  if (!read && !history_damaged_) return fail(std::move(read).error());
  const std::optional<std::string> text = history_damaged_ ? std::nullopt : *read;
  const std::string name = fs::join_path(control_->path(), kHistoryFile);
  const bool recorded = text.has_value() || history_damaged_;
  if (text) {
    const auto history = parse_history(*text, name);
    if (history) {
      kept.insert(history->kept.begin(), history->kept.end());
      highest_ = std::max(highest_, history->highest);
    } else if (purpose != OpenFor::repair) {
      return fail(history.error());
    } else {
      history_damaged_ = true;
    }
  }
  if (live_) kept.insert(*live_);

  const std::vector<Generation> on_disk = TRY(generations_on_disk());
  for (const Generation generation : on_disk) highest_ = std::max(highest_, generation);
  for (const auto& named : {live_, pending_}) highest_ = std::max(highest_, named.value_or(0));
  // Without `current`, one generation may be a first commit that never came to its end. More than that, or a record
  // that something was committed, means that the pointer was lost: sweeping would destroy the only copy.
  pointer_lost_ = !live_ && (recorded || on_disk.size() > 1 || pointer_wrong_);
  if (pointer_lost_ && purpose != OpenFor::repair) {
    return fail(ErrorCode::damaged,
                "'" + fs::join_path(control_->path(), kCurrentPointer) + "' is missing, though generations exist",
                "run 'lockstep doctor --repair'");
  }
  empty_ = !live_ && !pending_ && !pointer_lost_;
  // With nothing intact to say what is kept, everything is.
  if ((!current_ || history_damaged_) && purpose == OpenFor::repair) kept.insert(on_disk.begin(), on_disk.end());
  history_.assign(kept.begin(), kept.end());
  return {};
}

Result<std::vector<Generation>> StoreWriter::generations_on_disk() const {
  std::vector<Generation> found;
  const std::vector<fs::DirectoryEntry> entries = TRY(control_->list());
  for (const fs::DirectoryEntry& entry : entries) {
    const auto generation = parse_generation_name(entry.name);
    if (generation) found.push_back(*generation);
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

Status StoreWriter::sweep() {
  bool swept = false;
  TRY(sweep_temporaries(*control_, [](const std::string&) { return true; }));
  // Half-removed generations: renamed to a temporary name first, so that a kept one is never seen in pieces.
  std::vector<fs::DirectoryEntry> entries = TRY(control_->list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.type != fs::FileType::directory || !temporary_owner(entry.name)) continue;
    const bool ours = TRY(holds_files_alone(*control_, entry.name));
    if (ours) {
      const std::unique_ptr<fs::Directory> doomed = TRY(control_->open_directory(entry.name));
      const std::vector<fs::DirectoryEntry> files = TRY(doomed->list());
      for (const fs::DirectoryEntry& file : files) TRY(doomed->remove_file(file.name));
      TRY(control_->remove_directory(entry.name));
      swept = true;
    }
  }
  // With a damaged `current` nothing is known about what may go.
  if ((live_ && !current_) || pointer_lost_) return {};
  const std::vector<Generation> on_disk = TRY(generations_on_disk());
  for (const Generation generation : on_disk) {
    if (generation == pending_ || contains(history_, generation)) continue;
    // Somebody's copy is no left-over, and not ours to remove; the doctor names it.
    const bool ours = TRY(holds_files_alone(*control_, generation_name(generation)));
    if (!ours) continue;
    const bool foreign = TRY(is_foreign_generation(*control_, generation, options_.kind));
    if (foreign) continue;
    TRY(remove_generation(generation));
    swept = true;
  }
  // What is left of a first commit must be gone for good before the next generation is made: a crash that brought it
  // back beside that one would look like a store that lost its pointer.
  if (swept && !live_) TRY(control_->sync());
  std::erase_if(history_, [&](Generation generation) {
    return !std::binary_search(on_disk.begin(), on_disk.end(), generation, std::greater<>());
  });
  return {};
}

Status StoreWriter::repair_names(OpenFor purpose) {
  const Manifest nothing;
  if ((live_ && !current_) || pointer_lost_) return {};
  const StableNames names = TRY(examine_stable_names(*store_, current_ ? current_->manifest() : nothing));
  if (!names.foreign.empty() && purpose != OpenFor::repair) {
    return fail(stable_name_error(*store_, names.foreign.front(), false));
  }
  TRY(settle_replaced(names.replaced, purpose));
  if (names.missing.empty() && names.stale.empty()) return {};
  TRY(create_stable_names(*store_, names.missing));
  TRY(remove_stable_names(*store_, names.stale));
  return store_->sync();
}

Status StoreWriter::settle_replaced(const std::vector<std::string>& replaced, OpenFor purpose) {
  if (purpose == OpenFor::adopt || purpose == OpenFor::repair) return {};
  for (const std::string& name : replaced) {
    // An adoption that was cut off leaves the file beside a generation with the same content: finish it.
    if (!TRY(holds_what_is_live(name))) return fail(stable_name_error(*store_, name, true));
  }
  return put_links(replaced);
}

Result<bool> StoreWriter::holds_what_is_live(const std::string& name) const {
  const std::unique_ptr<fs::File> file = TRY(store_->open_file(name, fs::OpenMode::read));
  const fs::Stat stat = TRY(file->stat());
  const ManifestMember* member = current_->manifest().find(name);
  if (stat.size != member->size) return false;
  const std::string content = TRY(fs::read_all(*file, static_cast<std::size_t>(member->size)));
  const std::string committed = TRY(current_->read(name, static_cast<std::size_t>(member->size)));
  return content == committed;
}

Status StoreWriter::restore_replaced_names() {
  const StableNames names = TRY(examine_stable_names(*store_, current_->manifest()));
  return put_links(names.replaced);
}

Status StoreWriter::restore_names_of_copies() {
  const StableNames names = TRY(examine_stable_names(*store_, current_->manifest()));
  std::vector<std::string> copies;
  for (const std::string& name : names.replaced) {
    const bool copy = TRY(holds_what_is_live(name));
    if (copy) copies.push_back(name);
  }
  return put_links(copies);
}

Status StoreWriter::put_links(const std::vector<std::string>& replaced) {
  for (const std::string& name : replaced) {
    // Made where every writer sweeps: beside the name a crash would leave it for good.
    const std::string temporary = temporary_name(runtime_->random, name);
    TRY(control_->make_symlink(stable_target(name), temporary));
    Status renamed = control_->rename(temporary, *store_, name);
    if (!renamed) {
      const Status removed = control_->remove_file(temporary);
      if (!removed) return fail(std::move(renamed).error().with_hint("left behind: " + removed.error().message));
      return renamed;
    }
  }
  return replaced.empty() ? Status() : store_->sync();
}

Result<std::unique_ptr<fs::Directory>> StoreWriter::draft_directory() {
  Status made = control_->make_directory(kDraftDirectory, 0700);
  if (!made && made.error().system_errno != EEXIST) return fail(std::move(made).error());
  Status durable = made ? control_->sync() : Status();
  // A store that this writer made has no commit yet that would make the names above the draft durable.
  if (durable && empty_) durable = store_->sync();
  auto directory = control_->open_directory(kDraftDirectory);
  if (durable && directory) return directory;
  // Runs where an error is already on its way: an empty directory that stays is removed by the next writer.
  if (made) static_cast<void>(control_->remove_directory(kDraftDirectory));
  if (!durable) return fail(durable.error());
  return directory;
}

Result<std::optional<std::string>> StoreWriter::read_history() const {
  auto text = fs::read_file(*control_, kHistoryFile, kHistoryLimit);
  if (text) return std::optional<std::string>(std::move(*text));
  if (text.error().system_errno == ENOENT) return std::optional<std::string>();
  return fail(std::move(text).error());
}

Status StoreWriter::record_history() {
  const std::string text = encode_history({history_, highest_});
  if (!history_damaged_) {
    const std::optional<std::string> before = TRY(read_history());
    if (before == text) return {};
  }
  return atomic_write_in(*runtime_, *control_, kHistoryFile, text, {.mode = 0600});
}

void StoreWriter::restore_history(const std::optional<std::string>& before) {
  // Runs where an error is already on its way. A record that stays keeps more generations than it must, no fewer.
  Status status = before ? atomic_write_in(*runtime_, *control_, kHistoryFile, *before, {.mode = 0600})
                         : control_->remove_file(kHistoryFile);
  if (status && !before) status = control_->sync();
  static_cast<void>(status);
}

Result<Generation> StoreWriter::go_live_recorded(Generation generation) {
  const std::optional<std::string> before = TRY(read_history());
  Status recorded = record_history();
  if (!recorded) {
    restore_history(before);
    // The record is not the commit: whatever failed here, the store is as it was.
    if (recorded.error().code == ErrorCode::commit_uncertain) recorded.error().code = ErrorCode::io_error;
    return fail(std::move(recorded).error());
  }
  auto live = go_live(generation);
  if (!live && live.error().code != ErrorCode::commit_uncertain) restore_history(before);
  return live;
}

}  // namespace lockstep::durable
