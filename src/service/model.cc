#include "service/model.h"

#include <unicase.h>
#include <uninorm.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "crypto/digest.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

bool says_nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

const Json* present(const Json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || says_nothing(*found)) return nullptr;
  return &*found;
}

std::string text(const Json& value, const char* key, std::string otherwise = {}) {
  const Json* found = present(value, key);
  return found == nullptr ? std::move(otherwise) : found->get<std::string>();
}

template <class Number>
Number number(const Json& value, const char* key, Number otherwise) {
  const Json* found = present(value, key);
  // 443.0 is a whole number too.
  return found == nullptr ? otherwise : static_cast<Number>(found->get<double>());
}

std::vector<std::string> texts(const Json& value, const char* key) {
  const Json* found = present(value, key);
  return found == nullptr ? std::vector<std::string>() : found->get<std::vector<std::string>>();
}

void append_unknown(const Stored& stored, const Json& all_known, Json* out) {
  if (!stored || !stored->is_object()) return;
  for (const auto& [key, value] : stored->items()) {
    if (!all_known.contains(key)) (*out)[key] = value;
  }
}

std::string tag_of(const std::string& content) {
  constexpr std::size_t kDigits = 32;  // half of SHA-256: nobody makes two objects agree on it by accident
  return "\"" + crypto::sha256_hex(content).substr(0, kDigits) + "\"";
}

template <class Item>
std::string tag_of_all(const std::vector<Item>& items) {
  std::string content;
  for (const Item& item : items) content += to_json(item).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return tag_of(content);
}

template <class Item>
const Item* find(const std::vector<Item>& items, const std::string& id) {
  const auto found = std::ranges::find(items, id, &Item::id);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

Server server_from_json(const Json& value) {
  Server server;
  server.id = text(value, "id");
  server.name = text(value, "name");
  server.ip = text(value, "ip");
  server.dns_address = text(value, "dnsAddress");
  server.port = number(value, "port", server.port);
  server.protocol = text(value, "protocol", server.protocol);
  server.server_name = text(value, "serverName");
  server.check_interval_seconds = number(value, "checkIntervalSeconds", server.check_interval_seconds);
  server.consecutive_successes = number(value, "consecutiveSuccesses", server.consecutive_successes);
  server.consecutive_failures = number(value, "consecutiveFailures", server.consecutive_failures);
  server.expiry_warning_days = number(value, "expiryWarningDays", server.expiry_warning_days);
  server.ca_bundle = text(value, "caBundle");
  server.tags = texts(value, "tags");
  server.stored = std::make_shared<const Json>(value);
  return server;
}

Group group_from_json(const Json& value, std::size_t position) {
  constexpr std::size_t kLastRow = 100;
  Group group;
  group.id = text(value, "id");
  group.name = text(value, "name");
  group.order = number(value, "order", static_cast<int>(position) + 1);
  group.server_ids = texts(value, "serverIds");
  group.row_number = number(value, "rowNumber", static_cast<int>(std::min(position + 1, kLastRow)));
  group.row_order = number(value, "rowOrder", 1);
  group.stored = std::make_shared<const Json>(value);
  return group;
}

Json to_json(const Server& server) {
  static const Json kOptional = {{"serverName", 0}, {"caBundle", 0}, {"tags", 0}};
  Json out;
  out["id"] = server.id;
  out["name"] = server.name;
  out["ip"] = server.ip;
  out["dnsAddress"] = server.dns_address;
  out["port"] = server.port;
  out["protocol"] = server.protocol;
  if (!server.server_name.empty()) out["serverName"] = server.server_name;
  out["checkIntervalSeconds"] = server.check_interval_seconds;
  out["consecutiveSuccesses"] = server.consecutive_successes;
  out["consecutiveFailures"] = server.consecutive_failures;
  out["expiryWarningDays"] = server.expiry_warning_days;
  if (!server.ca_bundle.empty()) out["caBundle"] = server.ca_bundle;
  if (!server.tags.empty()) out["tags"] = server.tags;
  Json known = out;
  known.update(kOptional);
  append_unknown(server.stored, known, &out);
  return out;
}

Json to_json(const Group& group) {
  Json out;
  out["id"] = group.id;
  out["name"] = group.name;
  out["order"] = group.order;
  out["serverIds"] = group.server_ids;
  out["rowNumber"] = group.row_number;
  out["rowOrder"] = group.row_order;
  append_unknown(group.stored, out, &out);
  return out;
}

std::string entity_tag(const Server& server) {
  return tag_of(to_json(server).dump(-1, ' ', false, Json::error_handler_t::replace));
}
std::string entity_tag(const Group& group) {
  return tag_of(to_json(group).dump(-1, ' ', false, Json::error_handler_t::replace));
}
std::string entity_tag(const std::vector<Server>& servers) { return tag_of_all(servers); }
std::string entity_tag(const std::vector<Group>& groups) { return tag_of_all(groups); }

const Server* Configuration::server(const std::string& id) const { return find(servers, id); }
const Group* Configuration::group(const std::string& id) const { return find(groups, id); }

std::string folded(const std::string& name) {
  std::size_t length = 0;
  std::uint8_t* made = u8_casefold(reinterpret_cast<const std::uint8_t*>(name.data()), name.size(), nullptr,
                                   UNINORM_NFC, nullptr, &length);
  if (made == nullptr) return name;  // no memory, or no text: then it is like itself alone
  std::string out(reinterpret_cast<const char*>(made), length);
  std::free(made);
  return out;
}

}  // namespace lockstep::service
