// Being told that files of a directory were changed by others (inotify).
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace lockstep::fs {

class DirectoryWatch {
 public:
  // Errors: not_found and the others of the file system; resource_exhausted when the kernel has no watch left
  // (fs.inotify.max_user_instances, max_user_watches).
  static Result<std::unique_ptr<DirectoryWatch>> open(const std::vector<std::string>& directories);
  virtual ~DirectoryWatch() = default;

  // Waits until an entry with one of these names was written, made, replaced or removed, `longest` at most. True when
  // that happened, or when so much happened that nobody can say. One thread at a time.
  virtual Result<bool> wait(const std::set<std::string>& names, std::chrono::milliseconds longest) = 0;
};

}  // namespace lockstep::fs
