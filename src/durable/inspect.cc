#include "durable/inspect.h"

#include <algorithm>
#include <cerrno>

#include "base/shell.h"
#include "durable/damage.h"
#include "durable/lock.h"
#include "durable/secret_files.h"
#include "durable/set_aside.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

std::string_view type_name(fs::FileType type) {
  switch (type) {
    case fs::FileType::regular: return "a regular file";
    case fs::FileType::directory: return "a directory";
    case fs::FileType::symlink: return "a symbolic link";
    case fs::FileType::other: return "a FIFO, a socket or a device";
  }
  return "something else";
}

std::string move_away(const std::string& path) {
  return "look at it, then move it away: mv " + shell_word(path) + " /ELSEWHERE";
}

class Inspection {
 public:
  Inspection(fs::Directory& store, fs::Directory& control, StoreReport* report)
      : store_(store), control_(control), report_(report), repair_(repair_command(store.path())) {}

  Status run() {
    const std::vector<fs::DirectoryEntry> entries = TRY(control_.list());
    list_generations(entries);
    live_ = pointer(kCurrentPointer);
    pending_ = pointer(kPendingPointer);
    check_current();
    check_pending();
    check_history();
    return check_entries(entries);
  }

 private:
  void add(FindingKind kind, std::string path, std::string what, std::string hint) {
    report_->edited = report_->edited || kind == FindingKind::edited;
    report_->findings.push_back({kind, std::move(path), std::move(what), std::move(hint)});
  }
  void add(const Error& error, std::string path) {
    report_->findings.push_back(finding_of(error, std::move(path), repair_));
  }
  std::string control_path(const std::string& name) { return fs::join_path(control_.path(), name); }

  void list_generations(const std::vector<fs::DirectoryEntry>& entries) {
    for (const fs::DirectoryEntry& entry : entries) {
      const auto generation = parse_generation_name(entry.name);
      if (generation) report_->history.push_back(*generation);
    }
    std::sort(report_->history.begin(), report_->history.end());
  }

  std::optional<Generation> pointer(const char* name) {
    auto generation = read_pointer(control_, name);
    if (generation) return *generation;
    pointer_wrong_ = true;
    add(generation.error(), control_path(name));
    return std::nullopt;
  }

  void check_history() {
    const auto text = fs::read_file(control_, kHistoryFile, kHistoryLimit);
    if (!text && text.error().system_errno == ENOENT) return;
    const auto history = text ? parse_history(*text, control_path(kHistoryFile)) : Result<History>(fail(text.error()));
    if (history)
      known_.insert(known_.end(), history->kept.begin(), history->kept.end());
    else
      add(history.error(), control_path(kHistoryFile));
  }

  void check_current() {
    if (!live_) {
      const bool committed = fs::entry_exists(control_, kHistoryFile).value_or(false) || report_->history.size() > 1;
      if (committed && !pointer_wrong_)
        add(FindingKind::damage, control_path(kCurrentPointer), "the pointer to the live generation is missing",
            repair_);
      known_is_complete_ = !committed && !pointer_wrong_;
      return;
    }
    report_->current = *live_;
    const std::string path = control_path(generation_name(*live_));
    const auto snapshot = open(*live_);
    if (!snapshot) return add(snapshot.error(), path);
    report_->kind = snapshot->manifest().kind;
    known_ = snapshot->manifest().history;
    known_is_complete_ = true;
    check_members(*snapshot);
    check_names(snapshot->manifest());
  }

  // Says what stands there where it is no directory: the errno alone would leave a person guessing.
  Result<Snapshot> open(Generation generation) {
    auto snapshot = Snapshot::open_generation(control_, generation);
    if (snapshot || !is_damage(snapshot.error())) return snapshot;
    const std::string name = generation_name(generation);
    const auto stat = control_.stat_entry(name);
    if (!stat || stat->type == fs::FileType::directory) return snapshot;
    return fail(ErrorCode::damaged,
                "it is " + std::string(type_name(stat->type)) + " where the directory of the generation belongs");
  }

  void check_pending() {
    if (!pending_) return;
    const auto snapshot = open(*pending_);
    const Status intact = snapshot ? snapshot->verify() : Status(fail(snapshot.error()));
    if (intact) return;
    Error error = intact.error();
    add(std::move(error).with_context("the generation that is to become live next"), control_path(kPendingPointer));
  }

