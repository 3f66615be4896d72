// Which stores a command is about.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace lockstep::cli {

// The stores at or below the given paths; without any, those of the CA and of the certificate folders that exist.
// Error: not_found for a path that does not exist.
Result<std::vector<std::string>> store_paths(Context& context, const std::vector<std::string>& paths);

}  // namespace lockstep::cli
