// Replacing one regular file so that every reader and every restart sees the old or the new content, whole.
//
// Safe from any number of threads and processes at once: the last one to rename wins. After success the new content
// survives a power cut. A failure leaves the old file and no temporary. A symbolic link as the target is resolved
// once, and the file it leads to is replaced in its own directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "durable/runtime.h"

namespace lockstep::durable {

struct AtomicWriteOptions {
  std::optional<std::uint32_t> mode;  // else that of the file it replaces, else 0600
  std::optional<std::uint32_t> uid;   // else that of the file it replaces, else the process's
  std::optional<std::uint32_t> gid;
  bool replace = true;  // false: already_exists when the target is there
};

// Errors: those of the file system, nothing changed; commit_uncertain when the fsync of the directory failed after the
// rename: the new content is visible, and after a power cut it is the old or the new one.
Status atomic_write_bytes(Runtime& runtime, const std::string& path, std::string_view bytes,
                          const AtomicWriteOptions& options = {});

// The same for text: UTF-8 without NUL, else invalid_argument.
Status atomic_write_text(Runtime& runtime, const std::string& path, std::string_view text,
                         const AtomicWriteOptions& options = {});

// The same inside an open directory; `name` is not followed if it is a link.
Status atomic_write_in(Runtime& runtime, fs::Directory& directory, const std::string& name, std::string_view bytes,
                       const AtomicWriteOptions& options = {});

// Removes a file durably. Absence is success. Errors: those of the file system, the file is there; commit_uncertain
// when the fsync of the directory failed after the removal.
Status remove_if_exists(Runtime& runtime, const std::string& path);

// Where writing to `path` ends up: links resolved, whether the last component exists or not.
struct ResolvedTarget {
  std::string directory;
  std::string name;
};
Result<ResolvedTarget> resolve_target(fs::FileSystem& files, const std::string& path);

}  // namespace lockstep::durable
