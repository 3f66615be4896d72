#include "durable/audit_log.h"

#include <array>
#include <cerrno>

#include "durable/lock.h"
#include "fs/io.h"

namespace lockstep::durable {

Status AuditLog::append(const std::string& lines) {
  const std::unique_ptr<fs::Directory> directory = TRY(runtime_.files.open_directory(directory_));
  std::unique_ptr<fs::File> file = TRY(lock_current(*directory));
  fs::Stat stat = TRY(file->stat());
  if (stat.size != 0 && stat.size + lines.size() > limits_.bytes) {
    TRY(rotate(*directory));
    file = TRY(lock_current(*directory));
    stat = TRY(file->stat());
  }
  return write(*directory, *file, stat.size, lines);
}

Result<std::unique_ptr<fs::File>> AuditLog::lock_current(fs::Directory& directory) {
  while (true) {
    std::unique_ptr<fs::File> file = TRY(lock_file(runtime_, directory, name_));
    if (file == nullptr) continue;  // removed while we waited
    const fs::Stat ours = TRY(file->stat());
    if (ours.type != fs::FileType::regular) {
      return fail(ErrorCode::foreign_file, "'" + file->path() + "' is not a regular file", "move it away");
    }
    const auto named = directory.stat_entry(name_);
    if (named && named->inode == ours.inode) return file;
    if (!named && named.error().system_errno != ENOENT) return fail(named.error());
    // Somebody who held the lock before us moved it aside.
  }
}

Status AuditLog::rotate(fs::Directory& directory) {
  const auto numbered = [&](unsigned number) { return name_ + "." + std::to_string(number); };
  for (unsigned number = limits_.kept; number > 1; --number) {
    const Status moved = directory.rename(numbered(number - 1), directory, numbered(number));
    if (!moved && moved.error().system_errno != ENOENT) return moved;
  }
  TRY(directory.rename(name_, directory, numbered(1)));
  return directory.sync();
}

Status AuditLog::write(fs::Directory& directory, fs::File& file, std::uint64_t size, const std::string& lines) {
  std::string text = lines;
  if (size != 0) {
    std::array<char, 1> last{};
    TRY(file.seek(size - 1));
    const std::size_t count = TRY(file.read(last));
    if (count == 1 && last[0] != '\n') text.insert(0, "\n");
    TRY(file.seek(size));
  }
  TRY(fs::write_all(file, text));
  Status synced = file.sync();
  // Its name, which may be new.
  if (synced && size == 0) synced = directory.sync();
  if (synced) return {};
  const Status moved = rotate(directory);
  if (!moved) return fail(std::move(synced).error().with_hint("also: " + moved.error().message));
  return synced;
}

}  // namespace lockstep::durable