  void check_members(const Snapshot& snapshot) {
    for (const ManifestMember& member : snapshot.manifest().members) {
      const std::string path = fs::join_path(snapshot.path(), member.name);
      const auto stat = snapshot.stat_member(member.name);
      if (!stat && stat.error().system_errno != ENOENT) {
        add(stat.error(), path);
      } else if (!stat) {
        add_edit(path, "the file is missing");
      } else if (stat->type != fs::FileType::regular) {
        add(FindingKind::damage, path, "it is " + std::string(type_name(stat->type)) + " where a file was committed",
            repair_);
      } else {
        check_content(snapshot, member, *stat);
      }
    }
  }

  void check_content(const Snapshot& snapshot, const ManifestMember& member, const fs::Stat& stat) {
    const std::string path = fs::join_path(snapshot.path(), member.name);
    if (stat.size != member.size) {
      return add_edit(path, "it has " + std::to_string(stat.size) + " bytes where " + std::to_string(member.size) +
                                " were committed");
    }
    const Status content = snapshot.verify_member(member.name);
    if (!content && content.error().code == ErrorCode::edited_by_hand)
      return add_edit(path, "its content is not what was committed (another SHA-256)");
    if (!content) return add(content.error(), path);
    if (stat.mode != member.mode) {
      add(FindingKind::note, path,
          "its mode is " + octal_mode(stat.mode) + " where " + octal_mode(member.mode) + " was committed",
          "chmod " + octal_mode(member.mode) + " " + shell_word(path));
    }
    if (stat.uid != member.uid || stat.gid != member.gid) {
      const auto owner = [](std::uint32_t uid, std::uint32_t gid) {
        return std::to_string(uid) + ":" + std::to_string(gid);
      };
      add(FindingKind::note, path,
          "its owner is " + owner(stat.uid, stat.gid) + " where it was " + owner(member.uid, member.gid),
          "chown " + owner(member.uid, member.gid) + " " + shell_word(path));
    }
  }

  // Whether it is an edit that makes sense only the store's owner can say.
  void add_edit(const std::string& path, const std::string& what) {
    add(FindingKind::edited, path, what,
        "put the old content back, or run: lockstep doctor --adopt " + shell_word(store_.path()));
  }

  void check_names(const Manifest& manifest) {
    const std::string recover = "lockstep recover " + shell_word(store_.path());
    const auto names = examine_stable_names(store_, manifest);
    if (!names) return add(names.error(), store_.path());
    for (const std::string& name : names->missing)
      add(FindingKind::leftover, fs::join_path(store_.path(), name),
          "the link is missing; the next command makes it again", recover);
    for (const std::string& name : names->stale)
      add(FindingKind::leftover, fs::join_path(store_.path(), name),
          "a link to a member that is no more; the next command removes it", recover);
    for (const std::string& name : names->replaced) add_replaced(name, recover);
    for (const std::string& name : names->foreign) add_foreign(name, recover);
  }

  void add_replaced(const std::string& name, const std::string& recover) {
    const std::string path = fs::join_path(store_.path(), name);
    add(FindingKind::edited, path,
        "it is a regular file where the store keeps a link: an editor replaced it, or it is mounted there",
        "take it over: lockstep doctor --adopt " + shell_word(store_.path()) + "; or move it away, then: " + recover);
  }

  void add_foreign(const std::string& name, const std::string& recover) {
    const std::string path = fs::join_path(store_.path(), name);
    const auto stat = store_.stat_entry(name);
    if (!stat) return add(stat.error(), path);
    const bool is_link = stat->type == fs::FileType::symlink;
    const std::string target = is_link ? store_.read_symlink(name).value_or("?") : "";
    add(FindingKind::damage, path,
        is_link ? "it is a link to '" + target + "', not the store's link to its current generation"
                : "it is " + std::string(type_name(stat->type)) + " where the store keeps a link",
        stat->type == fs::FileType::directory ? move_away(path) + "; then: " + recover : repair_);
  }

