// By which names this service may be called. A page of somebody else's that has had its own name resolved to our
// address (DNS rebinding), or that sends a form here, is told nothing and can change nothing.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/server.h"
#include "service/edits.h"

namespace lockstep::service {

class HostCheck {
 public:
  // Names and addresses without port; "*.example.com" stands for one label. Loopback's names are always good.
  explicit HostCheck(std::vector<std::string> names);

  // Other names from now on: another certificate is shown. Safe from any thread.
  void replace(std::vector<std::string> names);

  // Nothing when the request may be answered.
  [[nodiscard]] std::optional<Refusal> check(const http::ServerRequest& request, bool tls) const;

 private:
  [[nodiscard]] bool is_ours(const std::string& host) const;
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
};

// The host of "HOST[:PORT]", in lower case, an IPv6 address without its brackets; nothing for what is none.
std::optional<std::string> host_of(std::string_view authority);

}  // namespace lockstep::service
