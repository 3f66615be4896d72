// What is known of HTTP without a connection: which URLs may be used, and the headers that matter.
#include "http/client.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace lockstep::http {

namespace {

constexpr std::size_t kLongestUrl = 2000;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

std::unexpected<Error> bad_url(std::string_view url, const std::string& why) {
  std::string shown;
  for (const char c : url.substr(0, 200)) shown.push_back(c > 0x20 && c < 0x7f ? c : '?');
  return fail(ErrorCode::invalid_argument, "the URL '" + shown + "' cannot be used: " + why);
}

std::optional<int> month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* found = std::find(kMonths.begin(), kMonths.end(), name);
  if (found == kMonths.end()) return {};
  return static_cast<int>(found - kMonths.begin()) + 1;
}

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) return {};
  return value;
}

// IMF-fixdate (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". The two obsolete forms are sent by nobody.
std::optional<UnixSeconds> parse_date(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return {};
  const auto day = number(text.substr(5, 2));
  const auto month = month_number(text.substr(8, 3));
  const auto year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (!day || !month || !year || !hour || !minute || !second) return {};
  if (*day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return {};
  return unix_from_civil({*year, *month, *day, *hour, *minute, *second});
}

// One link-value: "<target>; rel="a b"; other=…". The target when the relation is among those named.
std::optional<std::string> target_of(std::string_view value, std::string_view relation) {
  const std::size_t open = value.find('<');
  const std::size_t close = value.find('>', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  std::string_view rest = value.substr(close + 1);
  while (!rest.empty()) {
    const std::size_t semicolon = rest.find(';');
    const std::string_view parameter = trim(rest.substr(0, semicolon));
    rest.remove_prefix(semicolon == std::string_view::npos ? rest.size() : semicolon + 1);
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || lower(trim(parameter.substr(0, equals))) != "rel") continue;
    std::string_view relations = trim(parameter.substr(equals + 1));
    if (relations.size() >= 2 && relations.front() == '"' && relations.back() == '"')
      relations = relations.substr(1, relations.size() - 2);
    while (!relations.empty()) {
      const std::size_t space = relations.find(' ');
      if (lower(relations.substr(0, space)) == relation) return std::string(value.substr(open + 1, close - open - 1));
      relations.remove_prefix(space == std::string_view::npos ? relations.size() : space + 1);
    }
  }
  return {};
}

// Several link-values in one header are separated by commas, which may also stand in targets and quoted texts.
std::vector<std::string_view> split_links(std::string_view value) {
  std::vector<std::string_view> parts;
  bool in_target = false;
  bool in_quotes = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '"' && !in_target) in_quotes = !in_quotes;
    if (c == '<' && !in_quotes) in_target = true;
    if (c == '>' && !in_quotes) in_target = false;
    if (c != ',' || in_target || in_quotes) continue;
    parts.push_back(value.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(value.substr(begin));
  return parts;
}

}  // namespace

std::string Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

Status check_url(std::string_view url, bool insecure_http) {
  if (url.size() > kLongestUrl) return bad_url(url, "it is longer than 2000 characters");
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return bad_url(url, "it holds characters that no URL has");
  const std::size_t scheme_end = url.find("://");
  const std::string scheme = lower(url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme != "https" && scheme != "http") return bad_url(url, "it does not begin with https://");
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return bad_url(url, "it names a user");
  if (url.find('#') != std::string_view::npos) return bad_url(url, "it has a fragment");
  if (authority.find('\\') != std::string_view::npos) return bad_url(url, "it holds characters that no host has");
  std::string_view host = authority;
  if (const std::size_t colon = authority.rfind(':');
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos)
    host = authority.substr(0, colon);
  if (host.empty()) return bad_url(url, "it names no host");
  if (scheme == "http") {
    if (!insecure_http) return bad_url(url, "it is not https");
    if (!is_loopback(lower(host))) return bad_url(url, "plain http is allowed to this machine only");
  }
  return {};
}

std::optional<std::int64_t> parse_retry_after(std::string_view value, UnixSeconds now) {
  constexpr std::size_t kMostDigits = 9;
  const std::string_view text = trim(value);
  if (!text.empty() && text.size() <= kMostDigits && text.find_first_not_of("0123456789") == std::string_view::npos)
    return number(text);
  const auto date = parse_date(text);
  if (!date) return {};
  return std::max<std::int64_t>(0, *date - now);
}

std::vector<std::string> links(const Response& response, std::string_view relation) {
  std::vector<std::string> targets;
  for (const auto& [name, value] : response.headers) {
    if (name != "link") continue;
    for (const std::string_view part : split_links(value)) {
      if (auto target = target_of(part, relation)) targets.push_back(std::move(*target));
    }
  }
  return targets;
}

}  // namespace lockstep::http
