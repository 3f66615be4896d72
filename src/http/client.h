// An HTTP client for small documents: one request, one bounded answer. The transport behind it is libcurl; tests script
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace lockstep::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";  // GET, HEAD or POST
  std::string url;
  Headers headers;
  std::string body;
};

struct Response {
  int status = 0;
  Headers headers;  // names in lower case
  std::string body;

  // The first header of that name (in lower case), empty without one.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class Client {
 public:
  virtual ~Client() = default;
  // Safe from several threads. Any status is an answer; redirects are not followed. Errors: invalid_argument (a URL
  // that may not be used), network, untrusted (the server's certificate), too_large, timed_out.
  virtual Result<Response> send(const Request& request) = 0;
};

// What the client shows to servers that ask who it is.
struct ClientIdentity {
  std::string certificate_pem;  // the leaf first, then its chain
  SecretBytes key_pem;
};

struct ClientOptions {
  std::string user_agent;
  std::shared_ptr<const ClientIdentity> identity;  // none: nobody in particular
  std::string ca_bundle;                           // PEM file; empty: the system's
  bool insecure_http = false;                      // plain http, to loopback addresses only
  std::size_t body_limit = 1U << 20U;              // bytes
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{30'000};  // of the whole exchange
};

// Error: resource_exhausted or not_found when libcurl cannot be had.
Result<std::unique_ptr<Client>> make_client(ClientOptions options);

// Is this a URL that may be used: https, or with `insecure_http` plain http to localhost, 127.0.0.0/8 or [::1]; with a
// host, without a user and without a fragment, at most 2000 printable characters? Error: invalid_argument saying why
// not.
Status check_url(std::string_view url, bool insecure_http);

// Retry-After (RFC 9110 10.2.3) in seconds from `now`: a number of seconds, or an HTTP date. Nothing for another text,
// and for a time that is over 0.
std::optional<std::int64_t> parse_retry_after(std::string_view value, UnixSeconds now);

// The targets of Link headers (RFC 8288) with that relation, in order.
std::vector<std::string> links(const Response& response, std::string_view relation);

}  // namespace lockstep::http
