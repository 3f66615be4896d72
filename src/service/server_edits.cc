// Edits of servers.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "service/configuration_files.h"
#include "service/edit_checks.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;
using namespace edit_checks;

// "server-001": the lowest that is free.
std::string free_id(const std::vector<Server>& servers) {
  constexpr std::size_t kDigits = 3;
  std::set<std::string> taken;
  for (const Server& server : servers) taken.insert(server.id);
  for (std::size_t number = 1;; ++number) {
    std::string digits = std::to_string(number);
    if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
    std::string id = "server-" + digits;
    if (!taken.contains(id)) return id;
  }
}

Applied applied(Configuration after, const Server& server) {
  Applied out;
  out.data = to_json(server).dump(-1, ' ', false, Json::error_handler_t::replace);
  out.tag = entity_tag(server);
  out.after = std::move(after);
  return out;
}

}  // namespace

EditResult create_server(const Configuration& before, const Json& body) {
  auto messages = rule_messages("server", body);
  check_new_id("server", given_id(body), &messages);
  if (!messages.empty()) return invalid(std::move(messages));
  if (before.servers.size() >= kMostServers)
    return refuse(400, "There are " + std::to_string(kMostServers) + " servers, which is the most");
  Server server = server_from_json(body);
  if (server.id.empty()) server.id = free_id(before.servers);
  if (before.server(server.id) != nullptr) return refuse(409, "Server id '" + server.id + "' is taken");
  server.stored = std::make_shared<const Json>(to_json(server));
  Configuration after = before;
  after.servers.push_back(server);
  return applied(std::move(after), server);
}

EditResult replace_server(const Configuration& before, const std::string& id, const std::string& if_match,
                          const Json& body) {
  const Server* old = before.server(id);
  if (old == nullptr) return not_found("Server");
  if (auto refused = precondition(if_match, entity_tag(*old))) return std::unexpected(std::move(*refused));
  auto messages = rule_messages("server", body);
  const std::string given = given_id(body);
  if (!given.empty() && given != id) messages.emplace("id", "The id of a server stays");
  if (!messages.empty()) return invalid(std::move(messages));
  Server server = server_from_json(body);
  server.id = id;
  server.stored = old->stored;  // the keys that are unknown here
  server.stored = written_form(server);
  Configuration after = before;
  *std::ranges::find(after.servers, id, &Server::id) = server;
  return applied(std::move(after), server);
}

EditResult delete_server(const Configuration& before, const std::string& id, const std::string& if_match) {
  const Server* old = before.server(id);
  if (old == nullptr) return not_found("Server");
  if (auto refused = precondition(if_match, entity_tag(*old))) return std::unexpected(std::move(*refused));
  Applied out;
  out.after = before;
  std::erase_if(out.after.servers, [&](const Server& server) { return server.id == id; });
  for (Group& group : out.after.groups) {
    if (std::erase(group.server_ids, id) > 0) group.stored = written_form(group);
  }
  out.data = Json{{"deletedId", id}}.dump();
  return out;
}

}  // namespace lockstep::service
