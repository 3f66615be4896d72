// Looking at a store without changing it: what `lockstep doctor` reports.
#pragma once

#include <string>
#include <vector>

#include "durable/generation_store.h"

namespace lockstep::durable {

enum class FindingKind {
  damage,      // no crash leaves this; a checksum, a pointer or a record is wrong
  unreadable,  // it could not be looked at (an I/O error, no permission): nothing is known, and nothing is repaired
  edited,      // a person changed it: it can be adopted
  leftover,    // a crash or a failure left it: the next command removes or finishes it
  note,        // worth knowing; nothing to do
};

struct Finding {
  FindingKind kind = FindingKind::damage;
  std::string path;  // what it is about
  std::string what;  // what is wrong with it
  std::string hint;  // the remedy; a command to be pasted where there is one, empty where there is nothing to do
};
std::string_view finding_kind_name(FindingKind kind);

// The finding for an error met while looking at `path`: damage, or unreadable. An error's own hint goes before `hint`
// where the file could not be read.
Finding finding_of(const Error& error, std::string path, std::string hint);

// "lockstep doctor --repair STORE".
std::string repair_command(const std::string& store_path);

struct StoreReport {
  std::string path;
  std::string kind;                 // empty when the manifest cannot be read
  Generation current = 0;           // 0 when there is none
  std::vector<Generation> history;  // generations on disk, ascending
  std::vector<Finding> findings;
  bool edited = false;  // a member or a name of the live generation is not what was committed, for whatever reason
  [[nodiscard]] bool has(FindingKind finding_kind) const;
  [[nodiscard]] bool damaged() const;  // any finding of the kind damage or edited
};

// A store whose `.lockstep` is gone, though names that lead into it are there, is reported as damage.
// Waits for a writer under way (shared lock), so that its unfinished work is not taken for left-overs. Errors:
// lock_timeout, and those of the file system when the store cannot be looked at at all.
Result<StoreReport> inspect_store(Runtime& runtime, const std::string& path);

// Keeps writers out as long as it lives, for a look at more than the store's own files. nullptr for a store that has no
// lock file: nobody has written yet. Errors: lock_timeout, those of the file system.
Result<std::unique_ptr<fs::File>> keep_writers_out(Runtime& runtime, const std::string& path);

// True when the next writer would have something to clean up, or to refuse: readers recover first then, if they may.
Result<bool> needs_recovery(fs::FileSystem& files, const std::string& path);

// The stores at or below a path, at most three levels down, sorted. A path that is a store is the only one. One that
// lost its `.lockstep` counts as long as a stable name is left.
Result<std::vector<std::string>> find_stores(fs::FileSystem& files, const std::string& path);

// What publishes that were cut off left in a directory of plain files: records that `lockstep recover` finishes, and
// such as it cannot. Reads only.
Result<std::vector<Finding>> inspect_published(fs::FileSystem& files, const std::string& directory);

}  // namespace lockstep::durable
