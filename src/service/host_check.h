// By which names this service may be called. A page of somebody else's that has had its own name resolved to our
// address (DNS rebinding), or that sends a form here, is told nothing and can change nothing.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/server.h"
#include "service/edits.h"

namespace lockstep::service {

class HostCheck {
 public:
  // Names and addresses without port; "*.example.com" stands for one label. Loopback's names are always good.
  // `of_proxy`: names of a proxy in front of this service, which may take requests by HTTPS, and on another port, and
  // pass them on by HTTP.
  explicit HostCheck(std::vector<std::string> names, std::vector<std::string> of_proxy = {});

  // Other names from now on: another certificate is shown, the configuration was read again. Safe from any thread.
  void replace(std::vector<std::string> names, std::vector<std::string> of_proxy);

  // Nothing when the request may be answered.
  [[nodiscard]] std::optional<Refusal> check(const http::ServerRequest& request, bool tls) const;

 private:
  [[nodiscard]] bool is_ours(const std::string& host) const;
  [[nodiscard]] bool is_own_origin(std::string_view origin, const http::ServerRequest& request, bool tls) const;
  [[nodiscard]] bool is_of_proxy(const std::string& host) const;
  mutable std::mutex mutex_;
  std::vector<std::string> of_proxy_;
  std::vector<std::string> names_;
};

// Can a request ever be for each of these names (as HostCheck takes them)? Error: usage, with the name and what is
// wrong about it.
Status check_host_names(const std::vector<std::string>& names);
// True for "localhost" and the addresses of loopback, as host_of() gives them.
bool is_loopback_name(std::string_view host);

// The host of "HOST[:PORT]", in lower case, an IPv6 address without its brackets; nothing for what is none.
std::optional<std::string> host_of(std::string_view authority);

}  // namespace lockstep::service
