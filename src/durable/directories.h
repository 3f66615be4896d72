// Making missing directories durably, and taking them away again when what they were for failed.
#pragma once

#include <string>
#include <vector>

#include "durable/runtime.h"

namespace lockstep::durable {

class CreatedDirectories {
 public:
  // Creates what is missing of an absolute path with the mode, and fsyncs the parent of each that is new. The last
  // one's own mode becomes durable with the caller's fsync of what it puts there. On an error what it made is removed
  // again.
  Status ensure(fs::FileSystem& files, const std::string& absolute, std::uint32_t mode);
  // Removes what ensure() made, the deepest first; stops at the first that is not empty (somebody uses it by now).
  void remove(fs::FileSystem& files);
  [[nodiscard]] bool any() const { return !created_.empty(); }

 private:
  Status make(fs::FileSystem& files, const std::string& absolute, std::uint32_t mode);
  std::vector<std::string> created_;
};

}  // namespace lockstep::durable
