// What is watched and how it is shown: values, and their JSON as the two files and the REST interface have it.
//
// Keys that are unknown here belong to somebody else: they stay with the object that they came in, in the order that
// the person who wrote the file gave them.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lockstep::service {

using Stored = std::shared_ptr<const nlohmann::ordered_json>;  // as the file has it; nothing for a new one

struct Server {
  std::string id;
  std::string name;
  std::string ip;           // may be empty where dns_address is not
  std::string dns_address;  // may be empty where ip is not
  std::uint16_t port = 443;
  std::string protocol = "tls";  // "tls", "tcp", "https"
  std::string server_name;       // in the handshake; empty: the DNS address
  std::int64_t check_interval_seconds = 30;
  int consecutive_successes = 3;  // until it counts as online
  int consecutive_failures = 3;   // until it counts as offline
  int expiry_warning_days = 30;
  std::string ca_bundle;  // path of a PEM file; empty: the system's roots
  std::vector<std::string> tags;
  Stored stored;
};

struct Group {
  std::string id;
  std::string name;
  int order = 1;
  std::vector<std::string> server_ids;
  int row_number = 1;
  int row_order = 1;
  Stored stored;
};

// Reads values that have passed check_rules(): an absent field takes its default.
Server server_from_json(const nlohmann::ordered_json& value);
// `position` is the group's in its list, from 0: it stands in for what is absent.
Group group_from_json(const nlohmann::ordered_json& value, std::size_t position);

// All known fields (those that may be left out only where they say something), then the unknown ones.
nlohmann::ordered_json to_json(const Server& server);
nlohmann::ordered_json to_json(const Group& group);

// The strong entity tag of one object, of all servers, of all groups (RFC 9110 section 8.8.3), with its quotes.
std::string entity_tag(const Server& server);
std::string entity_tag(const Group& group);
std::string entity_tag(const std::vector<Server>& servers);
std::string entity_tag(const std::vector<Group>& groups);

// Everything that the two files say.
struct Configuration {
  std::vector<Server> servers;
  std::vector<Group> groups;
  Stored layout;  // the object around the list of groups, with the keys that are somebody else's

  [[nodiscard]] const Server* server(const std::string& id) const;
  [[nodiscard]] const Group* group(const std::string& id) const;
};

// Two names that are the same to a person: without regard to case (Unicode's full case folding, normalized).
std::string folded(const std::string& name);

}  // namespace lockstep::service
