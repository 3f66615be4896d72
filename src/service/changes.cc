// What differs between two configurations, for the audit log.
#include <nlohmann/json.hpp>

#include "service/edits.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

std::string shown(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Of something that is new, or gone, the other side says nothing.
std::vector<Change::Field> fields_between(const Json& from, const Json& to) {
  std::vector<Change::Field> fields;
  for (const auto& [key, value] : to.items()) {
    if (!from.contains(key)) {
      fields.push_back({key, "", shown(value)});
    } else if (from.at(key) != value) {
      fields.push_back({key, shown(from.at(key)), shown(value)});
    }
  }
  for (const auto& [key, value] : from.items()) {
    if (!to.contains(key)) fields.push_back({key, shown(value), ""});
  }
  return fields;
}

template <class Item>
void compare(const char* kind, const std::vector<Item>& before, const std::vector<Item>& after,
             std::vector<Change>* out) {
  std::map<std::string, const Item*> old;
  for (const Item& item : before) old.emplace(item.id, &item);
  for (const Item& item : after) {
    const auto found = old.find(item.id);
    if (found == old.end()) {
      out->push_back({"ADDED", kind, item.id, item.name, fields_between(Json::object(), to_json(item))});
      continue;
    }
    // The same object, untouched: nothing to compare.
    if (item.stored != found->second->stored) {
      auto fields = fields_between(to_json(*found->second), to_json(item));
      if (!fields.empty()) out->push_back({"UPDATED", kind, item.id, item.name, std::move(fields)});
    }
    old.erase(found);
  }
  for (const Item& item : before) {
    if (!old.contains(item.id)) continue;
    out->push_back({"DELETED", kind, item.id, item.name, fields_between(to_json(item), Json::object())});
  }
}

}  // namespace

std::vector<Change> changes_between(const Configuration& before, const Configuration& after) {
  std::vector<Change> changes;
  compare("server", before.servers, after.servers, &changes);
  compare("group", before.groups, after.groups, &changes);
  return changes;
}

}  // namespace lockstep::service
