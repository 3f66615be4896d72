// The commit of a generation store: build a complete generation, make it durable, swap ONE pointer.
#include <algorithm>
#include <cerrno>

#include "durable/file_attributes.h"
#include "durable/generation_store.h"
#include "durable/member_file_sink.h"
#include "durable/temporary.h"
#include "durable/unsynced_files.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::uint32_t kDefaultMemberMode = 0644;

}  // namespace

Result<Generation> StoreWriter::commit(const Change& change) {
  const bool first = !live_ && !current_;
  const bool over_an_edit = current_edited_;
  const Generation generation = TRY(build(change));
  const Generation live = TRY(go_live(generation));
  if (options_.group) {
    // A folder that was made for another group, or for none. The generation itself has the group already.
    for (fs::Directory* directory : {store_.get(), control_.get()}) {
      const Status changed = set_directory_attributes(*directory);
      static_cast<void>(changed);
    }
  }
  if (first || over_an_edit) {
    // Proof that something was committed, so that a lost pointer is never taken for a first commit that was cut off;
    // and a generation that was edited is no longer kept. The commit stands without it.
    const Status recorded = record_history();
    static_cast<void>(recorded);
  }
  return live;
}

Result<Generation> StoreWriter::stage_pending(const Change& change) {
  const Generation generation = TRY(build(change));
  Status swapped = swap_pointer(kPendingPointer, generation);
  if (!swapped) {
    if (swapped.error().code != ErrorCode::commit_uncertain)
      discard_build(generation);
    else
      pending_ = generation;  // visible; whoever gives up takes it back with discard_pending()
    return fail(std::move(swapped).error());
  }
  const std::optional<Generation> before = pending_;
  empty_ = false;
  pending_ = generation;
  highest_ = std::max(highest_, generation);
  if (before && !std::binary_search(history_.begin(), history_.end(), *before)) {
    const Status removed = remove_generation(*before);  // the next writer sweeps it otherwise
    static_cast<void>(removed);
  }
  return generation;
}

Result<Generation> StoreWriter::promote_pending() {
  if (!pending_) return fail(ErrorCode::not_found, "no pending generation in '" + store_->path() + "'");
  const Generation generation = *pending_;
  const Snapshot snapshot = TRY(Snapshot::open_generation(*control_, generation));
  TRY(snapshot.verify());
  // Its manifest was written before whatever was committed since: the record keeps those generations and their numbers.
  // Without them there is nothing to record before it, and the record would say that a pointer was lost.
  const bool first = !live_;
  auto promoted = first ? go_live(generation) : go_live_recorded(generation);
  const Generation live = TRY(std::move(promoted));
  pending_.reset();
  if (first) {
    const Status recorded = record_history();  // the commit stands without it
    static_cast<void>(recorded);
  }
  // The commit stands; a pointer that cannot be removed now is removed by the next writer.
  if (control_->remove_file(kPendingPointer)) {
    const Status synced = control_->sync();
    static_cast<void>(synced);
  }
  return live;
}

Status StoreWriter::discard_pending() {
  if (!pending_) return {};
  TRY(control_->remove_file(kPendingPointer));
  TRY(control_->sync());
  const Generation generation = *pending_;
  pending_.reset();
  if (std::binary_search(history_.begin(), history_.end(), generation)) return {};
  return remove_generation(generation);
}

Result<Generation> StoreWriter::build(const Change& change) {
  const Generation generation = highest_ + 1;
  Status filled = fill_generation(change, generation);
  if (!filled) {
    discard_build(generation);
    return fail(std::move(filled).error());
  }
  return generation;
}

Status StoreWriter::fill_generation(const Change& change, Generation generation) {
  const std::string name = generation_name(generation);
  TRY(control_->make_directory(name, 0700));
  const std::unique_ptr<fs::Directory> directory = TRY(control_->open_directory(name));
  UnsyncedFiles unsynced;

  Manifest manifest{.kind = options_.kind,
                    .generation = generation,
                    .parent = current_ ? current_->generation() : 0,
                    .highest = generation,
                    .history = history_,
                    .created_at = runtime_->clock.now(),
                    .members = {}};
  // A generation that a person edited is no state to go back to.
  if (current_edited_) std::erase(manifest.history, current_->generation());
  if (current_) {
    for (const ManifestMember& member : current_->manifest().members) {
      const MemberChange* changed = change.find(member.name);
      if (changed != nullptr && !changed->write) continue;
      manifest.members.push_back(TRY(write_member(*directory, unsynced, member.name, changed)));
    }
  }
  for (const MemberChange& added : change.members()) {
    if (!added.write || (current_ && current_->has(added.name))) continue;
    manifest.members.push_back(TRY(write_member(*directory, unsynced, added.name, &added)));
  }
  const MemberChange manifest_file{kManifestFile,
                                   [&](MemberSink& sink) { return sink.write(encode_manifest(manifest)); }, 0644};
  TRY(write_member(*directory, unsynced, kManifestFile, &manifest_file));

  if (options_.group) {
    const fs::Stat stat = TRY(directory->stat());
    if (stat.gid != *options_.group) TRY(directory->change_owner(stat.uid, *options_.group));
  }
  TRY(directory->change_mode(options_.directory_mode));
  TRY(unsynced.sync());
  if (change.companion_sync()) TRY(change.companion_sync()());
  TRY(directory->sync());   // the members' names: their fsyncs did not cover them
  return control_->sync();  // the generation's own name
}

