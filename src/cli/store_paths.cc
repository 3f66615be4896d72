#include "cli/store_paths.h"

#include <cerrno>

#include "durable/inspect.h"

namespace lockstep::cli {

Result<std::vector<std::string>> store_paths(Context& context, const std::vector<std::string>& paths) {
  std::vector<std::string> wanted = paths;
  const bool defaults = wanted.empty();
  if (defaults) {
    wanted.push_back(TRY(context.data_directory()));
    wanted.push_back(TRY(context.root()));
  }
  std::vector<std::string> stores;
  for (const std::string& path : wanted) {
    auto found = durable::find_stores(context.environment().files, path);
    if (!found && defaults && found.error().system_errno == ENOENT) continue;
    if (!found) return fail(std::move(found).error());
    for (std::string& store : *found) {
      if (std::find(stores.begin(), stores.end(), store) == stores.end()) stores.push_back(std::move(store));
    }
  }
  return stores;
}

}  // namespace lockstep::cli
