#include "cli/store_paths.h"

#include <algorithm>
#include <cerrno>

#include "durable/atomic_file.h"
#include "durable/inspect.h"
#include "fs/io.h"

namespace lockstep::cli {

Result<StorePaths> store_paths(Context& context, const std::vector<std::string>& paths) {
  std::vector<std::string> wanted = paths;
  const bool defaults = wanted.empty();
  if (defaults) {
    wanted.push_back(TRY(context.data_directory()));
    wanted.push_back(TRY(context.root()));
  }
  StorePaths result;
  for (const std::string& path : wanted) {
    auto found = durable::find_stores(context.environment().files, path);
    if (!found && defaults && found.error().system_errno == ENOENT) continue;
    if (!found) {
      result.unreachable.emplace_back(path, std::move(found).error());
      continue;
    }
    const std::string absolute = TRY(context.environment().files.absolute_path(path));
    const bool is_store = std::find(found->begin(), found->end(), absolute) != found->end();
    if (!is_store && !defaults) result.others.push_back(path);
    for (std::string& store : *found) {
      if (std::find(result.stores.begin(), result.stores.end(), store) == result.stores.end())
        result.stores.push_back(std::move(store));
    }
  }
  return result;
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
