#include "acme/objects.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"

namespace lockstep::acme {

namespace {

using nlohmann::json;

constexpr std::size_t kMostIdentifiers = 1000;
constexpr std::size_t kMostChallenges = 64;
constexpr std::size_t kLongestToken = 512;
constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kMostProfiles = 64;
constexpr std::size_t kLongestProfile = 200;  // its name
constexpr std::size_t kShownParts = 8;        // of a problem: an error is read by people, and kept

// A field is missing or of another type: thrown inside this file only.
struct Wrong {
  std::string field;
};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

const json* find(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text(const json& object, const char* name, bool required = true) {
  const json* value = find(object, name);
  if (value == nullptr && !required) return {};
  if (value == nullptr || !value->is_string()) throw Wrong{name};
  std::string result = value->get<std::string>();
  // Words, names and addresses, which are shown, compared and kept: none of them has control characters.
  if (result.size() > kLongestText || std::any_of(result.begin(), result.end(), is_control)) throw Wrong{name};
  return result;
}

std::string url(const json& object, const char* name, const ParseRules& rules, bool required = true) {
  std::string value = text(object, name, required);
  if (value.empty() && !required) return value;
  if (const Status usable = http::check_url(value, rules.insecure_http); !usable)
    throw Wrong{std::string(name) + ": " + usable.error().message};
  return value;
}

const json& array(const json& object, const char* name, std::size_t most) {
  const json* value = find(object, name);
  if (value == nullptr || !value->is_array()) throw Wrong{name};
  if (value->size() > most) throw Wrong{std::string(name) + ": more than " + std::to_string(most)};
  return *value;
}

bool flag(const json& object, const char* name) {
  const json* value = find(object, name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) throw Wrong{name};
  return value->get<bool>();
}

Identifier identifier(const json& object) {
  if (!object.is_object()) throw Wrong{"identifier"};
  const std::string type = text(object, "type");
  if (type != "dns" && type != "ip") throw Wrong{"identifier: type '" + type.substr(0, 40) + "'"};
  return {type == "dns" ? IdentifierType::dns : IdentifierType::ip, text(object, "value")};
}

std::string short_type(const std::string& type) {
  constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
  return type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : type;
}

// What comes from a server is shown on one line and without control characters.
std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 600;
  std::string result;
  for (const char c : text.substr(0, kShown)) result.push_back(is_control(c) ? ' ' : c);
  return result;
}

std::string lenient(const json& object, const char* name) {
  const json* value = find(object, name);
  return value != nullptr && value->is_string() ? shown(value->get_ref<const std::string&>()) : std::string();
}

Problem problem_of(const json& document, int status) {
  Problem problem;
  problem.status = status;
  if (!document.is_object()) return problem;
  problem.type = short_type(lenient(document, "type"));
  problem.detail = lenient(document, "detail");
  problem.instance = lenient(document, "instance");
  const json* parts = find(document, "subproblems");
  if (parts == nullptr || !parts->is_array()) return problem;
  for (const json& part : *parts) {
    if (!part.is_object() || problem.parts.size() == kMostIdentifiers) continue;
    const json* about = find(part, "identifier");
    problem.parts.push_back({about != nullptr && about->is_object() ? lenient(*about, "value") : std::string(),
                             short_type(lenient(part, "type")), lenient(part, "detail")});
  }
  return problem;
}

std::optional<Problem> error_of(const json& object) {
  const json* value = find(object, "error");
  if (value == nullptr) return {};
  return problem_of(*value, 0);
}

// Runs a reader over a document; what it throws is a wrong field.
template <class Reader>
auto read_document(std::string_view body, const char* what, Reader reader) -> Result<decltype(reader(json()))> {
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorCode::acme_bad_answer, std::string("the CA's ") + what + " is not usable: " + why);
  };
  const auto document = parse_json(body, what);
  if (!document) return wrong(document.error().message);
  if (!document->is_object()) return wrong("it is not a JSON object");
  try {
    return reader(*document);
  } catch (const Wrong& missing) {
    return wrong("'" + shown(missing.field) + "' is missing or not what it should be");
  }
}

OrderStatus order_status(const std::string& name) {
  for (const OrderStatus status :
       {OrderStatus::pending, OrderStatus::ready, OrderStatus::processing, OrderStatus::valid, OrderStatus::invalid})
    if (status_name(status) == name) return status;
  throw Wrong{"status: '" + name.substr(0, 40) + "'"};
}

Challenge challenge(const json& object, const ParseRules& rules) {
  if (!object.is_object()) throw Wrong{"challenges"};
  Challenge result;
  result.type = text(object, "type");
  result.url = url(object, "url", rules);
  result.status = text(object, "status");
  result.token = text(object, "token", false);
  // RFC 8555 8.1: only of the base64url alphabet. It becomes a file's name and part of a DNS record.
  const bool plain = result.token.size() <= kLongestToken &&
                     result.token.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (!plain) throw Wrong{"token"};
  result.error = error_of(object);
  return result;
}

}  // namespace

std::string_view status_name(OrderStatus status) {
  switch (status) {
    case OrderStatus::pending: return "pending";
    case OrderStatus::ready: return "ready";
    case OrderStatus::processing: return "processing";
    case OrderStatus::valid: return "valid";
    case OrderStatus::invalid: return "invalid";
  }
  return "invalid";
}

