// The two files as text: what servers.json and dashboard-layout.json say, checked, and how they are written again.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "service/model.h"

namespace lockstep::service {

inline constexpr const char* kServersFile = "servers.json";
inline constexpr const char* kLayoutFile = "dashboard-layout.json";
inline constexpr std::size_t kMostServers = 5'000;
inline constexpr std::size_t kMostGroups = 500;
inline constexpr std::size_t kFileBytes = 16U * 1024U * 1024U;

// What the files hold; nothing for one that is not there. An empty file is not a missing one: it is the beginning of a
// save, and no configuration.
struct FileTexts {
  std::optional<std::string> servers;
  std::optional<std::string> layout;
  bool operator==(const FileTexts&) const = default;
};

// Both files together. Errors: parse_error, too_large and
// invalid_argument, each naming the file and the place in it ("servers.json: server 3 ('Web'): port: …").
Result<Configuration> parse_configuration(const FileTexts& texts);

// Ordinary JSON, two spaces of indent, a newline at the end. An object that no edit has touched is written as it was
// read, without the defaults that it does not spell out.
std::string servers_text(const Configuration& configuration);
std::string layout_text(const Configuration& configuration);

// For an object that an edit has made or changed: its JSON, with the keys in the order that the file had them.
Stored written_form(const Server& server);
Stored written_form(const Group& group);

}  // namespace lockstep::service
