// Looking at a store without changing it: what `lockstep doctor` reports.
#pragma once

#include <string>
#include <vector>

#include "durable/generation_store.h"

namespace lockstep::durable {

enum class FindingKind {
  damage,    // no crash leaves this; a checksum, a pointer or a record is wrong
  edited,    // a person changed it: it can be adopted
  leftover,  // a crash or a failure left it: the next command removes or finishes it
  note,      // worth knowing; nothing to do
};

struct Finding {
  FindingKind kind = FindingKind::damage;
  std::string path;     // what it is about
  std::string message;  // what is wrong and what to do
};
std::string_view finding_kind_name(FindingKind kind);

struct StoreReport {
  std::string path;
  std::string kind;                 // empty when the manifest cannot be read
  Generation current = 0;           // 0 when there is none
  std::vector<Generation> history;  // generations on disk, ascending
  std::vector<Finding> findings;
  [[nodiscard]] bool damaged() const;  // any finding of the kind damage or edited
};

// Waits for a writer under way (shared lock), so that its unfinished work is not taken for left-overs. Errors:
// lock_timeout, and those of the file system when the store cannot be looked at at all.
Result<StoreReport> inspect_store(Runtime& runtime, const std::string& path);

// Keeps writers out as long as it lives, for a look at more than the store's own files. nullptr for a store that has no
// lock file: nobody has written yet. Errors: lock_timeout, those of the file system.
Result<std::unique_ptr<fs::File>> keep_writers_out(Runtime& runtime, const std::string& path);

// True when the next writer would have something to clean up, or to refuse: readers recover first then, if they may.
Result<bool> needs_recovery(fs::FileSystem& files, const std::string& path);

// The stores at or below a path, at most three levels down, sorted. A path that is a store is the only one.
Result<std::vector<std::string>> find_stores(fs::FileSystem& files, const std::string& path);

}  // namespace lockstep::durable
