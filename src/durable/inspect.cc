#include "durable/inspect.h"

#include <algorithm>
#include <cerrno>

#include "durable/lock.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::size_t kStoreLimit = 100'000;  // stores below one path

class Inspection {
 public:
  Inspection(fs::Directory& store, fs::Directory& control, StoreReport* report)
      : store_(store), control_(control), report_(report) {}

  Status run() {
    const std::vector<fs::DirectoryEntry> entries = TRY(control_.list());
    list_generations(entries);
    std::optional<Generation> live = pointer(kCurrentPointer);
    const std::optional<Generation> pending = pointer(kPendingPointer);
    check_current(live);
    check_pending(pending);
    check_history();
    return report_leftovers(entries, live, pending);
  }

 private:
  void add(FindingKind kind, std::string path, std::string message) {
    report_->findings.push_back({kind, std::move(path), std::move(message)});
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
    add(FindingKind::damage, control_path(name), generation.error().message);
    return std::nullopt;
  }

  void check_history() {
    const auto text = fs::read_file(control_, kHistoryFile, kHistoryLimit);
    if (!text && text.error().system_errno == ENOENT) return;
    const auto history = text ? parse_history(*text, control_path(kHistoryFile)) : Result<History>(fail(text.error()));
    if (history)
      known_.insert(known_.end(), history->kept.begin(), history->kept.end());
    else
      add(FindingKind::damage, control_path(kHistoryFile), history.error().message);
  }

  void check_current(std::optional<Generation> live) {
    if (!live) {
      const bool committed = fs::entry_exists(control_, kHistoryFile).value_or(false) || report_->history.size() > 1;
      if (committed)
        add(FindingKind::damage, control_path(kCurrentPointer), "the pointer to the live generation is missing");
      known_is_complete_ = !committed;
      return;
    }
    report_->current = *live;
    auto snapshot = Snapshot::open_generation(control_, *live);
    if (!snapshot) {
      add(FindingKind::damage, control_path(generation_name(*live)), snapshot.error().message);
      return;
    }
    report_->kind = snapshot->manifest().kind;
    known_ = snapshot->manifest().history;
    known_is_complete_ = true;
    check_members(*snapshot);
    check_names(snapshot->manifest());
  }

  void check_pending(std::optional<Generation> pending) {
    if (!pending) return;
    const auto snapshot = Snapshot::open_generation(control_, *pending);
    const Status intact = snapshot ? snapshot->verify() : Status(fail(snapshot.error()));
    if (!intact) add(FindingKind::damage, control_path(kPendingPointer), intact.error().message);
  }

  void check_members(const Snapshot& snapshot) {
    for (const ManifestMember& member : snapshot.manifest().members) {
      const std::string path = fs::join_path(snapshot.path(), member.name);
      const Status content = snapshot.read_pieces(member.name, [](std::string_view) { return Status(); });
      if (!content) {
        const bool edited = content.error().code == ErrorCode::edited_by_hand;
        add(edited ? FindingKind::edited : FindingKind::damage, path, content.error().message);
        continue;
      }
      const auto file = snapshot.open_member(member.name);
      const auto stat = file ? (*file)->stat() : Result<fs::Stat>(fail(file.error()));
      if (stat && (stat->mode != member.mode || stat->uid != member.uid || stat->gid != member.gid)) {
        add(FindingKind::note, path, "mode or owner differ from what was committed");
      }
    }
  }

  void check_names(const Manifest& manifest) {
    const auto names = examine_stable_names(store_, manifest);
    if (!names) return add(FindingKind::damage, store_.path(), names.error().message);
    for (const std::string& name : names->missing) {
      add(FindingKind::leftover, fs::join_path(store_.path(), name),
          "the link is missing; the next command makes it again");
    }
    for (const std::string& name : names->stale) {
      add(FindingKind::leftover, fs::join_path(store_.path(), name),
          "a link to a member that is no more; the next command removes it");
    }
    for (const std::string& name : names->replaced) {
      add(FindingKind::edited, fs::join_path(store_.path(), name), stable_name_error(store_, name, true).message);
    }
    for (const std::string& name : names->foreign) {
      add(FindingKind::damage, fs::join_path(store_.path(), name), stable_name_error(store_, name, false).message);
    }
  }

  Status report_leftovers(const std::vector<fs::DirectoryEntry>& entries, std::optional<Generation> live,
                          std::optional<Generation> pending) {
    for (const fs::DirectoryEntry& entry : entries) {
      const auto generation = parse_generation_name(entry.name);
      if (!TRY(is_what_its_name_says(entry.name))) {
        add(FindingKind::damage, control_path(entry.name),
            "it is not what the store makes under this name; move it away");
      } else if (temporary_owner(entry.name)) {
        add(FindingKind::leftover, control_path(entry.name),
            "a temporary that a crash left; the next command removes it");
      } else if (generation && known_is_complete_ && generation != live && generation != pending &&
                 std::find(known_.begin(), known_.end(), *generation) == known_.end()) {
        add(FindingKind::leftover, control_path(entry.name),
            "a generation that never became live; the next command removes it");
      }
    }
    return {};
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
  std::vector<Generation> known_;   // generations that are kept
  bool known_is_complete_ = false;  // what is not among them goes
};

Status find_below(fs::Directory& directory, int depth, std::vector<std::string>* found) {
  const std::vector<fs::DirectoryEntry> entries = TRY(directory.list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.name == kControlDirectory) {
      found->push_back(directory.path());
      if (found->size() > kStoreLimit) {
        return fail(ErrorCode::too_large, "more than " + std::to_string(kStoreLimit) + " stores below one path");
      }
      return {};
    }
  }
  if (depth == 0) return {};
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.type != fs::FileType::directory || entry.name.front() == '.') continue;
    auto below = directory.open_directory(entry.name);
    if (!below) {
      if (below.error().code == ErrorCode::permission_denied) continue;  // somebody else's
      return fail(std::move(below).error());
    }
    TRY(find_below(**below, depth - 1, found));
  }
  return {};
}

}  // namespace

std::string_view finding_kind_name(FindingKind kind) {
  switch (kind) {
    case FindingKind::damage: return "damage";
    case FindingKind::edited: return "edited";
    case FindingKind::leftover: return "leftover";
    case FindingKind::note: return "note";
  }
  return "damage";
}

bool StoreReport::damaged() const {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == FindingKind::damage || finding.kind == FindingKind::edited;
  });
}

Result<StoreReport> inspect_store(Runtime& runtime, const std::string& path) {
  const std::string absolute = TRY(runtime.files.absolute_path(path));
  const std::unique_ptr<fs::Directory> store = TRY(runtime.files.open_directory(absolute));
  const std::unique_ptr<fs::Directory> control = TRY(store->open_directory(kControlDirectory));
  for (;;) {
    StoreReport report;
    report.path = absolute;
    const auto lock = lock_file_shared(runtime, *control, kLockFile);
    // Without the lock a writer's unfinished work would be taken for left-overs, and what it replaces for damage.
    if (!lock && lock.error().code == ErrorCode::lock_timeout) return fail(lock.error());
    if (!lock)
      report.findings.push_back({FindingKind::note, fs::join_path(control->path(), kLockFile), lock.error().message});
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

Result<std::vector<std::string>> find_stores(fs::FileSystem& files, const std::string& path) {
  constexpr int kDepth = 3;
  const std::string absolute = TRY(files.absolute_path(path));
  const std::unique_ptr<fs::Directory> directory = TRY(files.open_directory(absolute));
  std::vector<std::string> found;
  TRY(find_below(*directory, kDepth, &found));
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace lockstep::durable
