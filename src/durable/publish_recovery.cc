// Recovery of publishes: finish what was committed, take back what was aborted, sweep what was only staged.
#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/shell.h"
#include "durable/lock.h"
#include "durable/publish_internal.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

Status remove_unless_gone(fs::Directory& directory, const std::string& name) {
  Status removed = directory.remove_file(name);
  if (!removed && removed.error().system_errno == ENOENT) return {};
  return removed;
}

// The same for a temporary: a directory under its name is somebody else's, and stays.
Status remove_temporary(fs::Directory& directory, const std::string& name) {
  Status removed = remove_unless_gone(directory, name);
  if (!removed && removed.error().system_errno == EISDIR) return {};
  return removed;
}

using publish_internal::checksum;

class Recovery {
 public:
  Recovery(fs::FileSystem& files, fs::Directory& home, std::string intent_name)
      : files_(files), home_(home), intent_name_(std::move(intent_name)) {}

  Status finish(const Intent& intent, PublishRecovery* report) {
    // Everything is looked at before anything changes: what is damaged stops the whole of it.
    std::vector<const IntentTarget*> left;
    for (const IntentTarget& target : intent.targets) {
      const bool commit = intent.state == IntentState::commit;
      const bool needed = TRY(is_left_to_do(target, commit, report));
      if (needed) left.push_back(&target);
    }
    for (const IntentTarget* target : left) {
      fs::Directory* directory = TRY(directory_of(*target));
      const std::string path = fs::join_path(target->directory, target->name);
      if (intent.state == IntentState::commit) {
        TRY(publish_internal::put_new(*directory, *target));
        report->completed.push_back(path);
      } else {
        TRY(publish_internal::put_old(*directory, *target));
        report->restored.push_back(path);
      }
    }
    if (intent.keep_edits) {
      for (const IntentTarget& target : intent.targets) TRY(give_name_back(target, intent.state, report));
    }
    // Durable before the record of it goes: a crash in between is recovered again.
    TRY(home_.sync());
    for (auto& [path, directory] : others_) TRY(directory->sync());
    return publish_internal::forget(home_, intent,
                                    [&](const IntentTarget& t) -> fs::Directory& { return *directory_of(t).value(); });
  }

 private:
  Result<fs::Directory*> directory_of(const IntentTarget& target) {
    if (target.directory == home_.path()) return &home_;
    auto found = others_.find(target.directory);
    if (found == others_.end()) {
      std::unique_ptr<fs::Directory> opened = TRY(files_.open_directory(target.directory));
      found = others_.emplace(target.directory, std::move(opened)).first;
    }
    return found->second.get();
  }

  // Whether the target has yet to be given its new content (to commit) or its old one (to take back). One that has
  // neither was edited meanwhile, and is left alone.
  Result<bool> is_left_to_do(const IntentTarget& target, bool commit, PublishRecovery* report) {
    fs::Directory* directory = TRY(directory_of(target));
    const std::optional<std::string> now = TRY(checksum(*directory, target.name));
    const std::optional<std::string> wanted = commit ? std::optional(target.new_sha256) : target.old_sha256;
    if (now == wanted) return false;
    if (now != (commit ? target.old_sha256 : std::optional(target.new_sha256))) {
      report->edited.push_back(fs::join_path(target.directory, target.name));
      return false;
    }
    const std::string& source = commit ? target.temporary : target.backup;
    if (wanted && TRY(checksum(*directory, source)) != wanted) {
      return fail(ErrorCode::damaged,
                  "'" + fs::join_path(target.directory, source) + "' is missing or not what was to become '" +
                      target.name + "': nothing was changed",
                  "restore '" + target.name + "' from a backup, then remove '" +
                      fs::join_path(home_.path(), intent_name_) + "'");
    }
    return true;
  }

  // A publish that keeps edits was cut off between an exchange and the look at what it displaced: what a person had
  // saved lies under the temporary's name. It gets its own back. (An empty file is the beginning of a save that the
  // same power cut ended: there is nothing of anybody in it.)
  Status give_name_back(const IntentTarget& target, IntentState state, PublishRecovery* report) {
    const bool commit = state == IntentState::commit;
    const std::string& staged = commit ? target.temporary : target.backup;
    const std::optional<std::string> placed = commit ? std::optional(target.new_sha256) : target.old_sha256;
    if (staged.empty()) return {};
    fs::Directory* directory = TRY(directory_of(target));
    const auto stat = directory->stat_entry(staged);
    if (!stat && stat.error().system_errno == ENOENT) return {};
    if (!stat) return fail(stat.error());
    if (stat->type != fs::FileType::regular || stat->size == 0) return {};
    const std::optional<std::string> now = TRY(checksum(*directory, target.name));
    if (now != placed) return {};
    const std::optional<std::string> held = TRY(checksum(*directory, staged));
    if (!held || held == target.new_sha256 || held == target.old_sha256) return {};
    TRY(directory->rename(staged, *directory, target.name));
    report->edited.push_back(fs::join_path(target.directory, target.name));
    return {};
  }

