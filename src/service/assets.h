// The page's files, which are in the program itself.
#pragma once

#include <optional>
#include <string_view>

namespace lockstep::service {

struct Asset {
  std::string_view content;
  std::string_view content_type;
  bool immutable = false;  // its name changes with its content: it may be kept for ever
};

// `path` is that of the request, without its query: "/", "/config", "/assets/…". It is looked up in a table, and never
// a path of anything.
std::optional<Asset> find_asset(std::string_view path);

}  // namespace lockstep::service
