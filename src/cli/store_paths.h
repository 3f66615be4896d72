// Which stores a command is about.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace lockstep::cli {

// The stores at or below the given paths; without any, those of the CA and of the certificate folders that exist.
// Error: not_found for a path that does not exist.
Result<std::vector<std::string>> store_paths(Context& context, const std::vector<std::string>& paths);

// Refuses a place for an output that lies in a store's directory or in a folder beside its members (a CA's certs/): the
// store's commands would take the file for their own. `option` is what errors call it. Error: foreign_file.
Status refuse_in_store(Context& context, const std::string& option, const std::string& path);

}  // namespace lockstep::cli
