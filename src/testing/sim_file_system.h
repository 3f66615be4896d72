// A strict simulation of a file system, for tests: it behaves like Linux while it runs and loses whatever was not
// fsynced when it crashes.
//
// The rules of a crash (10-durability.md, "The seam and the proof"): of a file each 512-byte piece, the size, the mode,
// the owner and each attribute survive or not, independently, until fsync(file); of a directory each change of its
// names, until fsync(directory). fsync of a file says nothing about its name, fsync of a directory nothing about what
// the names lead to. What a failing fsync covered may or may not be on disk for good. A rename within a directory is
// one change; one between directories is two.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "testing/sim_crash.h"

namespace lockstep::testing {

namespace sim {
class Core;
}

// One call of the seam, before it is done.
struct Operation {
  std::uint64_t index = 0;  // running, from 0 since the last set_hook()
  std::string kind;         // "open", "create", "write", "fsync", "rename", …: see the handles
  std::string path;
  bool mutates = false;  // changes what is on disk or what may survive
};

struct Verdict {
  enum class Action {
    proceed,
    fail,   // with `error`, an errno value; fsync then fails as a disk's does, everything else does nothing
    skip,   // says success without doing it; only for calls that give no value
    delay,  // says success, and is done right after the next call that mutates; only for such as give no value
  };
  Action action = Action::proceed;
  int error = 0;
};

using OperationHook = std::function<Verdict(const Operation&)>;

struct TreeEntry {
  fs::FileType type = fs::FileType::regular;
  sim::Attributes attributes;
  std::string content;  // or the target of a symbolic link
  bool operator==(const TreeEntry&) const = default;
};
using Tree = std::map<std::string, TreeEntry>;  // by absolute path; "/" is in it

// What differs, a line each, at most `limit` lines; empty for equal trees.
std::string describe_difference(const Tree& before, const Tree& after, std::size_t limit = 10);

// May be used from several threads (each handle from one at a time). Handles may outlive it. A crash is not an event
// of the running system: take images and boot them.
class SimFileSystem final : public fs::FileSystem {
 public:
  SimFileSystem();                                // an empty root directory
  explicit SimFileSystem(const SimImage& image);  // after the crash; the machine boots
  ~SimFileSystem() override;
  SimFileSystem(const SimFileSystem&) = delete;
  SimFileSystem& operator=(const SimFileSystem&) = delete;

  // The working directory is the root.
  Result<std::unique_ptr<fs::Directory>> open_directory(const std::string& path) override;
  Result<fs::Stat> stat_path(const std::string& path) override;
  Result<std::string> real_path(const std::string& path) override;
  Result<std::string> absolute_path(const std::string& path) override;
  Result<std::unique_ptr<fs::File>> open_for_reading(const std::string& path) override;
  [[nodiscard]] std::uint32_t effective_user() const override;

  // Asked before every call of the seam (not before closing by destruction); counts from 0 again. It may take images.
  void set_hook(OperationHook hook);
  // Calls since set_hook() or the start.
  [[nodiscard]] std::uint64_t operation_count() const;
  // Called between a call and the one that `delay` put off until after it: a moment that only the exchanged order has.
  void set_delay_hook(std::function<void()> hook);
  // Does what a `delay` still holds back.
  void finish_delayed();

  // From now on EROFS for all that changes anything; fsync still works.
  void set_read_only(bool read_only);
  // Of all contents together; a write that does not fit is short first, then ENOSPC.
  void set_capacity(std::optional<std::uint64_t> bytes);
  void set_effective_user(std::uint32_t user);  // also the owner and group of what is made; 1000 at the start
  void set_time(std::int64_t now);              // st_mtime of what changes
  // Without support copy_from and clone_from fail with EOPNOTSUPP. At the start only copying is supported.
  void set_copy_support(bool copy_file_range, bool clone);

  // Everything is on disk, as after a clean shutdown.
  void sync_everything();
  // The visible state, all of it on disk.
  [[nodiscard]] SimImage image() const;
  // What a power cut now may leave.
  [[nodiscard]] std::vector<SimImage> enumerate_crashes(const CrashLimits& limits = {}) const;
  // The state as it is, with what is pending; for CrashEnumerator.
  [[nodiscard]] sim::State state() const;
  // Grows with every change.
  [[nodiscard]] std::uint64_t changes() const;
  [[nodiscard]] Tree dump() const;

  // For arranging a test: not seen by the hook, mistakes end the program, absolute paths. What they do is pending.
  void make_directories(const std::string& path, std::uint32_t mode = 0755);
  void write_file(const std::string& path, std::string_view content, std::uint32_t mode = 0644);  // made or replaced
  void make_symlink(const std::string& target, const std::string& path);
  void make_fifo(const std::string& path);
  // The entry is a mount point: renaming or removing it is EBUSY, and a directory is a device of its own.
  void set_mount_point(const std::string& path);
  // Follows links; nullopt when it is not a readable regular file.
  [[nodiscard]] std::optional<std::string> read_file(const std::string& path) const;

 private:
  std::shared_ptr<sim::Core> core_;
};

}  // namespace lockstep::testing
