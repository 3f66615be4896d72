// What a request makes of the configuration: pure functions from (configuration, request) to a new one or a refusal.
#pragma once

#include <expected>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "service/model.h"

namespace lockstep::service {

// Why not, as the client is told.
struct Refusal {
  int status = 400;
  std::string error;
  std::map<std::string, std::string> fields;  // field: message, of a validation error
};

// One thing that was added, updated or deleted, for the audit log.
struct Change {
  std::string what;  // "ADDED", "UPDATED", "DELETED"
  std::string kind;  // "server", "group"
  std::string id;
  std::string name;
  struct Field {
    std::string name;
    std::string from;  // JSON; empty where there was nothing
    std::string to;
  };
  std::vector<Field> fields;
};

struct Applied {
  Configuration after;
  std::string data;  // what the client is answered, as JSON
  std::string tag;   // entity tag of what was made or changed; empty where there is none
};

using EditResult = std::expected<Applied, Refusal>;

// `if_match` is the header as sent, empty without one: 428 then. `*` protects nobody and counts as none; a weak tag
// never fits (RFC 9110 section 13.1.1): 412.
EditResult create_server(const Configuration& before, const nlohmann::ordered_json& body);
EditResult replace_server(const Configuration& before, const std::string& id, const std::string& if_match,
                          const nlohmann::ordered_json& body);
// Takes it out of its groups too.
EditResult delete_server(const Configuration& before, const std::string& id, const std::string& if_match);

EditResult create_group(const Configuration& before, const nlohmann::ordered_json& body);
EditResult replace_group(const Configuration& before, const std::string& id, const std::string& if_match,
                         const nlohmann::ordered_json& body);
enum class Reassign {
  unassign,       // the servers of the group lose it and nothing else
  default_group,  // they join the first of the other groups
};
EditResult delete_group(const Configuration& before, const std::string& id, const std::string& if_match,
                        Reassign reassign);
// The whole arrangement at once; the body names every group exactly once.
EditResult arrange_groups(const Configuration& before, const std::string& if_match, const nlohmann::ordered_json& body);

// What differs, in the order: servers, then groups.
std::vector<Change> changes_between(const Configuration& before, const Configuration& after);

}  // namespace lockstep::service
