// Kernel locks with a bound on waiting: they die with the process, so none is ever stale.
#pragma once

#include <memory>
#include <string>

#include "durable/runtime.h"

namespace lockstep::durable {

// Opens (creating it, 0600) and locks `name` exclusively. A lock file that was removed while we waited guards nothing:
// nullptr then, and the caller starts over. Errors: lock_timeout, and those of the file system.
Result<std::unique_ptr<fs::File>> lock_file(Runtime& runtime, fs::Directory& directory, const std::string& name);

// Like lock_file for an existing lock file, shared and without writing: for readers that want no writer under way.
// nullptr when it is not there.
Result<std::unique_ptr<fs::File>> lock_file_shared(Runtime& runtime, fs::Directory& directory, const std::string& name);

// Locks the directory itself exclusively; the lock lasts as long as the directory stays open.
Status lock_directory(Runtime& runtime, fs::Directory& directory);

}  // namespace lockstep::durable
