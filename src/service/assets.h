// The page's files, which are in the program itself.
#pragma once

#include <optional>
#include <string_view>

namespace lockstep::service {

struct Asset {
  std::string_view content;
  std::string_view content_type;
  std::string_view etag;   // strong, in its quotes
  bool immutable = false;  // its name changes with its content: it may be kept for ever
};

// `path` is that of the request, without its query: "/", "/config" (both are the page), "/logo.svg", "/assets/…". It is
// compared with the names in a table, byte by byte, and never becomes a path of anything.
std::optional<Asset> find_asset(std::string_view path);

}  // namespace lockstep::service
