#include "durable/directories.h"

#include <cerrno>

#include "fs/io.h"

namespace lockstep::durable {

Status CreatedDirectories::ensure(fs::FileSystem& files, const std::string& absolute, std::uint32_t mode) {
  Status status = make(files, absolute, mode);
  if (!status) remove(files);
  return status;
}

Status CreatedDirectories::make(fs::FileSystem& files, const std::string& absolute, std::uint32_t mode) {
  auto existing = files.open_directory(absolute);
  if (existing) return {};
  if (existing.error().system_errno != ENOENT || absolute == "/") return fail(std::move(existing).error());
  const fs::SplitPath split = fs::split_path(absolute);
  TRY(make(files, split.parent, mode));
  const std::unique_ptr<fs::Directory> parent = TRY(files.open_directory(split.parent));
  Status made = parent->make_directory(split.name, 0700);
  if (!made) {
    if (made.error().system_errno == EEXIST) return {};  // another process was faster
    return made;
  }
  created_.push_back(absolute);
  // mkdir's mode is narrowed by the umask: set the one that was asked for.
  const std::unique_ptr<fs::Directory> directory = TRY(parent->open_directory(split.name));
  TRY(directory->change_mode(mode));
  return parent->sync();
}

void CreatedDirectories::remove(fs::FileSystem& files) {
  while (!created_.empty()) {
    const fs::SplitPath split = fs::split_path(created_.back());
    created_.pop_back();
    auto parent = files.open_directory(split.parent);
    // Not being able to clean up changes nothing of the failure that is being reported; an empty directory remains.
    if (!parent || !(*parent)->remove_directory(split.name)) {
      created_.clear();
      return;
    }
    const Status synced = (*parent)->sync();
    static_cast<void>(synced);
  }
}

}  // namespace lockstep::durable
