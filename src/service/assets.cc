#include "service/assets.h"

#include <algorithm>

#include "service/asset_table.h"

namespace lockstep::service {

std::optional<Asset> find_asset(std::string_view path) {
  // The page decides itself what it shows at which of its addresses.
  const std::string_view name = path == "/" || path == "/config" ? "/index.html" : path;
  const auto table = asset_table();
  const auto found = std::ranges::find(table, name, &NamedAsset::name);
  if (found == table.end()) return std::nullopt;
  return found->asset;
}

}  // namespace lockstep::service
