// The names that people and programs use: links in the store's directory that lead through `current`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "durable/manifest.h"
#include "durable/runtime.h"

namespace lockstep::durable {

struct StableNames {
  std::vector<std::string> missing;   // members without their link
  std::vector<std::string> stale;     // our links to members that the generation does not have
  std::vector<std::string> replaced;  // members whose link was replaced by a regular file
  std::vector<std::string> foreign;   // members whose name is taken by anything else
};

// Compares the store's directory with a generation's members.
Result<StableNames> examine_stable_names(fs::Directory& store, const Manifest& manifest);

// True when a link leads into `.lockstep`. Where that is gone these are all that tells a store that was damaged from a
// directory that never was one.
Result<bool> has_stable_names(fs::Directory& store);

// The error for a name that is not our link, saying what stands there and what to do.
Error stable_name_error(const fs::Directory& store, const std::string& name, bool regular_file);

// Creates the links; on an error those it made are removed again. Does not fsync.
Status create_stable_names(fs::Directory& store, const std::vector<std::string>& names);

// Removes links; absence is success. Does not fsync.
Status remove_stable_names(fs::Directory& store, const std::vector<std::string>& names);

}  // namespace lockstep::durable
