#include "service/host_check.h"

#include <arpa/inet.h>

#include <algorithm>

namespace lockstep::service {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool is_port(std::string_view text) {
  constexpr std::size_t kMostDigits = 5;
  return text.size() <= kMostDigits && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool matches(const std::string& pattern, const std::string& host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::size_t dot = host.find('.');
  return dot != std::string::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789-._";

// As host_of() gives it.
std::string normal(std::string_view name) {
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

std::vector<std::string> all_normal(std::vector<std::string> names) {
  for (std::string& name : names) name = normal(name);
  return names;
}

bool is_among(const std::vector<std::string>& patterns, const std::string& host) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, host); });
}

bool is_address(int family, std::string_view text) {
  in6_addr buffer{};
  return text.find('\0') == std::string_view::npos && ::inet_pton(family, std::string(text).c_str(), &buffer) == 1;
}

// What keeps a name from ever being in a request; empty when nothing does.
std::string trouble_with(std::string_view given) {
  const std::string name = normal(given);
  if (is_address(AF_INET6, name)) return "";
  if (name.find("://") != std::string::npos) return "the name alone is wanted, without https://";
  if (name.find(':') != std::string::npos) return "the name alone is wanted, without a port: every port is good";
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return "requests have the ASCII form of an internationalised name: give that one (xn--…)";
  std::string_view labels = name;
  if (labels.starts_with("*.")) labels.remove_prefix(2);
  const bool empty_label = labels.empty() || labels.starts_with('.') || labels.find("..") != std::string_view::npos;
  if (empty_label || labels.ends_with('.') || labels.find_first_not_of(kPlain) != std::string_view::npos)
    return "this is no host name; a wildcard is the first label of one (*.example.com)";
  return "";
}

std::vector<std::string> with_loopback(std::vector<std::string> names) {
  names = all_normal(std::move(names));
  names.insert(names.end(), {"localhost", "127.0.0.1", "::1"});
  return names;
}

}  // namespace

std::optional<std::string> host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return lower(authority.substr(1, end - 1));
  }
  const std::size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return std::nullopt;
  std::string host = lower(authority.substr(0, colon));
  if (host.ends_with('.')) host.pop_back();  // the root's dot: the same name
  const bool plain = host.find_first_not_of(kPlain) == std::string::npos;
  if (host.empty() || !plain) return std::nullopt;
  return host;
}

bool is_loopback_name(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") return true;
  return host.starts_with("127.") && is_address(AF_INET, host);
}

Status check_host_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string trouble = trouble_with(name);
    if (trouble.empty()) continue;
    std::string shown = name;
    std::ranges::replace_if(shown, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '?');
    return fail(ErrorCode::usage, "--host '" + shown + "': " + trouble);
  }
  return {};
}

HostCheck::HostCheck(std::vector<std::string> names, std::vector<std::string> of_proxy)
    : of_proxy_(all_normal(std::move(of_proxy))), names_(with_loopback(std::move(names))) {}

void HostCheck::replace(std::vector<std::string> names, std::vector<std::string> of_proxy) {
  const std::lock_guard lock(mutex_);
  names_ = with_loopback(std::move(names));
  of_proxy_ = all_normal(std::move(of_proxy));
}

bool HostCheck::is_of_proxy(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  return is_among(of_proxy_, host);
}

bool HostCheck::is_ours(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  return is_among(names_, host) || is_among(of_proxy_, host);
}

// What a browser sends along for a page of this service names it just as the request does. Behind a proxy the scheme is
// the proxy's, and the port as well: some pass the port on in Host and some do not.
bool HostCheck::is_own_origin(std::string_view origin, const http::ServerRequest& request, bool tls) const {
  const std::string asked = lower(origin);
  if (asked == (tls ? "https://" : "http://") + lower(request.host)) return true;
  const auto host = host_of(request.host);
  if (!host || !is_of_proxy(*host)) return false;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!asked.starts_with(scheme)) continue;
    // Nobody who shows TLS here is called without it in front.
    return (scheme == "https://" || !tls) && host_of(std::string_view(asked).substr(scheme.size())) == host;
  }
  return false;
}

std::optional<Refusal> HostCheck::check(const http::ServerRequest& request, bool tls) const {
  const auto host = host_of(request.host);
  if (!host || !is_ours(*host)) return Refusal{403, "Forbidden host", {}};
  const std::string_view origin = request.header("origin");
  if (!origin.empty() && !is_own_origin(origin, request, tls)) return Refusal{403, "Forbidden origin", {}};
  // A browser's own word on who asks, where it gives it (Fetch Metadata).
  const std::string_view site = request.header("sec-fetch-site");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && !site.empty() && site != "same-origin" && site != "none") return Refusal{403, "Forbidden origin", {}};
  return std::nullopt;
}

}  // namespace lockstep::service