std::string Problem::text() const {
  std::string line = detail.empty() ? (type.empty() ? "HTTP status " + std::to_string(status) : type) : detail;
  if (!type.empty() && !detail.empty()) line += " (" + type + ")";
  for (std::size_t i = 0; i < std::min(parts.size(), kShownParts); ++i)
    line += "; " + (parts[i].identifier.empty() ? std::string() : parts[i].identifier + ": ") + parts[i].detail;
  if (parts.size() > kShownParts) line += "; and " + std::to_string(parts.size() - kShownParts) + " more";
  return line;
}

Result<Directory> parse_directory(std::string_view body, const ParseRules& rules) {
  return read_document(body, "directory", [&](const json& document) {
    Directory directory;
    directory.new_nonce = url(document, "newNonce", rules);
    directory.new_account = url(document, "newAccount", rules);
    directory.new_order = url(document, "newOrder", rules);
    directory.revoke_certificate = url(document, "revokeCert", rules, false);
    directory.key_change = url(document, "keyChange", rules, false);
    directory.renewal_info = url(document, "renewalInfo", rules, false);
    const json* meta = find(document, "meta");
    if (meta == nullptr) return directory;
    if (!meta->is_object()) throw Wrong{"meta"};
    directory.terms_of_service = lenient(*meta, "termsOfService");
    directory.external_account_required = flag(*meta, "externalAccountRequired");
    if (const json* profiles = find(*meta, "profiles"); profiles != nullptr && profiles->is_object()) {
      for (const auto& [name, description] : profiles->items()) {
        if (directory.profiles.size() == kMostProfiles) break;
        if (name.size() > kLongestProfile) continue;
        directory.profiles[shown(name)] =
            description.is_string() ? shown(description.get_ref<const std::string&>()) : "";
      }
    }
    return directory;
  });
}

Result<Account> parse_account(std::string_view body) {
  return read_document(body, "account", [&](const json& document) {
    Account account;
    account.status = text(document, "status");
    if (find(document, "contact") != nullptr) {
      for (const json& contact : array(document, "contact", kMostChallenges)) {
        if (!contact.is_string()) throw Wrong{"contact"};
        account.contacts.push_back(shown(contact.get_ref<const std::string&>()));
      }
    }
    return account;
  });
}

Result<Order> parse_order(std::string_view body, const ParseRules& rules) {
  return read_document(body, "order", [&](const json& document) {
    Order order;
    order.status = order_status(text(document, "status"));
    for (const json& one : array(document, "identifiers", kMostIdentifiers))
      order.identifiers.push_back(identifier(one));
    for (const json& one : array(document, "authorizations", kMostIdentifiers)) {
      if (!one.is_string()) throw Wrong{"authorizations"};
      const std::string link = one.get<std::string>();
      if (!http::check_url(link, rules.insecure_http)) throw Wrong{"authorizations: " + link};
      order.authorizations.push_back(link);
    }
    order.finalize = url(document, "finalize", rules);
    order.certificate = url(document, "certificate", rules, false);
    if (order.status == OrderStatus::valid && order.certificate.empty()) throw Wrong{"certificate"};
    order.error = error_of(document);
    return order;
  });
}

Result<Authorization> parse_authorization(std::string_view body, const ParseRules& rules) {
  return read_document(body, "authorization", [&](const json& document) {
    Authorization authorization;
    authorization.status = text(document, "status");
    const json* about = find(document, "identifier");
    if (about == nullptr) throw Wrong{"identifier"};
    authorization.identifier = identifier(*about);
    authorization.wildcard = flag(document, "wildcard");
    for (const json& one : array(document, "challenges", kMostChallenges))
      authorization.challenges.push_back(challenge(one, rules));
    return authorization;
  });
}

Result<std::optional<RenewalInfo>> parse_renewal_info(std::string_view body) {
  return read_document(body, "renewal information", [&](const json& document) -> std::optional<RenewalInfo> {
    const json* window = find(document, "suggestedWindow");
    if (window == nullptr || !window->is_object()) throw Wrong{"suggestedWindow"};
    // RFC 3339 allows fractions and offsets; what a CA may say is read, what we keep is whole seconds in UTC.
    const auto start = parse_rfc3339_any(text(*window, "start"));
    const auto end = parse_rfc3339_any(text(*window, "end"));
    // 1970 stands for "never" in our records; no certificate is that old.
    if (!start || *start <= 0) throw Wrong{"suggestedWindow.start"};
    if (!end) throw Wrong{"suggestedWindow.end"};
    if (*end <= *start) return std::nullopt;
    return RenewalInfo{*start, *end, lenient(document, "explanationURL")};
  });
}

Problem parse_problem(std::string_view body, int status) {
  const auto document = parse_json(body, "problem");
  if (!document || !document->is_object()) {
    Problem problem;
    problem.status = status;
    return problem;
  }
  return problem_of(*document, status);
}

Identifier identifier_of(const std::string& domain) {
  const bool ip = domain.find(':') != std::string::npos || domain.find_first_not_of("0123456789.") == std::string::npos;
  return {ip ? IdentifierType::ip : IdentifierType::dns, domain};
}

std::string identifiers_json(const std::vector<Identifier>& identifiers) {
  json list = json::array();
  for (const Identifier& one : identifiers)
    list.push_back({{"type", one.type == IdentifierType::dns ? "dns" : "ip"}, {"value", one.value}});
  return list.dump();
}

}  // namespace lockstep::acme
