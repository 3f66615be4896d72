#include "service/host_check.h"

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

std::vector<std::string> with_loopback(std::vector<std::string> names) {
  for (std::string& name : names) name = lower(name);
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
  const bool plain = host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string::npos;
  if (host.empty() || !plain) return std::nullopt;
  return host;
}

HostCheck::HostCheck(std::vector<std::string> names) : names_(with_loopback(std::move(names))) {}

void HostCheck::replace(std::vector<std::string> names) {
  const std::lock_guard lock(mutex_);
  names_ = with_loopback(std::move(names));
}

bool HostCheck::is_ours(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(names_, [&](const std::string& name) { return matches(name, host); });
}

std::optional<Refusal> HostCheck::check(const http::ServerRequest& request, bool tls) const {
  const auto host = host_of(request.host);
  if (!host || !is_ours(*host)) return Refusal{403, "Forbidden host", {}};
  const std::string_view origin = request.header("origin");
  // What a browser sends along for a page of this service names it just as the request does.
  if (!origin.empty() && lower(origin) != (tls ? "https://" : "http://") + lower(request.host))
    return Refusal{403, "Forbidden origin", {}};
  // A browser's own word on who asks, where it gives it (Fetch Metadata).
  const std::string_view site = request.header("sec-fetch-site");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && !site.empty() && site != "same-origin" && site != "none") return Refusal{403, "Forbidden origin", {}};
  return std::nullopt;
}

}  // namespace lockstep::service
