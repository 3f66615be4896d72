// An HTTP/1.1 server for a few small answers: challenges, metrics, health. Boost.Beast behind a plain interface.
//
// Everything that a stranger can make large or slow is bounded: connections, header and body sizes, the time of a
// request.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace lockstep::http {

struct ServerRequest {
  std::string method;  // as sent: "GET"
  std::string target;  // path and query as sent, beginning with "/"
  std::string host;    // the Host header, empty without one
  std::string body;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using Handler = std::function<ServerResponse(const ServerRequest&)>;

struct ServerLimits {
  std::size_t connections = 64;              // beyond that a new one waits in the kernel's queue
  std::size_t header_bytes = 8U * 1024U;     // 431 beyond
  std::size_t body_bytes = 64U * 1024U;      // 413 beyond
  std::chrono::milliseconds request{5'000};  // from accepting, or from the answer before, to the whole request
};

class Server {
 public:
  // Listens on "ADDRESS:PORT", "[IPv6]:PORT", ":PORT" (all addresses, both families) or "PORT" (the same); port 0 takes
  // a free one. The handler runs in the server's own thread. Errors: invalid_argument, permission_denied (a port below
  // 1024), already_exists (the port is taken; the hint says by which option another is chosen).
  static Result<std::unique_ptr<Server>> listen(const std::string& address, Handler handler,
                                                const ServerLimits& limits = {});
  // Closes the socket and every connection, and waits for the thread.
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace lockstep::http
