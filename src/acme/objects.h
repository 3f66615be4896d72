// What an ACME server says (RFC 8555 section 7.1): its directory, accounts, orders, authorizations, challenges and
// problems, parsed from bounded JSON. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/solver.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"

namespace lockstep::acme {

struct Identifier {
  IdentifierType type = IdentifierType::dns;
  std::string value;  // "api.example.com", "*.example.com", "192.0.2.1"
  auto operator<=>(const Identifier&) const = default;
};

// A problem document (RFC 7807, RFC 8555 section 6.7).
struct Problem {
  std::string type;  // without "urn:ietf:params:acme:error:"; whole when it is another kind
  std::string detail;
  int status = 0;
  struct Part {
    std::string identifier;
    std::string type;
    std::string detail;
  };
  std::vector<Part> parts;  // subproblems
  std::string instance;     // an address for people

  // One line for people: what the server says, and of which name.
  [[nodiscard]] std::string text() const;
};

struct Directory {
  std::string new_nonce, new_account, new_order, revoke_certificate, key_change;
  std::string renewal_info;  // RFC 9773; empty when the CA has none
  std::string terms_of_service;
  bool external_account_required = false;
  std::map<std::string, std::string> profiles;  // name and description
};

struct Account {
  std::string status;  // "valid", "deactivated", "revoked"
  std::vector<std::string> contacts;
};

enum class OrderStatus { pending, ready, processing, valid, invalid };
std::string_view status_name(OrderStatus status);

struct Order {
  OrderStatus status = OrderStatus::pending;
  std::vector<Identifier> identifiers;
  std::vector<std::string> authorizations;
  std::string finalize;
  std::string certificate;  // empty until it is valid
  std::optional<Problem> error;
};

struct Challenge {
  std::string type, url, token, status;
  std::optional<Problem> error;
};

struct Authorization {
  std::string status;  // "pending", "valid", "invalid", "deactivated", "expired", "revoked"
  Identifier identifier;
  bool wildcard = false;
  std::vector<Challenge> challenges;
};

// RFC 9773 section 4.2.
struct RenewalInfo {
  UnixSeconds start = 0;
  UnixSeconds end = 0;
  std::string explanation_url;
};

// Every URL in them may be used (http::check_url). Errors: acme_bad_answer naming what is missing or wrong.
struct ParseRules {
  bool insecure_http = false;
};
Result<Directory> parse_directory(std::string_view body, const ParseRules& rules);
Result<Account> parse_account(std::string_view body);
Result<Order> parse_order(std::string_view body, const ParseRules& rules);
Result<Authorization> parse_authorization(std::string_view body, const ParseRules& rules);
// A window whose end is not after its start is none: nothing.
Result<std::optional<RenewalInfo>> parse_renewal_info(std::string_view body);

// Any body of a failed request: a text that is no problem document becomes a problem without a type.
Problem parse_problem(std::string_view body, int status);

// What the problem means for us: its ErrorCode, message and hint; `what` says what was asked for.
Error problem_error(const Problem& problem, std::string_view what);

// The error of an answer that is not a success, Retry-After included.
Error answer_error(const http::Response& response, std::string_view what, UnixSeconds now);

// A DNS name (may begin with "*.") or an IP address as an identifier.
Identifier identifier_of(const std::string& domain);
// The identifiers as the payload of newOrder has them.
std::string identifiers_json(const std::vector<Identifier>& identifiers);

}  // namespace lockstep::acme
