// Which stores a command is about.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/context.h"

namespace lockstep::cli {

struct StorePaths {
  std::vector<std::string> stores;
  std::vector<std::string> others;                         // directories given that are no stores themselves
  std::vector<std::pair<std::string, Error>> unreachable;  // paths given that could not be looked at
};

// The stores at or below the given paths; without any, those of the CA and of the certificate folders that exist. A
// path that cannot be looked at is in `unreachable`, and the others count all the same.
Result<StorePaths> store_paths(Context& context, const std::vector<std::string>& paths);

// Refuses a place for an output that lies in a store's directory or in a folder beside its members (a CA's certs/): the
// store's commands would take the file for their own. `option` is what errors call it. Error: foreign_file.
Status refuse_in_store(Context& context, const std::string& option, const std::string& path);

}  // namespace lockstep::cli
