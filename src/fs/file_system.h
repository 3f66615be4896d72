// The seam under every change to disk: openat-style directories and files, one system call a method.
//
// The product uses the POSIX form (posix_file_system.h); tests use a strict simulation that loses whatever
// was not fsynced. A method does what the system call of its name does and nothing else, so that a crash
// between two methods is a crash between two system calls. Methods of one object are not to be called from
// two threads at once; different objects may be.
//
// Errors carry errno in Error::system_errno and name operation and path.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::fs {

enum class FileType { regular, directory, symlink, other };

struct Stat {
  FileType type = FileType::other;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t link_count = 0;
  std::uint32_t mode = 0;  // permission bits only, 07777
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;     // bytes
  std::int64_t modified = 0;  // seconds since 1970, UTC
};

struct DirectoryEntry {
  std::string name;
  FileType type = FileType::other;  // `other` also when the file system does not say
};

enum class OpenMode {
  read,              // O_RDONLY
  create_exclusive,  // O_RDWR | O_CREAT | O_EXCL
  create_or_open,    // O_RDWR | O_CREAT: lock files, and logs that are appended to
};

enum class LockKind { shared, exclusive };

// An open regular file. Destroying it closes it; close() first where the error matters (after writing).
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual const std::string& path() const = 0;  // for messages only

  virtual Result<std::size_t> read(std::span<char> out) = 0;      // 0 at the end of the file
  virtual Result<std::size_t> write(std::string_view bytes) = 0;  // may write less than asked
  // copy_file_range from the current offset of `source` to the current offset here; 0 at its end. Fails with EXDEV,
  // EINVAL, ENOSYS or EOPNOTSUPP where the file system cannot, and the caller then reads and writes.
  virtual Result<std::size_t> copy_from(File& source, std::size_t count) = 0;
  // FICLONE: all of `source` replaces the content here, sharing blocks. Same errors as copy_from.
  virtual Status clone_from(File& source) = 0;
  virtual Status seek(std::uint64_t offset) = 0;
  // sync_file_range(SYNC_FILE_RANGE_WRITE) over what was written so far: starts write-back early, promises nothing.
  virtual Status start_writeback() = 0;
  virtual Status sync() = 0;  // fsync: data and inode, never the name
  virtual Result<Stat> stat() = 0;
  virtual Status change_mode(std::uint32_t mode) = 0;
  virtual Status change_owner(std::uint32_t uid, std::uint32_t gid) = 0;
  virtual Result<std::vector<std::string>> list_attributes() = 0;  // names of extended attributes
  virtual Result<std::string> get_attribute(const std::string& name) = 0;
  virtual Status set_attribute(const std::string& name, std::string_view value) = 0;
  // flock without waiting: false when another open file holds it. Dies with the process.
  virtual Result<bool> try_lock(LockKind kind) = 0;
  // F_SETLEASE with F_RDLCK, for a file that is open for reading: false when somebody has it open for writing. While it
  // is held, whoever opens the file for writing waits; closing gives it up. EACCES for a file of another user, EINVAL
  // and others where the file system has no leases.
  virtual Result<bool> try_lease() = 0;
  // F_GETLEASE: true when somebody waits for the lease to be given up.
  virtual Result<bool> lease_is_wanted() = 0;
  virtual Status close() = 0;  // once; afterwards only destruction
};

// An open directory. Names are single components: no slash, not "." and not "..".
class Directory {
 public:
  virtual ~Directory() = default;
  [[nodiscard]] virtual const std::string& path() const = 0;  // absolute; for messages and derived paths

  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& name) = 0;  // never follows a link
  virtual Result<std::unique_ptr<File>> open_file(const std::string& name, OpenMode mode,
                                                  std::uint32_t permissions = 0600) = 0;  // never follows a link
  virtual Status make_directory(const std::string& name, std::uint32_t permissions) = 0;
  virtual Status remove_file(const std::string& name) = 0;
  virtual Status remove_directory(const std::string& name) = 0;
  // Replaces an existing `to` at once. `target` may be this directory or another on the same file system.
  virtual Status rename(const std::string& from, Directory& target, const std::string& to) = 0;
  // RENAME_NOREPLACE: EEXIST when `to` is there.
  virtual Status rename_no_replace(const std::string& from, Directory& target, const std::string& to) = 0;
  // RENAME_EXCHANGE within this directory: the two names change places at once. ENOENT when either is missing; EINVAL
  // or ENOSYS where the file system cannot.
  virtual Status exchange(const std::string& one, const std::string& other) = 0;
  virtual Status make_symlink(const std::string& target, const std::string& name) = 0;
  virtual Result<std::string> read_symlink(const std::string& name) = 0;
  virtual Status make_link(const std::string& from, Directory& target, const std::string& to) = 0;
  virtual Result<Stat> stat_entry(const std::string& name) = 0;  // of the link itself, never of its target
  virtual Result<std::vector<DirectoryEntry>> list() = 0;        // without "." and ".."; in no order
  virtual Result<Stat> stat() = 0;
  virtual Status sync() = 0;  // fsync: the names in it
  virtual Status change_mode(std::uint32_t mode) = 0;
  virtual Status change_owner(std::uint32_t uid, std::uint32_t gid) = 0;
  virtual Result<bool> try_lock(LockKind kind) = 0;  // flock on the directory itself
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Opens a directory by path; every symbolic link in it is followed. Directory::path() is the path as made
  // absolute by absolute_path().
  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& path) = 0;
  // lstat by path.
  virtual Result<Stat> stat_path(const std::string& path) = 0;
  // realpath(3): absolute, without links. Every component must exist.
  virtual Result<std::string> real_path(const std::string& path) = 0;
  // Absolute and lexically free of "." and empty components; no link is resolved and nothing need exist.
  virtual Result<std::string> absolute_path(const std::string& path) = 0;
  // For input that may be anything a path can name ("-" is not special): follows links, O_RDONLY | O_NONBLOCK so that
  // a FIFO does not hang; the caller checks stat().type.
  virtual Result<std::unique_ptr<File>> open_for_reading(const std::string& path) = 0;
  [[nodiscard]] virtual std::uint32_t effective_user() const = 0;
};

}  // namespace lockstep::fs