  Status check_entries(const std::vector<fs::DirectoryEntry>& entries) {
    for (const fs::DirectoryEntry& entry : entries) {
      const std::string path = control_path(entry.name);
      const auto generation = parse_generation_name(entry.name);
      if (is_set_aside_name(entry.name)) {
        add(FindingKind::note, path, "a repair set it aside", "look at it, then remove it: rm -r " + shell_word(path));
      } else if (!is_name_of_ours(entry.name)) {
        add(FindingKind::note, path, "nothing that a store makes has this name", move_away(path));
      } else if (!TRY(is_what_its_name_says(entry.name))) {
        const bool in_use = generation && generation == live_;
        if (in_use && names_something_in(path)) continue;
        const bool by_hand = in_use || entry.name == kLockFile;
        add(FindingKind::damage, path, "it is not what the store makes under this name",
            by_hand ? move_away(path) : repair_);
      } else if (temporary_owner(entry.name)) {
        add(FindingKind::leftover, path, "a temporary that a crash left; the next command removes it",
            "lockstep recover " + shell_word(store_.path()));
      } else if (generation && generation != live_ && generation != pending_) {
        check_older(*generation);
      }
    }
    return {};
  }

  void check_kept(Generation generation, const Result<Snapshot>& snapshot) {
    const std::string path = control_path(generation_name(generation));
    // A power cut may take back the new name that the collector gave it and not the removal of its files.
    if (lacks_files(generation, snapshot)) {
      return add(FindingKind::note, path,
                 "a kept generation lacks files: nothing can go back to it, and a collector removes the rest", {});
    }
    const Status intact = snapshot ? snapshot->verify() : Status(fail(snapshot.error()));
    if (intact) return;
    Error error = intact.error();
    add(std::move(error).with_context("a kept generation is damaged"), path);
  }

  bool lacks_files(Generation generation, const Result<Snapshot>& snapshot) {
    if (snapshot) {
      return std::ranges::any_of(snapshot->manifest().members, [&](const ManifestMember& member) {
        const auto stat = snapshot->stat_member(member.name);
        return !stat && stat.error().system_errno == ENOENT;
      });
    }
    const auto directory = control_.open_directory(generation_name(generation));
    return directory && !fs::entry_exists(**directory, kManifestFile).value_or(true);
  }

  void check_older(Generation generation) {
    const std::string path = control_path(generation_name(generation));
    const bool kept = std::find(known_.begin(), known_.end(), generation) != known_.end();
    const auto snapshot = open(generation);
    if (kept) return check_kept(generation, snapshot);
    if (!known_is_complete_) return;
    if (is_foreign_generation(control_, generation, report_->kind).value_or(false)) {
      return add(FindingKind::damage, path,
                 "its manifest is that of another generation or of another store: a copy, or moved here", repair_);
    }
    add(FindingKind::leftover, path, "a generation that never became live; the next command removes it",
        "lockstep recover " + shell_word(store_.path()));
  }

  // The generation itself or a member of it was named already.
  [[nodiscard]] bool names_something_in(const std::string& path) const {
    return std::ranges::any_of(report_->findings, [&](const Finding& found) { return found.path.starts_with(path); });
  }

  static bool is_name_of_ours(const std::string& name) {
    for (const char* ours : {kLockFile, kCurrentPointer, kPendingPointer, kHistoryFile, kDraftDirectory})
      if (name == ours) return true;
    return parse_generation_name(name) || temporary_owner(name);
  }

  Result<bool> is_what_its_name_says(const std::string& name) {
    const fs::FileType type = TRY(control_.stat_entry(name)).type;
    if (name == kLockFile) return type == fs::FileType::regular;
    if (name == kDraftDirectory) return type == fs::FileType::directory;
    if (parse_generation_name(name)) return holds_files_alone(control_, name);
    if (!temporary_owner(name)) return true;
    return type == fs::FileType::directory ? holds_files_alone(control_, name) : type != fs::FileType::other;
  }

  fs::Directory& store_;
  fs::Directory& control_;
  StoreReport* report_;
  std::string repair_;
  std::optional<Generation> live_, pending_;
  bool pointer_wrong_ = false;      // one of them is no pointer
  std::vector<Generation> known_;   // generations that are kept
  bool known_is_complete_ = false;  // what is not among them goes
};

}  // namespace

