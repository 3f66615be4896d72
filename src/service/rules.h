// What a server and a group may be, as rules.json says it: the one source for this program and for its page, which has
// an interpreter of its own. rules_cases.json is the table that both are held against.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace lockstep::service {

struct RuleError {
  std::string kind;     // "required", "invalid", "duplicate", "atLeastOneOf"
  std::string message;  // for the person who fills in the field
};
using RuleErrors = std::map<std::string, RuleError>;  // by field: "name", "serverIds.2"

// What is wrong with a value. `kind` is "server" or "group"; keys that the rules do not know are nobody's business.
RuleErrors check_rules(std::string_view kind, const nlohmann::ordered_json& value);

// The known fields of a kind with the default where there is one, in the order of rules.json: an object.
const nlohmann::ordered_json& rule_fields(std::string_view kind);

// The document, as GET /api/rules answers it.
std::string_view rules_document();

}  // namespace lockstep::service
