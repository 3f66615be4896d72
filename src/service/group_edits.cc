// Edits of groups and of their arrangement.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "service/configuration_files.h"
#include "service/edit_checks.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;
using Messages = std::map<std::string, std::string>;
using namespace edit_checks;

constexpr int kLastRow = 100;
constexpr int kLastPlace = 100;
constexpr int kLastOrder = 10'000;

// "group-7" after "group-6": one more than the highest, so that the id of one that was deleted last but one is not
// given again to another.
std::string next_id(const std::vector<Group>& groups) {
  constexpr std::string_view kPrefix = "group-";
  unsigned long highest = 0;
  for (const Group& group : groups) {
    if (!group.id.starts_with(kPrefix)) continue;
    unsigned long number = 0;
    const char* begin = group.id.data() + kPrefix.size();
    const char* end = group.id.data() + group.id.size();
    const auto [stopped, error] = std::from_chars(begin, end, number);
    constexpr unsigned long kMostDigits = 1'000'000'000'000;
    if (error == std::errc() && stopped == end && number < kMostDigits) highest = std::max(highest, number);
  }
  // A number beyond the most digits counts for nothing, but it may be there.
  std::string id;
  do {
    id = std::string(kPrefix) + std::to_string(++highest);
  } while (std::ranges::find(groups, id, &Group::id) != groups.end());
  return id;
}

// What the rules cannot know: other groups and the servers.
void check_against(const Configuration& configuration, const Group& group, Messages* messages) {
  for (const Group& other : configuration.groups) {
    if (other.id != group.id && folded(other.name) == folded(group.name))
      messages->emplace("name", "Another group has this name");
  }
  for (std::size_t i = 0; i < group.server_ids.size(); ++i) {
    if (configuration.server(group.server_ids[i]) == nullptr)
      messages->emplace("serverIds." + std::to_string(i), "There is no such server");
  }
}

bool says(const Json& body, const char* key) {
  const auto found = body.find(key);
  return found != body.end() && !found->is_null();
}

// What a body leaves out: a row of its own below the others, or the end of the last one there can be.
void place_new(const Configuration& configuration, const Json& body, Group* group) {
  int last_row = 0;
  int last_order = 0;
  for (const Group& other : configuration.groups) {
    last_row = std::max(last_row, other.row_number);
    last_order = std::max(last_order, other.order);
  }
  if (!says(body, "order")) group->order = std::min(last_order + 1, kLastOrder);
  if (!says(body, "rowNumber")) group->row_number = std::min(last_row + 1, kLastRow);
  if (says(body, "rowOrder")) return;
  int last_place = 0;
  for (const Group& other : configuration.groups) {
    if (other.row_number == group->row_number) last_place = std::max(last_place, other.row_order);
  }
  group->row_order = std::min(last_place + 1, kLastPlace);
}

Applied applied(Configuration after, const Group& group) {
  Applied out;
  out.data = to_json(group).dump(-1, ' ', false, Json::error_handler_t::replace);
  out.tag = entity_tag(group);
  out.after = std::move(after);
  return out;
}

}  // namespace

EditResult create_group(const Configuration& before, const Json& body) {
  auto messages = rule_messages("group", body);
  check_new_id("group", given_id(body), &messages);
  if (!messages.empty()) return invalid(std::move(messages));
  if (before.groups.size() >= kMostGroups)
    return refuse(400, "There are " + std::to_string(kMostGroups) + " groups, which is the most");
  Group group = group_from_json(body, before.groups.size());
  place_new(before, body, &group);
  const bool own_id = !group.id.empty();
  if (!own_id) group.id = next_id(before.groups);
  if (before.group(group.id) != nullptr) return refuse(409, "Group id '" + group.id + "' is taken");
  check_against(before, group, &messages);
  if (!messages.empty()) return invalid(std::move(messages));
  group.stored = std::make_shared<const Json>(to_json(group));
  Configuration after = before;
  after.groups.push_back(group);
  return applied(std::move(after), group);
}