std::string_view finding_kind_name(FindingKind kind) {
  switch (kind) {
    case FindingKind::damage: return "damage";
    case FindingKind::unreadable: return "unreadable";
    case FindingKind::edited: return "edited";
    case FindingKind::leftover: return "leftover";
    case FindingKind::note: return "note";
  }
  return "damage";
}

Finding finding_of(const Error& error, std::string path, std::string hint) {
  if (is_damage(error)) return {FindingKind::damage, std::move(path), error.message, std::move(hint)};
  return {FindingKind::unreadable, std::move(path), error.message, error.hint};
}

std::string repair_command(const std::string& store_path) {
  return "lockstep doctor --repair " + shell_word(store_path);
}

bool StoreReport::has(FindingKind finding_kind) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.kind == finding_kind; });
}

bool StoreReport::damaged() const { return has(FindingKind::damage) || has(FindingKind::edited); }

namespace {

StoreReport without_control(const std::string& path, const Error& error) {
  StoreReport report;
  report.path = path;
  report.findings.push_back(
      {FindingKind::damage, fs::join_path(path, kControlDirectory),
       error.system_errno == ENOENT
           ? "it is missing, and with it every generation, though names that lead into it are left"
           : "it is not the directory that holds the generations",
       "restore the whole of " + shell_word(path) + " from a backup"});
  return report;
}

}  // namespace

Result<StoreReport> inspect_store(Runtime& runtime, const std::string& path) {
  const std::string absolute = TRY(runtime.files.absolute_path(path));
  const std::unique_ptr<fs::Directory> store = TRY(runtime.files.open_directory(absolute));
  auto opened = store->open_directory(kControlDirectory);
  if (!opened && is_damage(opened.error())) {
    bool was_store = opened.error().system_errno != ENOENT;
    if (!was_store) was_store = TRY(has_stable_names(*store));
    // Its first writer may have come between the two looks.
    opened = store->open_directory(kControlDirectory);
    if (!opened && was_store && is_damage(opened.error())) return without_control(absolute, opened.error());
  }
  if (!opened) return fail(std::move(opened).error());
  const std::unique_ptr<fs::Directory> control = std::move(*opened);
  for (;;) {
    StoreReport report;
    report.path = absolute;
    const auto lock = lock_file_shared(runtime, *control, kLockFile);
    // Without the lock a writer's unfinished work would be taken for left-overs, and what it replaces for damage.
    if (!lock && lock.error().code == ErrorCode::lock_timeout) return fail(lock.error());
    if (!lock)
      report.findings.push_back({FindingKind::note, fs::join_path(control->path(), kLockFile),
                                 "looked at without keeping writers out: " + lock.error().message, lock.error().hint});
    TRY(Inspection(*store, *control, &report).run());
    const bool nobody_could_lock = lock && *lock == nullptr;
    if (!nobody_could_lock || !TRY(fs::entry_exists(*control, kLockFile))) return report;
    // The first writer has come meanwhile: look again, without it.
  }
}

Result<std::unique_ptr<fs::File>> keep_writers_out(Runtime& runtime, const std::string& path) {
  const std::string absolute = TRY(runtime.files.absolute_path(path));
  const std::unique_ptr<fs::Directory> store = TRY(runtime.files.open_directory(absolute));
  const std::unique_ptr<fs::Directory> control = TRY(store->open_directory(kControlDirectory));
  return lock_file_shared(runtime, *control, kLockFile);
}

Result<bool> needs_recovery(fs::FileSystem& files, const std::string& path) {
  const std::unique_ptr<fs::Directory> store = TRY(files.open_directory(path));
  const std::unique_ptr<fs::Directory> control = TRY(store->open_directory(kControlDirectory));
  StoreReport report;
  const std::vector<fs::DirectoryEntry> entries = TRY(control->list());
  const Snapshot snapshot = TRY(Snapshot::open(files, path));
  const StableNames names = TRY(examine_stable_names(*store, snapshot.manifest()));
  if (!names.missing.empty() || !names.stale.empty() || !names.replaced.empty() || !names.foreign.empty()) return true;
  return std::any_of(entries.begin(), entries.end(),
                     [](const auto& entry) { return temporary_owner(entry.name).has_value(); });
}

}  // namespace lockstep::durable
