#include "service/configuration_files.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "service/rules.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDepth = 16;
constexpr int kIndent = 2;

// For a log and a terminal: one line, and nothing that a terminal obeys. The two bytes of U+0080 to U+009F are control
// characters as well.
std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool second_set = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (second_set) text.erase(i + 1, 1);
    if (second_set || c < 0x20 || c == 0x7f) text[i] = '?';
  }
  return text;
}

// Where an error is, in words that lead a person to it.
std::string place(const char* file, const char* what, std::size_t index, const Json& value) {
  constexpr std::size_t kMostOfName = 200;
  std::string out = std::string(file) + ": " + what + " " + std::to_string(index + 1);
  if (value.is_object() && value.contains("name") && value.at("name").is_string())
    out += " ('" + value.at("name").get<std::string>().substr(0, kMostOfName) + "')";
  return out + ": ";
}

std::unexpected<Error> wrong(const std::string& message) {
  return fail(ErrorCode::invalid_argument, message, "correct the file");
}

// With what the file itself says in it: names, keys.
std::unexpected<Error> for_people(Error error) {
  error.message = printable(std::move(error.message));
  return fail(std::move(error));
}

Status check_object(const char* file, const char* kind, std::size_t index, const Json& value) {
  const std::string where = place(file, kind, index, value);
  if (!value.is_object()) return wrong(where + "is not an object");
  for (const auto& [field, error] : check_rules(kind, value)) return wrong(where + field + ": " + error.message);
  if (!value.contains("id") || value.at("id").is_null() || value.at("id") == "")
    return wrong(where + "id: it needs one, such as \"" + kind + "-" + std::to_string(index + 1) + "\"");
  return {};
}

Result<std::vector<Server>> read_servers(const std::optional<std::string>& text) {
  std::vector<Server> servers;
  if (!text) return servers;
  const Json value = TRY(parse_ordered_json(*text, kServersFile, {.bytes = kFileBytes, .depth = kDepth}));
  if (!value.is_array()) return wrong(std::string(kServersFile) + ": must be a list of servers: [ … ]");
  if (value.size() > kMostServers)
    return fail(ErrorCode::too_large, std::string(kServersFile) + ": " + std::to_string(value.size()) +
                                          " servers, the limit is " + std::to_string(kMostServers));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < value.size(); ++i) {
    TRY(check_object(kServersFile, "server", i, value[i]));
    Server server = server_from_json(value[i]);
    if (!ids.insert(server.id).second)
      return wrong(place(kServersFile, "server", i, value[i]) + "id: '" + server.id + "' is there twice");
    servers.push_back(std::move(server));
  }
  return servers;
}

Status check_group(const Group& group, std::size_t index, const std::set<std::string>& servers,
                   std::set<std::string>* ids, std::set<std::string>* names) {
  const std::string where = place(kLayoutFile, "group", index, *group.stored);
  if (!ids->insert(group.id).second) return wrong(where + "id: '" + group.id + "' is there twice");
  if (!names->insert(folded(group.name)).second) return wrong(where + "name: another group has it");
  for (const std::string& id : group.server_ids) {
    if (!servers.contains(id)) return wrong(where + "serverIds: there is no server '" + id + "' in " + kServersFile);
  }
  return {};
}

Status read_groups(const std::optional<std::string>& text, Configuration* configuration) {
  if (!text) return {};
  Json value = TRY(parse_ordered_json(*text, kLayoutFile, {.bytes = kFileBytes, .depth = kDepth}));
  if (!value.is_object()) return wrong(std::string(kLayoutFile) + ": must be an object: {\"groups\": [ … ]}");
  const Json groups = value.contains("groups") ? value.at("groups") : Json::array();
  if (!groups.is_array()) return wrong(std::string(kLayoutFile) + ": groups: must be a list");
  if (groups.size() > kMostGroups)
    return fail(ErrorCode::too_large, std::string(kLayoutFile) + ": " + std::to_string(groups.size()) +
                                          " groups, the limit is " + std::to_string(kMostGroups));
  std::set<std::string> servers;
  for (const Server& server : configuration->servers) servers.insert(server.id);
  std::set<std::string> ids;
  std::set<std::string> names;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    TRY(check_object(kLayoutFile, "group", i, groups[i]));
    Group group = group_from_json(groups[i], i);
    TRY(check_group(group, i, servers, &ids, &names));
    configuration->groups.push_back(std::move(group));
  }
  value["groups"] = Json::array();
  configuration->layout = std::make_shared<const Json>(std::move(value));
  return {};
}

// The new values under the old keys, which stay where they were; what has become empty goes.
template <class Item>
Stored merged(const Item& item, std::initializer_list<const char*> optional) {
  Json fresh = to_json(item);
  if (!item.stored || !item.stored->is_object()) return std::make_shared<const Json>(std::move(fresh));
  Json out = *item.stored;
  for (const auto& [key, value] : fresh.items()) out[key] = value;
  for (const char* key : optional) {
    if (!fresh.contains(key)) out.erase(key);
  }
  return std::make_shared<const Json>(std::move(out));
}

std::string file_text(const Json& value) {
  return value.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<Configuration> parse_configuration(const FileTexts& texts) {
  Configuration configuration;
  auto servers = read_servers(texts.servers);
  if (!servers) return for_people(std::move(servers).error());
  configuration.servers = std::move(*servers);
  auto groups = read_groups(texts.layout, &configuration);
  if (!groups) return for_people(std::move(groups).error());
  return configuration;
}

std::string servers_text(const Configuration& configuration) {
  Json out = Json::array();
  for (const Server& server : configuration.servers) out.push_back(server.stored ? *server.stored : to_json(server));
  return file_text(out);
}

std::string layout_text(const Configuration& configuration) {
  Json groups = Json::array();
  for (const Group& group : configuration.groups) groups.push_back(group.stored ? *group.stored : to_json(group));
  Json out = configuration.layout ? *configuration.layout : Json::object();
  out["groups"] = std::move(groups);
  return file_text(out);
}

Stored written_form(const Server& server) { return merged(server, {"serverName", "caBundle", "tags"}); }
Stored written_form(const Group& group) { return merged(group, {}); }

}  // namespace lockstep::service
