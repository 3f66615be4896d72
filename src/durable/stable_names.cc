#include "durable/stable_names.h"

#include <cerrno>

#include "fs/io.h"

namespace lockstep::durable {

Result<StableNames> examine_stable_names(fs::Directory& store, const Manifest& manifest) {
  StableNames result;
  for (const ManifestMember& member : manifest.members) {
    auto stat = store.stat_entry(member.name);
    if (!stat) {
      if (stat.error().system_errno != ENOENT) return fail(std::move(stat).error());
      result.missing.push_back(member.name);
    } else if (stat->type == fs::FileType::symlink) {
      const std::string target = TRY(store.read_symlink(member.name));
      if (target != stable_target(member.name)) result.foreign.push_back(member.name);
    } else if (stat->type == fs::FileType::regular) {
      result.replaced.push_back(member.name);
    } else {
      result.foreign.push_back(member.name);
    }
  }
  const std::vector<fs::DirectoryEntry> entries = TRY(store.list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (!is_member_name(entry.name) || manifest.find(entry.name) != nullptr) continue;
    if (entry.type != fs::FileType::symlink) continue;
    const std::string target = TRY(store.read_symlink(entry.name));
    if (target == stable_target(entry.name)) result.stale.push_back(entry.name);
  }
  return result;
}

Result<bool> has_stable_names(fs::Directory& store) {
  const std::vector<fs::DirectoryEntry> entries = TRY(store.list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.type != fs::FileType::symlink || !is_member_name(entry.name)) continue;
    const auto target = store.read_symlink(entry.name);
    if (!target && target.error().system_errno == ENOENT) continue;  // taken away meanwhile
    if (!target) return fail(target.error());
    if (*target == stable_target(entry.name)) return true;
  }
  return false;
}

Error stable_name_error(const fs::Directory& store, const std::string& name, bool regular_file) {
  const std::string path = fs::join_path(store.path(), name);
  if (regular_file) {
    return {
        ErrorCode::edited_by_hand,
        "'" + path + "' is a regular file where the store keeps a link: an editor replaced it, or it is mounted there",
        "restore the link, or take the file over with 'lockstep doctor --adopt'", 0};
  }
  return {ErrorCode::foreign_file, "'" + path + "' is not the store's link to its current generation",
          "move it away; the link is made again by the next command", 0};
}

Status create_stable_names(fs::Directory& store, const std::vector<std::string>& names) {
  std::vector<std::string> made;
  for (const std::string& name : names) {
    Status status = store.make_symlink(stable_target(name), name);
    if (!status) {
      const Status undone = remove_stable_names(store, made);
      if (status.error().system_errno == EEXIST) return fail(stable_name_error(store, name, false));
      if (!undone) return fail(std::move(status).error().with_hint("left behind: " + undone.error().message));
      return status;
    }
    made.push_back(name);
  }
  return {};
}

Status remove_stable_names(fs::Directory& store, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Status removed = store.remove_file(name);
    if (!removed && removed.error().system_errno != ENOENT) return removed;
  }
  return {};
}

}  // namespace lockstep::durable
