#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <utility>

#include "fs/io.h"
#include "fs/posix_descriptor.h"

namespace lockstep::fs::posix {

namespace {

FileType entry_type(unsigned char type) {
  switch (type) {
    case DT_REG: return FileType::regular;
    case DT_DIR: return FileType::directory;
    case DT_LNK: return FileType::symlink;
    default: return FileType::other;
  }
}

int open_flags(OpenMode mode) {
  switch (mode) {
    // O_NONBLOCK changes nothing for a regular file, but a FIFO put in its place cannot hang the program.
    case OpenMode::read: return O_RDONLY | O_NONBLOCK;
    case OpenMode::create_exclusive: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::create_or_open: return O_RDWR | O_CREAT | O_NONBLOCK;
  }
  return O_RDONLY;
}

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    TRY(check_name(name, "open"));
    Descriptor opened(uninterrupted(
        [&] { return ::openat(number(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (opened.get() < 0) return failed("open", full(name));
    return make_directory_handle(std::move(opened), full(name));
  }

  Result<std::unique_ptr<File>> open_file(const std::string& name, OpenMode mode, std::uint32_t permissions) override {
    const std::string_view verb = mode == OpenMode::create_exclusive ? "create" : "open";
    TRY(check_name(name, verb));
    const int flags = open_flags(mode) | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
    Descriptor opened(uninterrupted([&] { return ::openat(number(), name.c_str(), flags, permissions); }));
    if (opened.get() < 0) return failed(verb, full(name));
    return make_file(std::move(opened), full(name));
  }

  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    TRY(check_name(name, "create directory"));
    if (::mkdirat(number(), name.c_str(), permissions) != 0) return failed("create directory", full(name));
    return {};
  }

  Status remove_file(const std::string& name) override {
    TRY(check_name(name, "remove"));
    if (::unlinkat(number(), name.c_str(), 0) != 0) return failed("remove", full(name));
    return {};
  }

  Status remove_directory(const std::string& name) override {
    TRY(check_name(name, "remove directory"));
    if (::unlinkat(number(), name.c_str(), AT_REMOVEDIR) != 0) return failed("remove directory", full(name));
    return {};
  }

  Status rename(const std::string& from, Directory& target, const std::string& to) override {
    TRY(check_name(from, "rename"));
    TRY(check_name(to, "rename"));
    if (::renameat(number(), from.c_str(), number_of(target), to.c_str()) != 0) {
      return failed("rename", full(from), "to", join_path(target.path(), to));
    }
    return {};
  }

  Status rename_no_replace(const std::string& from, Directory& target, const std::string& to) override {
    TRY(check_name(from, "rename"));
    TRY(check_name(to, "rename"));
    const int other = number_of(target);
    if (::renameat2(number(), from.c_str(), other, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    const int why = errno;
    // A file system without the flag: a link fails just as surely when the name is there. Between the two calls the
    // file has both names, which no caller minds; a directory cannot be linked, and keeps the first error.
    if (why == EINVAL || why == ENOSYS) {
      struct ::stat raw{};
      if (::fstatat(number(), from.c_str(), &raw, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(raw.st_mode)) {
        if (::linkat(number(), from.c_str(), other, to.c_str(), 0) != 0) {
          return failed("rename", full(from), "to", join_path(target.path(), to));
        }
        return remove_file(from);
      }
    }
    errno = why;
    return failed("rename", full(from), "to", join_path(target.path(), to));
  }

  Status exchange(const std::string& one, const std::string& other) override {
    TRY(check_name(one, "exchange"));
    TRY(check_name(other, "exchange"));
    if (::renameat2(number(), one.c_str(), number(), other.c_str(), RENAME_EXCHANGE) != 0) {
      return failed("exchange", full(one), "with", full(other));
    }
    return {};
  }

  Status make_symlink(const std::string& target, const std::string& name) override {
    TRY(check_name(name, "create symbolic link"));
    if (::symlinkat(target.c_str(), number(), name.c_str()) != 0) return failed("create symbolic link", full(name));
    return {};
  }

  Result<std::string> read_symlink(const std::string& name) override {
    TRY(check_name(name, "read symbolic link"));
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(number(), name.c_str(), target.data(), target.size());
    if (length < 0) return failed("read symbolic link", full(name));
    target.resize(static_cast<std::size_t>(length));
    return target;
  }

  Status make_link(const std::string& from, Directory& target, const std::string& to) override {
    TRY(check_name(from, "link"));
    TRY(check_name(to, "link"));
    if (::linkat(number(), from.c_str(), number_of(target), to.c_str(), 0) != 0) {
      return failed("link", full(from), "to", join_path(target.path(), to));
    }
    return {};
  }

  Result<Stat> stat_entry(const std::string& name) override {
    TRY(check_name(name, "examine"));
    struct ::stat raw{};
    if (::fstatat(number(), name.c_str(), &raw, AT_SYMLINK_NOFOLLOW) != 0) return failed("examine", full(name));
    return to_stat(raw);
  }

  Result<std::vector<DirectoryEntry>> list() override {
    Descriptor reading(::fcntl(number(), F_DUPFD_CLOEXEC, 0));
    if (reading.get() < 0) return failed("list", path_);
    const std::unique_ptr<DIR, CloseStream> stream(::fdopendir(reading.get()));
    if (!stream) return failed("list", path_);
    reading.release();
    // A duplicate shares its offset with the original, which an earlier listing left at the end.
    ::rewinddir(stream.get());
    std::vector<DirectoryEntry> entries;
    for (;;) {
      errno = 0;
      const struct ::dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") entries.push_back({name, entry_type(entry->d_type)});
    }
    if (errno != 0) return failed("list", path_);
    return entries;
  }

  Result<Stat> stat() override { return stat_descriptor(number(), path_); }
  Status sync() override { return sync_descriptor(number(), path_); }
  Status change_mode(std::uint32_t mode) override { return change_descriptor_mode(number(), path_, mode); }
  Status change_owner(std::uint32_t uid, std::uint32_t gid) override {
    return change_descriptor_owner(number(), path_, uid, gid);
  }
  Result<bool> try_lock(LockKind kind) override { return try_lock_descriptor(number(), path_, kind); }

 private:
  struct CloseStream {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };

  [[nodiscard]] int number() const { return descriptor_.get(); }
  [[nodiscard]] std::string full(const std::string& name) const { return join_path(path_, name); }

  static int number_of(Directory& directory) {
    const auto* other = dynamic_cast<PosixDirectory*>(&directory);
    LOCKSTEP_CHECK(other != nullptr);
    return other->number();
  }

  // A name read from a damaged manifest or pointer must never lead out of the directory. (Too long is the kernel's.)
  [[nodiscard]] Status check_name(const std::string& name, std::string_view verb) const {
    if (!name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == name.npos) {
      return {};
    }
    errno = EINVAL;
    return failed(verb, full(name));
  }

  Descriptor descriptor_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Directory> make_directory_handle(Descriptor descriptor, std::string path) {
  return std::make_unique<PosixDirectory>(std::move(descriptor), std::move(path));
}

}  // namespace lockstep::fs::posix
