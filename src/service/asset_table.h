// The files of the page as the build embeds them; what is asked for is found by assets.h.
#pragma once

#include <span>
#include <string_view>

#include "service/assets.h"

namespace lockstep::service {

struct NamedAsset {
  std::string_view name;  // "/index.html", "/assets/index-1a2b3c4d.js"
  Asset asset;
};

// Sorted by name. Generated from the page's sources by ui/embed.mjs.
std::span<const NamedAsset> asset_table();

}  // namespace lockstep::service
