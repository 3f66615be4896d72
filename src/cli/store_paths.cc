#include "cli/store_paths.h"

#include <cerrno>

#include "durable/atomic_file.h"
#include "durable/inspect.h"
#include "fs/io.h"

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

Status refuse_in_store(Context& context, const std::string& option, const std::string& path) {
  fs::FileSystem& files = context.environment().files;
  const auto target = durable::resolve_target(files, path);
  if (!target) return {};  // why it cannot be written is said by whoever writes it
  const std::string parent = fs::split_path(target->directory).parent;
  for (const std::string& directory : {target->directory, parent}) {
    if (!files.stat_path(fs::join_path(directory, durable::kControlDirectory))) continue;
    return fail(ErrorCode::foreign_file, option + ": '" + path + "' lies in the store '" + directory + "'",
                "name a place elsewhere");
  }
  return {};
}

}  // namespace lockstep::cli
