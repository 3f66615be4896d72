// Files that are written and not yet durable.
//
// Each one's write-back is started when it comes in, and all are synced together: the first fsync's journal commit then
// carries all of them, where one fsync after the other would cost a commit each.
#pragma once

#include <memory>
#include <vector>

#include "fs/file_system.h"

namespace lockstep::durable {

class UnsyncedFiles {
 public:
  // Syncs what has come in when that becomes more than a process may well hold open.
  Status add(std::unique_ptr<fs::File> file);
  // Data and inode of each file: an unsynced one comes back empty after a power cut. Their names are not covered.
  Status sync();
  // Closes them as they are.
  void abandon() { files_.clear(); }

 private:
  std::vector<std::unique_ptr<fs::File>> files_;
};

}  // namespace lockstep::durable
