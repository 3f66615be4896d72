#include "fs/io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

namespace lockstep::fs {

namespace {
constexpr std::size_t kPieceBytes = 256U * 1024U;
}  // namespace

Result<std::string> read_all(File& file, std::size_t limit) {
  std::string content;
  const Stat stat = TRY(file.stat());
  if (stat.size > limit) {
    return fail(ErrorCode::too_large, "'" + file.path() + "' has " + std::to_string(stat.size) +
                                          " bytes; the limit is " + std::to_string(limit));
  }
  // One byte more than the size, so that the end of the file is seen by the first short read.
  content.resize(static_cast<std::size_t>(stat.size) + 1);
  std::size_t filled = 0;
  for (;;) {
    const std::size_t count = TRY(file.read(std::span<char>(content.data() + filled, content.size() - filled)));
    filled += count;
    if (count == 0) break;
    if (filled > limit) {
      return fail(ErrorCode::too_large,
                  "'" + file.path() + "' has more than the limit of " + std::to_string(limit) + " bytes");
    }
    if (filled == content.size()) content.resize(std::min(content.size() * 2, limit + 1));
  }
  content.resize(filled);
  return content;
}

Status read_pieces(File& file, const std::function<Status(std::string_view)>& consume) {
  // Not cleared first: for a small file that would cost more than reading it.
  const auto piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(file.read(std::span<char>(piece.get(), kPieceBytes)));
    if (count == 0) return {};
    TRY(consume(std::string_view(piece.get(), count)));
  }
}

Status write_all(File& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t count = TRY(file.write(bytes));
    if (count == 0) return fail(system_error(EIO, "cannot write '" + file.path() + "' (no progress)"));
    bytes.remove_prefix(count);
  }
  return {};
}

Status copy_bytes(File& from, File& to, std::uint64_t count) {
  const auto ended_early = [&] { return fail(ErrorCode::damaged, "'" + from.path() + "' ended while it was copied"); };
  while (count > 0) {
    auto copied = to.copy_from(from, static_cast<std::size_t>(std::min<std::uint64_t>(count, 1U << 30U)));
    if (!copied) {
      const int why = copied.error().system_errno;
      if (why == EXDEV || why == EINVAL || why == ENOSYS || why == EOPNOTSUPP) break;
      return fail(std::move(copied).error());
    }
    if (*copied == 0) return ended_early();
    count -= *copied;
  }
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(count, kPieceBytes)));
  while (count > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, piece.size()));
    const std::size_t got = TRY(from.read(std::span<char>(piece.data(), wanted)));
    if (got == 0) return ended_early();
    TRY(write_all(to, std::string_view(piece.data(), got)));
    count -= got;
  }
  return {};
}

Result<std::string> read_input(FileSystem& file_system, const std::string& path, std::size_t limit) {
  const std::unique_ptr<File> file = TRY(file_system.open_for_reading(path));
  const Stat stat = TRY(file->stat());
  if (stat.type == FileType::directory) return fail(ErrorCode::invalid_argument, "'" + path + "' is a directory");
  if (stat.type != FileType::regular) {
    return fail(ErrorCode::invalid_argument, "'" + path + "' is not a regular file");
  }
  return read_all(*file, limit);
}

Result<std::string> read_file(Directory& directory, const std::string& name, std::size_t limit) {
  const std::unique_ptr<File> file = TRY(directory.open_file(name, OpenMode::read));
  const Stat stat = TRY(file->stat());
  if (stat.type != FileType::regular) {
    return fail(ErrorCode::foreign_file, "'" + file->path() + "' is not a regular file");
  }
  return read_all(*file, limit);
}

Result<bool> entry_exists(Directory& directory, const std::string& name) {
  auto stat = directory.stat_entry(name);
  if (stat) return true;
  if (stat.error().system_errno == ENOENT) return false;
  return fail(std::move(stat).error());
}

SplitPath split_path(const std::string& absolute) {
  const std::size_t slash = absolute.find_last_of('/');
  if (slash == std::string::npos) return {"/", absolute};
  return {slash == 0 ? "/" : absolute.substr(0, slash), absolute.substr(slash + 1)};
}

std::string join_path(const std::string& parent, const std::string& name) {
  return parent == "/" ? parent + name : parent + "/" + name;
}

bool is_single_component(std::string_view name) {
  constexpr std::size_t kLongestName = 255;
  return !name.empty() && name.size() <= kLongestName && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace lockstep::fs
