// What an ACME server says, each thing by itself: the first byte says which. Whatever is accepted keeps the limits that
// the rest of the client builds on; whatever is not is refused by an error that names the thing.
#include <algorithm>

#include "acme/objects.h"
#include "acme_answer.h"
#include "input.h"

namespace {

using namespace lockstep;
using namespace lockstep::acme;
using fuzz::require;

constexpr std::size_t kMostNames = 1000;
constexpr std::size_t kLongestText = 4096;
constexpr UnixSeconds kNow = 1'772'366'400;

void check_url(const std::string& url, const ParseRules& rules, bool required) {
  if (url.empty() && !required) return;
  require(http::check_url(url, rules.insecure_http).has_value(), "an accepted URL may be used", url);
}

void check_problem(const Problem& problem) {
  require(problem.parts.size() <= kMostNames, "a problem has a bounded number of parts");
  for (const std::string_view what : {"cannot do it", ""}) fuzz::check_error(problem_error(problem, what));
}

// The error names what was wrong with which answer.
template <class T>
bool refused(const Result<T>& parsed, std::string_view what) {
  if (parsed) return false;
  fuzz::check_error(parsed.error());
  require(parsed.error().code == ErrorCode::acme_bad_answer, "an unusable answer is the CA's fault");
  require(parsed.error().message.find(what) != std::string::npos, "an error names the answer", parsed.error().message);
  return true;
}

void check_directory(std::string_view body, const ParseRules& rules) {
  const auto parsed = parse_directory(body, rules);
  if (refused(parsed, "directory")) return;
  for (const std::string* url : {&parsed->new_nonce, &parsed->new_account, &parsed->new_order})
    check_url(*url, rules, true);
  for (const std::string* url : {&parsed->revoke_certificate, &parsed->key_change, &parsed->renewal_info})
    check_url(*url, rules, false);
  require(parsed->terms_of_service.size() <= kLongestText, "terms are of a bounded length");
  require(parsed->profiles.size() <= 64, "a directory has a bounded number of profiles");
  for (const auto& [name, description] : parsed->profiles)
    require(name.size() + description.size() <= kLongestText, "a profile is of a bounded length");
}

void check_order(std::string_view body, const ParseRules& rules) {
  const auto parsed = parse_order(body, rules);
  if (refused(parsed, "order")) return;
  require(parsed->identifiers.size() <= kMostNames && parsed->authorizations.size() <= kMostNames,
          "an order is of a bounded size");
  for (const std::string& url : parsed->authorizations) check_url(url, rules, true);
  check_url(parsed->finalize, rules, true);
  check_url(parsed->certificate, rules, parsed->status == OrderStatus::valid);
  for (const Identifier& one : parsed->identifiers)
    require(one.value.size() <= kLongestText, "an identifier is of a bounded length");
  if (parsed->error) check_problem(*parsed->error);
}

void check_authorization(std::string_view body, const ParseRules& rules) {
  const auto parsed = parse_authorization(body, rules);
  if (refused(parsed, "authorization")) return;
  require(parsed->challenges.size() <= 64, "an authorization has a bounded number of challenges");
  for (const Challenge& challenge : parsed->challenges) {
    check_url(challenge.url, rules, true);
    const bool plain = std::ranges::all_of(challenge.token, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    require(plain && challenge.token.size() <= 512, "a token may be a file's name", challenge.token);
    if (challenge.error) check_problem(*challenge.error);
  }
}

void check_account(std::string_view body) {
  const auto parsed = parse_account(body);
  if (refused(parsed, "account")) return;
  require(parsed->contacts.size() <= 64, "an account has a bounded number of contacts");
}

void check_renewal_info(std::string_view body) {
  const auto parsed = parse_renewal_info(body);
  if (refused(parsed, "renewal information") || !*parsed) return;
  require((*parsed)->start < (*parsed)->end, "a window ends after it begins");
  // It is kept in the certificate's state, where times have four digits of a year.
  for (const UnixSeconds time : {(*parsed)->start, (*parsed)->end}) {
    const auto again = parse_rfc3339(format_rfc3339(time));
    require(again && *again == time, "a moment can be written down", format_rfc3339(time));
  }
}

void check_headers(std::string_view value) {
  const auto wait = http::parse_retry_after(value, kNow);
  require(!wait || *wait >= 0, "nobody waits for a negative time");
  const http::Response response{.status = 429, .headers = {{"retry-after", std::string(value)}}, .body = {}};
  const Error error = answer_error(response, "cannot do it", kNow);
  fuzz::check_error(error);
  require(error.retry_after >= 0, "an error's wait is not negative");
  const http::Response linked{.status = 200, .headers = {{"link", std::string(value)}}, .body = {}};
  for (const std::string& target : http::links(linked, "alternate"))
    require(value.find("<" + target + ">") != std::string_view::npos, "a link's target stands in its header", target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  fuzz::Input input(fuzz::text_of(data, size));
  constexpr std::size_t kKinds = 7;
  const std::size_t kind = input.pick(kKinds);
  const ParseRules rules{.insecure_http = size > 0 && (data[0] & 0x80U) != 0};
  const std::string_view body = fuzz::text_of(data, size).substr(size == 0 ? 0 : 1);
  switch (kind) {
    case 0: check_directory(body, rules); break;
    case 1: check_order(body, rules); break;
    case 2: check_authorization(body, rules); break;
    case 3: check_account(body); break;
    case 4: check_renewal_info(body); break;
    case 5: check_problem(parse_problem(body, 400)); break;
    default: check_headers(body); break;
  }
  return 0;
}