  fs::FileSystem& files_;
  fs::Directory& home_;
  std::string intent_name_;
  std::map<std::string, std::unique_ptr<fs::Directory>> others_;
};

}  // namespace

namespace publish_internal {

Status put_new(fs::Directory& directory, const IntentTarget& target) {
  return target.old_sha256 ? directory.rename(target.temporary, directory, target.name)
                           : directory.rename_no_replace(target.temporary, directory, target.name);
}

Status put_old(fs::Directory& directory, const IntentTarget& target) {
  const std::optional<std::string> now = TRY(checksum(directory, target.name));
  if (now != target.new_sha256 || now == target.old_sha256) return {};
  if (!target.old_sha256) return remove_unless_gone(directory, target.name);
  return directory.rename(target.backup, directory, target.name);
}

Status forget(fs::Directory& home, const Intent& intent, const DirectoryOf& directory_of, bool* uncertain) {
  TRY(remove_unless_gone(home, intent_name(intent.targets.front().name)));
  Status synced = home.sync();
  if (!synced) {
    if (uncertain != nullptr) *uncertain = true;
    return synced;
  }
  for (const IntentTarget& target : intent.targets) {
    fs::Directory& directory = directory_of(target);
    TRY(remove_temporary(directory, target.temporary));
    if (!target.backup.empty()) TRY(remove_temporary(directory, target.backup));
  }
  return {};
}

Result<PublishRecovery> recover_locked(Runtime& runtime, fs::Directory& directory) {
  PublishRecovery report;
  // All records are looked at before anything changes.
  std::vector<std::pair<std::string, Intent>> intents;
  std::map<std::string, std::string> claimed;  // target: the record that names it
  const std::vector<std::string> names = TRY(list_intents(directory));
  for (const std::string& name : names) {
    Intent intent = TRY(read_intent(directory, name));
    for (const IntentTarget& target : intent.targets) {
      const std::string file = fs::join_path(target.directory, target.name);
      const std::string path = fs::join_path(directory.path(), name);
      const auto [other, first] = claimed.emplace(file, path);
      if (!first) return fail(two_records_error(file, other->second, path));
    }
    intents.emplace_back(name, std::move(intent));
  }
  for (const auto& [name, intent] : intents) TRY(Recovery(runtime.files, directory, name).finish(intent, &report));
  return report;
}

}  // namespace publish_internal

Result<PublishRecovery> recover_publishes(Runtime& runtime, const std::vector<std::string>& directories,
                                          const std::set<std::string>& files) {
  // In one order for everybody: two that lock the same directories wait for each other.
  std::set<std::string> paths;
  for (const std::string& directory : directories) {
    std::string path = TRY(runtime.files.real_path(directory));
    paths.insert(std::move(path));
  }
  std::vector<std::unique_ptr<fs::Directory>> opened;
  for (const std::string& path : paths) {
    std::unique_ptr<fs::Directory> directory = TRY(runtime.files.open_directory(path));
    TRY(lock_directory(runtime, *directory));
    opened.push_back(std::move(directory));
  }
  PublishRecovery report;
  for (const auto& directory : opened) {
    const PublishRecovery one = TRY(publish_internal::recover_locked(runtime, *directory));
    report.completed.insert(report.completed.end(), one.completed.begin(), one.completed.end());
    report.restored.insert(report.restored.end(), one.restored.begin(), one.restored.end());
    report.edited.insert(report.edited.end(), one.edited.begin(), one.edited.end());
  }
  const auto is_swept = [&](const std::string& owner) {
    return files.empty() || files.contains(owner) ||
           std::ranges::any_of(files, [&](const std::string& file) { return owner == intent_name(file); });
  };
  for (const auto& directory : opened) TRY(sweep_temporaries(*directory, is_swept));
  return report;
}

Result<std::vector<std::string>> list_intents(fs::Directory& directory) {
  std::vector<std::string> names;
  const std::vector<fs::DirectoryEntry> entries = TRY(directory.list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (is_intent_name(entry.name)) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Intent> read_intent(fs::Directory& directory, const std::string& name) {
  const std::string path = fs::join_path(directory.path(), name);
  const std::string remove = "look at the files it was made for, then: rm -r " + shell_word(path);
  auto text = fs::read_file(directory, name, kIntentLimit);
  if (!text) return fail(std::move(text).error().with_hint(remove));
  auto intent = parse_intent(*text, path);
  if (!intent) {
    intent.error().hint = remove;
    return intent;
  }
  if (intent->targets.front().directory != directory.path() || intent_name(intent->targets.front().name) != name) {
    return fail(ErrorCode::damaged, "'" + path + "' is the intent record of other files: it was moved or copied here",
                "look at it, then: rm " + shell_word(path));
  }
  return intent;
}

Error two_records_error(const std::string& file, const std::string& one, const std::string& other) {
  return {ErrorCode::damaged, "'" + one + "' and '" + other + "' both say what is to become of '" + file + "'",
          "look at the file, then remove the record that is not about it: rm " + shell_word(other), 0};
}

}  // namespace lockstep::durable
