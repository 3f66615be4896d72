#include "durable/temporary.h"

#include <algorithm>
#include <cerrno>

namespace lockstep::durable {

namespace {

constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kRandomLength = 6;
// A name component has at most 255 bytes; a very long one is cut, its temporary stays recognisable as ours.
constexpr std::size_t kLongestOwner = 200;

// The file, locked, when no process held it; nothing when one does, or when it is gone meanwhile.
Result<std::unique_ptr<fs::File>> take_abandoned(fs::Directory& directory, const std::string& name) {
  auto file = directory.open_file(name, fs::OpenMode::read);
  if (!file) {
    if (file.error().system_errno == ENOENT) return std::unique_ptr<fs::File>();
    return fail(std::move(file).error());
  }
  const bool locked = TRY((*file)->try_lock(fs::LockKind::exclusive));
  return locked ? std::move(*file) : std::unique_ptr<fs::File>();
}

Status remove_unless_gone(fs::Directory& directory, const std::string& name) {
  Status removed = directory.remove_file(name);
  if (!removed && removed.error().system_errno == ENOENT) return {};
  return removed;
}

}  // namespace

std::string temporary_name(Random& random, std::string_view name) {
  return "." + std::string(name.substr(0, kLongestOwner)) + "." + random_name(random, kRandomLength) +
         std::string(kSuffix);
}

std::optional<std::string> temporary_owner(std::string_view name) {
  constexpr std::size_t kOverhead = 1 + 1 + kRandomLength + kSuffix.size();
  if (name.size() <= kOverhead || name.front() != '.' || !name.ends_with(kSuffix)) return std::nullopt;
  const std::size_t dot = name.size() - kSuffix.size() - kRandomLength - 1;
  const std::string_view random = name.substr(dot + 1, kRandomLength);
  const bool ours =
      std::ranges::all_of(random, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  if (name[dot] != '.' || !ours) return std::nullopt;
  return std::string(name.substr(1, dot - 1));
}

bool is_temporary_of(std::string_view temporary, std::string_view name) {
  return temporary_owner(temporary) == name.substr(0, kLongestOwner);
}

Result<Temporary> create_temporary(Runtime& runtime, fs::Directory& directory, const std::string& name) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Temporary temporary;
    temporary.name = temporary_name(runtime.random, name);
    auto file = directory.open_file(temporary.name, fs::OpenMode::create_exclusive, 0600);
    if (!file) {
      if (file.error().system_errno == EEXIST) continue;
      return fail(std::move(file).error());
    }
    temporary.file = std::move(*file);
    // Between creation and lock a sweeping process may have taken it for a left-over: then it is unlinked.
    auto locked = temporary.file->try_lock(fs::LockKind::exclusive);
    auto stat = locked ? temporary.file->stat() : Result<fs::Stat>(fail(locked.error()));
    if (!stat) {
      const Status removed = remove_unless_gone(directory, temporary.name);
      if (!removed) return fail(std::move(stat).error().with_hint("also " + removed.error().message));
      return fail(std::move(stat).error());
    }
    if (*locked && stat->link_count > 0) return temporary;
  }
  return fail(ErrorCode::io_error,
              "cannot create a temporary file for '" + directory.path() + "/" + name + "': every name tried was taken");
}

Result<bool> holds_files_alone(fs::Directory& parent, const std::string& name) {
  const auto directory = parent.open_directory(name);
  if (!directory) {
    const int why = directory.error().system_errno;
    if (why == ENOTDIR || why == ELOOP || why == ENOENT) return false;
    return fail(directory.error());
  }
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    // Not every file system says in its list what an entry is.
    const bool said = entry.type != fs::FileType::other;
    const fs::FileType type = said ? entry.type : TRY((*directory)->stat_entry(entry.name)).type;
    if (type == fs::FileType::directory) return false;
  }
  return true;
}

Status sweep_temporaries(fs::Directory& directory, const std::function<bool(const std::string& owner)>& wanted) {
  const std::vector<fs::DirectoryEntry> entries = TRY(directory.list());
  for (const fs::DirectoryEntry& entry : entries) {
    const auto owner = temporary_owner(entry.name);
    if (!owner || !wanted(*owner)) continue;
    if (entry.type == fs::FileType::symlink) {
      TRY(remove_unless_gone(directory, entry.name));
    } else if (entry.type == fs::FileType::regular) {
      // Its lock is held until it is unlinked: whoever has just created it, and not locked it yet, then sees either.
      const std::unique_ptr<fs::File> abandoned = TRY(take_abandoned(directory, entry.name));
      if (abandoned) TRY(remove_unless_gone(directory, entry.name));
    }
  }
  return {};
}

}  // namespace lockstep::durable
