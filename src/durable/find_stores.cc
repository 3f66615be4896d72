// Which directories are stores, and what publishes left in those that are none.
#include <algorithm>
#include <cerrno>
#include <map>

#include "base/shell.h"
#include "durable/inspect.h"
#include "durable/intent.h"
#include "durable/publish.h"
#include "durable/stable_names.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::size_t kStoreLimit = 100'000;  // stores below one path

Status find_below(fs::Directory& directory, int depth, std::vector<std::string>* found) {
  const std::vector<fs::DirectoryEntry> entries = TRY(directory.list());
  bool is_store =
      std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.name == kControlDirectory; });
  if (!is_store) is_store = TRY(has_stable_names(directory));
  if (is_store) {
    found->push_back(directory.path());
    if (found->size() > kStoreLimit) {
      return fail(ErrorCode::too_large, "more than " + std::to_string(kStoreLimit) + " stores below one path");
    }
    return {};
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

Result<std::vector<std::string>> find_stores(fs::FileSystem& files, const std::string& path) {
  constexpr int kDepth = 3;
  const std::string absolute = TRY(files.absolute_path(path));
  const std::unique_ptr<fs::Directory> directory = TRY(files.open_directory(absolute));
  std::vector<std::string> found;
  TRY(find_below(*directory, kDepth, &found));
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<Finding>> inspect_published(fs::FileSystem& files, const std::string& directory) {
  const std::string absolute = TRY(files.real_path(directory));
  const std::unique_ptr<fs::Directory> opened = TRY(files.open_directory(absolute));
  std::vector<Finding> findings;
  std::map<std::string, std::string> claimed;  // target: the record that names it
  const std::vector<std::string> names = TRY(list_intents(*opened));
  for (const std::string& name : names) {
    const std::string path = fs::join_path(absolute, name);
    const auto intent = read_intent(*opened, name);
    if (!intent && intent.error().system_errno == ENOENT) continue;  // finished between the two looks
    if (!intent) {
      findings.push_back(finding_of(intent.error(), path, intent.error().hint));
      continue;
    }
    std::string files_named;
    for (const IntentTarget& target : intent->targets) {
      const std::string file = fs::join_path(target.directory, target.name);
      files_named += (files_named.empty() ? "'" : ", '") + file + "'";
      const auto [other, first] = claimed.emplace(file, path);
      if (!first) findings.push_back(finding_of(two_records_error(file, other->second, path), path, {}));
    }
    findings.push_back({FindingKind::leftover, path, "a change of " + files_named + " that was cut off",
                        "lockstep recover " + shell_word(absolute)});
  }
  return findings;
}

}  // namespace lockstep::durable
