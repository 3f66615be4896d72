#include "service/edit_checks.h"

#include <nlohmann/json.hpp>

#include "service/rules.h"

namespace lockstep::service::edit_checks {

std::unexpected<Refusal> refuse(int status, std::string error) {
  return std::unexpected(Refusal{status, std::move(error), {}});
}

std::unexpected<Refusal> invalid(std::map<std::string, std::string> fields) {
  return std::unexpected(Refusal{400, "Validation failed", std::move(fields)});
}

std::unexpected<Refusal> not_found(const char* kind) { return refuse(404, std::string(kind) + " not found"); }

std::map<std::string, std::string> rule_messages(const char* kind, const nlohmann::ordered_json& body) {
  std::map<std::string, std::string> messages;
  for (const auto& [field, error] : check_rules(kind, body)) messages.emplace(field, error.message);
  return messages;
}

std::string given_id(const nlohmann::ordered_json& body) {
  const auto found = body.find("id");
  return found == body.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

void check_new_id(const char* kind, const std::string& id, std::map<std::string, std::string>* messages) {
  // RFC 3986 section 5.2.4: whoever asks for it asks for something else.
  if (id == "." || id == "..") messages->emplace("id", "Id must not be . or .., which stand for folders in an address");
  if (id == "order" && std::string_view(kind) == "group")
    messages->emplace("id", "Id must not be order, which stands for the arrangement of the groups in an address");
}

std::optional<Refusal> precondition(const std::string& if_match, const std::string& tag) {
  // Tags are lists; whoever is careful sends one.
  bool fits = false;
  bool any = false;
  for (std::size_t start = 0; start < if_match.size();) {
    const std::size_t end = std::min(if_match.find(',', start), if_match.size());
    std::string one = if_match.substr(start, end - start);
    const std::size_t first = one.find_first_not_of(" \t");
    one = first == std::string::npos ? std::string() : one.substr(first, one.find_last_not_of(" \t") - first + 1);
    if (!one.empty() && one != "*") any = true;
    if (one == tag) fits = true;
    start = end + 1;
  }
  if (!any) return Refusal{428, "Precondition required", {}};
  if (!fits) return Refusal{412, "Changed elsewhere", {}};
  return std::nullopt;
}

}  // namespace lockstep::service::edit_checks