EditResult replace_group(const Configuration& before, const std::string& id, const std::string& if_match,
                         const Json& body) {
  const Group* old = before.group(id);
  if (old == nullptr) return not_found("Group");
  if (auto refused = precondition(if_match, entity_tag(*old))) return std::unexpected(std::move(*refused));
  auto messages = rule_messages("group", body);
  const std::string given = given_id(body);
  if (!given.empty() && given != id) messages.emplace("id", "The id of a group stays");
  if (!messages.empty()) return invalid(std::move(messages));
  Group group = group_from_json(body, 0);
  group.id = id;
  // Where it stands is no business of who changes its name or its servers.
  if (!says(body, "order")) group.order = old->order;
  if (!says(body, "rowNumber")) group.row_number = old->row_number;
  if (!says(body, "rowOrder")) group.row_order = old->row_order;
  check_against(before, group, &messages);
  if (!messages.empty()) return invalid(std::move(messages));
  group.stored = old->stored;
  group.stored = written_form(group);
  Configuration after = before;
  *std::ranges::find(after.groups, id, &Group::id) = group;
  return applied(std::move(after), group);
}

EditResult delete_group(const Configuration& before, const std::string& id, const std::string& if_match,
                        Reassign reassign) {
  const Group* old = before.group(id);
  if (old == nullptr) return not_found("Group");
  if (auto refused = precondition(if_match, entity_tag(*old))) return std::unexpected(std::move(*refused));
  Applied out;
  out.after = before;
  const std::vector<std::string> servers = old->server_ids;
  std::erase_if(out.after.groups, [&](const Group& group) { return group.id == id; });
  std::vector<std::string> reassigned;
  const auto first = std::ranges::min_element(out.after.groups, {}, &Group::order);
  if (reassign == Reassign::default_group && first != out.after.groups.end()) {
    for (const std::string& server : servers) {
      if (std::ranges::find(first->server_ids, server) != first->server_ids.end()) continue;
      first->server_ids.push_back(server);
      reassigned.push_back(server);
    }
    if (!reassigned.empty()) first->stored = written_form(*first);
  }
  out.data = Json{{"deletedId", id}, {"reassignedServers", reassigned}}.dump();
  return out;
}

EditResult arrange_groups(const Configuration& before, const std::string& if_match, const Json& body) {
  if (auto refused = precondition(if_match, entity_tag(before.groups))) return std::unexpected(std::move(*refused));
  const auto list = body.find("groups");
  if (list == body.end() || !list->is_array()) return invalid({{"groups", "Must be the list of all groups"}});
  Messages messages;
  Applied out;
  out.after = before;
  std::set<std::string> named;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string at = "groups." + std::to_string(i);
    Json place = (*list)[i];
    const std::string id = given_id(place);
    const auto group = std::ranges::find(out.after.groups, id, &Group::id);
    if (group == out.after.groups.end() || !named.insert(id).second) {
      messages.emplace(at + ".id", group == out.after.groups.end() ? "There is no such group" : "It is there twice");
      continue;
    }
    // The name is no part of an arrangement.
    place["name"] = group->name;
    for (auto& [field, message] : rule_messages("group", place)) messages.emplace(at + "." + field, message);
    for (const char* key : {"order", "rowNumber", "rowOrder", "serverIds"}) {
      if (!says(place, key)) messages.emplace(at + "." + key, "Must be given");
    }
    if (!messages.empty()) continue;
    const Group wanted = group_from_json(place, i);
    Messages own;
    check_against(before, wanted, &own);
    for (auto& [field, message] : own) messages.emplace(at + "." + field, message);
    group->order = wanted.order;
    group->row_number = wanted.row_number;
    group->row_order = wanted.row_order;
    group->server_ids = wanted.server_ids;
    if (to_json(*group) != to_json(*before.group(id))) group->stored = written_form(*group);
  }
  if (messages.empty() && named.size() != before.groups.size())
    messages.emplace("groups", "Must name every group exactly once");
  if (!messages.empty()) return invalid(std::move(messages));
  Json groups = Json::array();
  for (const Group& group : out.after.groups) groups.push_back(to_json(group));
  out.data = Json{{"groups", groups}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  out.tag = entity_tag(out.after.groups);
  return out;
}

}  // namespace lockstep::service
