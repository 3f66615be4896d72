#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "fs/posix_descriptor.h"

namespace lockstep::fs::posix {

namespace {

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::size_t> read(std::span<char> out) override {
    const ssize_t count = uninterrupted([&] { return ::read(number(), out.data(), out.size()); });
    if (count < 0) return failed("read", path_);
    return static_cast<std::size_t>(count);
  }

  Result<std::size_t> write(std::string_view bytes) override {
    const ssize_t count = uninterrupted([&] { return ::write(number(), bytes.data(), bytes.size()); });
    if (count < 0) return failed("write", path_);
    return static_cast<std::size_t>(count);
  }

  Result<std::size_t> copy_from(File& source, std::size_t count) override {
    const int from = number_of(source);
    const ssize_t copied = uninterrupted([&] { return ::copy_file_range(from, nullptr, number(), nullptr, count, 0); });
    if (copied < 0) return failed("copy", source.path(), "to", path_);
    return static_cast<std::size_t>(copied);
  }

  Status clone_from(File& source) override {
    const int from = number_of(source);
    // ENOTTY is how a file system without ioctls says EOPNOTSUPP.
    if (uninterrupted([&] { return ::ioctl(number(), FICLONE, from); }) != 0) {
      if (errno == ENOTTY) errno = EOPNOTSUPP;
      return failed("clone", source.path(), "to", path_);
    }
    return {};
  }

  Status seek(std::uint64_t offset) override {
    if (::lseek(number(), static_cast<off_t>(offset), SEEK_SET) < 0) return failed("seek in", path_);
    return {};
  }

  Status start_writeback() override {
    if (uninterrupted([&] { return ::sync_file_range(number(), 0, 0, SYNC_FILE_RANGE_WRITE); }) != 0) {
      return failed("start writing back", path_);
    }
    return {};
  }

  Status sync() override { return sync_descriptor(number(), path_); }
  Result<Stat> stat() override { return stat_descriptor(number(), path_); }
  Status change_mode(std::uint32_t mode) override { return change_descriptor_mode(number(), path_, mode); }
  Status change_owner(std::uint32_t uid, std::uint32_t gid) override {
    return change_descriptor_owner(number(), path_, uid, gid);
  }

  Result<std::vector<std::string>> list_attributes() override {
    std::string names;
    TRY(grow_until_it_fits(names, "list the extended attributes of", [&](char* data, std::size_t size) {
      const ssize_t count = ::flistxattr(number(), data, size);
      // A file system without extended attributes has none to list.
      return count < 0 && errno == ENOTSUP ? 0 : count;
    }));
    std::vector<std::string> list;
    for (std::size_t start = 0; start < names.size();) {
      const std::size_t end = std::min(names.find('\0', start), names.size());
      list.push_back(names.substr(start, end - start));
      start = end + 1;
    }
    return list;
  }

  Result<std::string> get_attribute(const std::string& name) override {
    std::string value;
    TRY(grow_until_it_fits(value, "read attribute " + name + " of", [&](char* data, std::size_t size) {
      return ::fgetxattr(number(), name.c_str(), data, size);
    }));
    return value;
  }

  Status set_attribute(const std::string& name, std::string_view value) override {
    if (uninterrupted([&] { return ::fsetxattr(number(), name.c_str(), value.data(), value.size(), 0); }) != 0) {
      return failed("set attribute " + name + " of", path_);
    }
    return {};
  }

  Result<bool> try_lease() override {
    // The kernel tells the holder by a signal that the lease is wanted, by SIGIO unless it is told another: that one
    // would end the program, SIGURG is ignored.
    if (::fcntl(number(), F_SETSIG, SIGURG) != 0) return failed("lease", path_);
    if (::fcntl(number(), F_SETLEASE, F_RDLCK) == 0) return true;
    if (errno == EAGAIN) return false;
    return failed("lease", path_);
  }
  Result<bool> lease_is_wanted() override {
    const int lease = ::fcntl(number(), F_GETLEASE);
    if (lease < 0) return failed("look at the lease of", path_);
    return lease != F_RDLCK;
  }
  Result<bool> try_lock(LockKind kind) override { return try_lock_descriptor(number(), path_, kind); }

  Status close() override {
    const int closing = descriptor_.release();
    // On Linux the descriptor is gone even after EINTR, so the call must not be made again; and nothing was lost that
    // a sync had promised.
    if (::close(closing) != 0 && errno != EINTR) return failed("close", path_);
    return {};
  }

 private:
  [[nodiscard]] int number() const { return descriptor_.get(); }

  static int number_of(File& file) {
    const auto* other = dynamic_cast<PosixFile*>(&file);
    LOCKSTEP_CHECK(other != nullptr);
    return other->number();
  }

  // `call` fills a buffer and returns the length, or ERANGE when the buffer is too short.
  template <class Call>
  Status grow_until_it_fits(std::string& out, const std::string& verb, Call call) {
    for (std::size_t size = 256;; size *= 4) {
      out.resize(size);
      const ssize_t count = uninterrupted([&] { return call(out.data(), out.size()); });
      if (count >= 0) {
        out.resize(static_cast<std::size_t>(count));
        return {};
      }
      constexpr std::size_t kLargestAttribute = 65536;  // XATTR_SIZE_MAX, XATTR_LIST_MAX
      if (errno != ERANGE || size >= kLargestAttribute) return failed(verb, path_);
    }
  }

  Descriptor descriptor_;
  std::string path_;
};

}  // namespace

std::unique_ptr<File> make_file(Descriptor descriptor, std::string path) {
  return std::make_unique<PosixFile>(std::move(descriptor), std::move(path));
}

}  // namespace lockstep::fs::posix