Result<ManifestMember> StoreWriter::write_member(fs::Directory& directory, UnsyncedFiles& unsynced,
                                                 const std::string& name, const MemberChange* change) {
  const ManifestMember* before = current_ ? current_->manifest().find(name) : nullptr;
  std::unique_ptr<fs::File> file = TRY(directory.open_file(name, fs::OpenMode::create_exclusive, 0600));
  MemberFileSink sink(*file, directory.path(), name, before != nullptr ? &*current_ : nullptr);
  if (change != nullptr) {
    TRY(change->write(sink));
    // A new content must not wipe out an edit that nobody has looked at.
    if (before != nullptr && !edits_expected_ && !sink.parent_checked()) TRY(current_->verify_member(name));
  } else {
    TRY(sink.copy_unchanged());
  }

  FileAttributes attributes;
  if (before != nullptr) {
    // Labels and access lists follow the member from generation to generation.
    const auto source = current_->open_member(name);
    const bool is_gone = !source && source.error().code == ErrorCode::edited_by_hand;
    if (source)
      attributes = TRY(read_attributes(**source));
    else if (is_gone && change != nullptr && edits_expected_)
      attributes.mode = before->mode;  // somebody removed it, to have it made again
    else
      return fail(source.error());
  }
  if (change != nullptr && change->mode) attributes.mode = change->mode;
  if (!attributes.mode) attributes.mode = kDefaultMemberMode;
  if (options_.group) attributes.gid = options_.group;
  TRY(apply_attributes(*file, attributes));
  const fs::Stat stat = TRY(file->stat());
  TRY(unsynced.add(std::move(file)));
  return ManifestMember{.name = name,
                        .size = stat.size,
                        .sha256 = sink.finish_hex(),
                        .mode = stat.mode,
                        .uid = stat.uid,
                        .gid = stat.gid};
}

Status StoreWriter::swap_pointer(const char* pointer, Generation generation) {
  const std::string temporary = temporary_name(runtime_->random, pointer);
  TRY(control_->make_symlink(generation_name(generation), temporary));
  Status renamed = control_->rename(temporary, *control_, pointer);  // COMMIT POINT
  if (!renamed) {
    const Status removed = control_->remove_file(temporary);
    if (!removed) return fail(std::move(renamed).error().with_hint("left behind: " + removed.error().message));
    return renamed;
  }
  Status synced = control_->sync();
  if (!synced) {
    // Never again on the same directory: the kernel has marked it clean, and a second fsync would say OK.
    return fail(ErrorCode::commit_uncertain,
                "the change to '" + store_->path() +
                    "' is in place, but it is not known whether it survives a power cut: " + synced.error().message,
                "look at the disk; both outcomes are complete states");
  }
  return {};
}

Result<Generation> StoreWriter::go_live(Generation generation) {
  const bool was_pending = pending_ == generation;
  Result<Snapshot> next = Snapshot::open_generation(*control_, generation);
  const auto abandon = [&](Error error) {
    next = fail(ErrorCode::internal, "let go");  // its lock would keep the generation from being removed
    const Status removed = remove_stable_names(*store_, new_names_);
    if (removed && !new_names_.empty()) {
      const Status synced = store_->sync();
      static_cast<void>(synced);
    }
    new_names_.clear();
    const bool kept = std::binary_search(history_.begin(), history_.end(), generation);
    if (!was_pending && !kept) discard_build(generation);
    return fail(std::move(error));
  };

  if (!next) return abandon(next.error());
  auto names = examine_stable_names(*store_, next->manifest());
  if (!names) return abandon(std::move(names).error());
  // A repair puts the links back when the generation that they lead to is live.
  if (!names->foreign.empty() && !repairing_) return abandon(stable_name_error(*store_, names->foreign.front(), false));
  // A regular file in the way of a name that the store did not have yet is somebody else's. One that replaced a link is
  // taken over by this commit, or opening the store would have refused it.
  for (const std::string& name : names->replaced) {
    if (!repairing_ && (!current_ || !current_->has(name))) return abandon(stable_name_error(*store_, name, false));
  }
  if (!names->missing.empty()) {
    // Dangling until the pointer moves: then they appear at once.
    Status made = create_stable_names(*store_, names->missing);
    if (!made) return abandon(std::move(made).error());
    new_names_ = names->missing;
    Status synced = store_->sync();
    if (!synced) return abandon(std::move(synced).error());
  }
  Status swapped = swap_pointer(kCurrentPointer, generation);
  if (!swapped && swapped.error().code != ErrorCode::commit_uncertain) return abandon(std::move(swapped).error());

  new_names_.clear();
  empty_ = false;
  live_ = generation;
  highest_ = std::max(highest_, generation);
  if (current_edited_) std::erase(history_, current_->generation());
  current_edited_ = false;
  if (!std::binary_search(history_.begin(), history_.end(), generation)) {
    history_.insert(std::upper_bound(history_.begin(), history_.end(), generation), generation);
  }
  // Links to members that this generation does not have; left to the next writer when it fails.
  const Status tidied = remove_stable_names(*store_, names->stale);
  static_cast<void>(tidied);
  current_.emplace(std::move(*next));
  if (!swapped) return fail(std::move(swapped).error());
  return generation;
}

