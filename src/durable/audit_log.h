// A log of what was decided: one line each, on disk before anybody is told.
//
// Lines are appended to NAME. When it has grown to the limit it becomes NAME.1, what was NAME.1 becomes NAME.2, and so
// on; the oldest goes. A crash may cut the last line off: the next append begins a new line after it.
#pragma once

#include <string>

#include "durable/runtime.h"

namespace lockstep::durable {

struct AuditLimits {
  std::uint64_t bytes = 16U * 1024U * 1024U;  // of one file
  unsigned kept = 4;                          // older files
};

class AuditLog {
 public:
  // Nothing is opened yet. `directory` must be there when something is appended.
  AuditLog(Runtime& runtime, std::string directory, std::string name, const AuditLimits& limits = {})
      : runtime_(runtime), directory_(std::move(directory)), name_(std::move(name)), limits_(limits) {}

  // Appends whole lines, each ending with a newline; on success they survive a power cut. Safe against other threads
  // and processes that append to the same log. Errors: lock_timeout, those of the file system: then some of the lines
  // may be there. A file whose fsync failed is moved aside as if it were full, because the next fsync would say nothing
  // about what it holds.
  Status append(const std::string& lines);

 private:
  // The file under the log's name, locked.
  Result<std::unique_ptr<fs::File>> lock_current(fs::Directory& directory);
  Status rotate(fs::Directory& directory);
  Status write(fs::Directory& directory, fs::File& file, std::uint64_t size, const std::string& lines);

  Runtime& runtime_;
  std::string directory_;
  std::string name_;
  AuditLimits limits_;
};

}  // namespace lockstep::durable
