#include "fs/posix_descriptor.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lockstep::fs::posix {

Descriptor::~Descriptor() {
  // Unchecked on purpose: what was written is either synced, and then close has nothing left to report, or belongs to
  // an operation that failed already and is being undone. Who needs the error calls File::close().
  if (number_ >= 0) ::close(number_);
}

std::unexpected<Error> failed(std::string_view verb, const std::string& path) {
  const int why = errno;
  return fail(system_error(why, "cannot " + std::string(verb) + " '" + path + "'"));
}

std::unexpected<Error> failed(std::string_view verb, const std::string& path, std::string_view joint,
                              const std::string& other) {
  const int why = errno;
  return fail(
      system_error(why, "cannot " + std::string(verb) + " '" + path + "' " + std::string(joint) + " '" + other + "'"));
}

Stat to_stat(const struct ::stat& raw) {
  Stat out;
  if (S_ISREG(raw.st_mode)) out.type = FileType::regular;
  if (S_ISDIR(raw.st_mode)) out.type = FileType::directory;
  if (S_ISLNK(raw.st_mode)) out.type = FileType::symlink;
  out.device = raw.st_dev;
  out.inode = raw.st_ino;
  out.link_count = raw.st_nlink;
  out.mode = raw.st_mode & 07777U;
  out.uid = raw.st_uid;
  out.gid = raw.st_gid;
  out.size = static_cast<std::uint64_t>(raw.st_size);
  out.modified = raw.st_mtim.tv_sec;
  return out;
}

Result<Stat> stat_descriptor(int descriptor, const std::string& path) {
  struct ::stat raw{};
  if (::fstat(descriptor, &raw) != 0) return failed("examine", path);
  return to_stat(raw);
}

Status sync_descriptor(int descriptor, const std::string& path) {
  // EINTR is made again like elsewhere: it is reported before anything was given up. No other failure ever is.
  if (uninterrupted([&] { return ::fsync(descriptor); }) != 0) return failed("sync", path);
  return {};
}

Status change_descriptor_mode(int descriptor, const std::string& path, std::uint32_t mode) {
  if (uninterrupted([&] { return ::fchmod(descriptor, mode); }) != 0) return failed("change the mode of", path);
  return {};
}

Status change_descriptor_owner(int descriptor, const std::string& path, std::uint32_t uid, std::uint32_t gid) {
  if (uninterrupted([&] { return ::fchown(descriptor, uid, gid); }) != 0) return failed("change the owner of", path);
  return {};
}

Result<bool> try_lock_descriptor(int descriptor, const std::string& path, LockKind kind) {
  const int operation = (kind == LockKind::exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
  if (uninterrupted([&] { return ::flock(descriptor, operation); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return failed("lock", path);
}

}  // namespace lockstep::fs::posix