Result<Generation> StoreWriter::roll_back(std::optional<Generation> to) {
  if (!options_.may_roll_back) {
    return fail(ErrorCode::invalid_argument,
                "'" + store_->path() + "' never goes back to an older state: numbers given out would be given again");
  }
  if (!live_) return fail(ErrorCode::not_found, "nothing was ever committed to '" + store_->path() + "'");
  if (!to) {
    const auto older = std::lower_bound(history_.begin(), history_.end(), *live_);
    if (older == history_.begin()) {
      return fail(ErrorCode::not_found, "there is no older generation of '" + store_->path() + "' to go back to");
    }
    to = *std::prev(older);
  }
  if (to == live_) {
    return fail(ErrorCode::invalid_argument, "generation " + std::to_string(*to) + " is the current one already");
  }
  if (!std::binary_search(history_.begin(), history_.end(), *to)) {
    return fail(ErrorCode::not_found,
                "generation " + std::to_string(*to) + " of '" + store_->path() + "' is not there any more");
  }
  return make_live(*to);
}

Result<Generation> StoreWriter::make_live(Generation generation) {
  {
    const Snapshot snapshot = TRY(Snapshot::open_generation(*control_, generation));
    TRY(snapshot.verify());
  }
  // The older manifest knows nothing of the younger generations: without the record they would be swept, and their
  // numbers given again.
  return go_live_recorded(generation);
}

Status StoreWriter::collect() {
  const UnixSeconds now = runtime_->clock.now();
  // The newest ones stay, also when an older one cannot go.
  const std::size_t newest = std::max<std::size_t>(options_.keep.generations, 1);
  const std::size_t most = std::max(options_.keep.most, newest);
  for (std::size_t i = 0; i + newest < history_.size();) {
    const Generation generation = history_[i];
    if (generation == live_ || generation == pending_) {
      ++i;
      continue;
    }
    if (history_.size() <= most) {
      // It was live until its successor was made.
      auto successor = Snapshot::open_generation(*control_, history_[i + 1]);
      if (!successor || successor->manifest().created_at + options_.keep.seconds > now) return {};
    }
    TRY(remove_generation(generation));
    if (history_[i] == generation) ++i;  // pinned by a reader
  }
  return {};
}

Status StoreWriter::forget_newer() {
  const std::vector<Generation> all = history_;
  for (const Generation generation : all) {
    if (generation > live_.value_or(generation) && generation != pending_) TRY(remove_generation(generation));
  }
  return history_.size() == all.size() ? Status() : record_history();
}

Status StoreWriter::remove_generation(Generation generation) {
  const std::string name = generation_name(generation);
  // Not what somebody put there under a generation's name; the doctor names it.
  const bool ours = TRY(holds_files_alone(*control_, name));
  if (!ours) return {};
  const std::unique_ptr<fs::Directory> directory = TRY(control_->open_directory(name));
  // Locked until it is gone: a reader that opened it and comes late to its own lock must not take it for pinned.
  const bool unused = TRY(directory->try_lock(fs::LockKind::exclusive));
  if (!unused) return {};  // a reader has it pinned: the next collection finds it
  // Under a temporary name first: a kept generation is never seen in pieces, and a crash leaves something to sweep.
  const std::string doomed = temporary_name(runtime_->random, name);
  TRY(control_->rename(name, *control_, doomed));
  std::erase(history_, generation);
  const std::vector<fs::DirectoryEntry> files = TRY(directory->list());
  for (const fs::DirectoryEntry& file : files) TRY(directory->remove_file(file.name));
  return control_->remove_directory(doomed);
}

void StoreWriter::discard_build(Generation generation) {
  // Runs where an error is already on its way: what cannot be removed now is under .lockstep, and the next writer
  // removes it.
  const Status removed = remove_generation(generation);
  static_cast<void>(removed);
}

}  // namespace lockstep::durable
