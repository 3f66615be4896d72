// What the edits of servers and of groups share.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "service/edits.h"

namespace lockstep::service::edit_checks {

std::unexpected<Refusal> refuse(int status, std::string error);
std::unexpected<Refusal> invalid(std::map<std::string, std::string> fields);
std::unexpected<Refusal> not_found(const char* kind);

// The rules' verdict on a body; a message for each field.
std::map<std::string, std::string> rule_messages(const char* kind, const nlohmann::ordered_json& body);
// The id that a body gives; empty without one.
std::string given_id(const nlohmann::ordered_json& body);
// An id that a new server or group cannot have, because no address would lead to it. What is in the files already
// stays.
void check_new_id(const char* kind, const std::string& id, std::map<std::string, std::string>* messages);
// 428, 412, or nothing.
std::optional<Refusal> precondition(const std::string& if_match, const std::string& tag);

}  // namespace lockstep::service::edit_checks
