// An HTTP/1.1 server for small answers, plain or with TLS. Boost.Beast behind a plain interface.
//
// Everything that a stranger can make large or slow is bounded: connections in all and from one address, header and
// body sizes, the time of a handshake and of a request.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "http/listening_socket.h"

namespace lockstep::http {

struct ServerRequest {
  std::string method;  // as sent: "GET"
  std::string target;  // path and query as sent, beginning with "/"
  std::string host;    // the Host header, empty without one
  std::string body;
  std::string accept;                   // the Accept header, empty without one
  std::string address;                  // of the client: "192.0.2.1"
  std::vector<std::string> peer_chain;  // DER of the client's certificate and of what it sent with it; TLS alone
  std::vector<std::pair<std::string, std::string>> headers;  // all, names in lower case

  // The value of the first header of that name, which is given in lower case; empty without one.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

// An answer that goes on: frames to one client until either side ends it. Every member is safe from any thread.
class EventStream {
 public:
  // Shared, so that what goes to a thousand clients lies in memory once.
  using Frame = std::shared_ptr<const std::string>;

  virtual ~EventStream() = default;
  // Queues the frame. False when the client is gone, or when more than ServerLimits::stream_bytes wait for it already:
  // then the connection is closed.
  virtual bool send(Frame frame) = 0;
  // Ends the connection when what was queued has been written.
  virtual void close() = 0;
  // Called once when the client is gone or was closed, at once when that has happened; from the server's thread or the
  // caller's, never from within send(), and not later than the server's destructor.
  virtual void on_closed(std::function<void()> told) = 0;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones; a value with control characters is a 500
  // When set, the header is sent without a length and without the body above, and this is called in the server's
  // thread: the connection stays for as long as the stream is wanted. Not called for HEAD.
  std::function<void(std::shared_ptr<EventStream>)> stream = {};
};

using Handler = std::function<ServerResponse(const ServerRequest&)>;

// Gives the answer to one request: once, from any thread. False when it comes too late to be sent: after
// ServerLimits::answer, or when the server is gone.
using Responder = std::function<bool(ServerResponse)>;
// Returns at once; what it returns is said when the responder was not called within ServerLimits::answer.
using AsyncHandler = std::function<ServerResponse(const ServerRequest&, Responder)>;

struct ServerLimits {
  std::size_t connections = 64;              // beyond that a new one waits in the kernel's queue
  std::size_t connections_of_address = 0;    // beyond that a new one is closed; 0: no limit
  std::size_t header_bytes = 8U * 1024U;     // 431 beyond
  std::size_t body_bytes = 64U * 1024U;      // 413 beyond
  std::chrono::milliseconds request{5'000};  // from accepting, or from the answer before, to the whole request
  std::chrono::milliseconds answer{10'000};  // that an asynchronous handler may take
  std::size_t stream_bytes = 1024U * 1024U;  // that may wait for a client of a stream
  std::string methods = "GET, HEAD, POST";   // that reach the handler, as in Allow; 405 for others
};

// Told of what never reached the handler: a handshake that failed, a request that could not be read, was too large or
// did not come in time. In the server's thread.
struct Unanswered {
  std::string address;
  int status = 0;    // that was answered; 0 where there was nobody to answer
  std::string what;  // in words, for a log
};
using UnansweredObserver = std::function<void(const Unanswered&)>;

// What a server shows for itself.
struct TlsIdentity {
  std::string certificate_pem;  // the server's certificate, then what leads from it towards a root
  SecretBytes key_pem;
};

class Server {
 public:
  // Listens on "ADDRESS:PORT", "[IPv6]:PORT", ":PORT" (all addresses, both families) or "PORT" (the same); port 0 takes
  // a free one. The handler runs in the server's own thread. Errors: invalid_argument, permission_denied (a port below
  // 1024), already_exists (the port is taken; the hint says by which option another is chosen).
  static Result<std::unique_ptr<Server>> listen(const std::string& address, Handler handler,
                                                const ServerLimits& limits = {});
  // The same with an asynchronous handler, on a socket that was opened before: who makes other things before he
  // answers knows then that the address is his.
  static Result<std::unique_ptr<Server>> listen_async(ListeningSocket socket, AsyncHandler handler,
                                                      const ServerLimits& limits = {},
                                                      UnansweredObserver unanswered = {});
  // The same with TLS 1.2 or later and an asynchronous handler. Clients are asked for a certificate and need not have
  // one; which they may have is the handler's to decide: the handshake proves possession of its key and nothing else.
  // Errors: also parse_error and untrusted for an identity that is none.
  static Result<std::unique_ptr<Server>> listen_tls(ListeningSocket socket, const TlsIdentity& identity,
                                                    AsyncHandler handler, const ServerLimits& limits = {},
                                                    UnansweredObserver unanswered = {});
  // Closes the socket and every connection, and waits for the thread.
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Handshakes from now on show this identity; connections that are open stay as they are. Errors: parse_error,
  // untrusted for a key that is not the certificate's, invalid_argument for a server without TLS; the one before stays.
  virtual Status set_identity(const TlsIdentity& identity) = 0;
  // Takes no more connections, ends streams, and waits until the requests that have come in whole are answered,
  // `longest` at most.
  virtual void drain(std::chrono::milliseconds longest) = 0;
};

}  // namespace lockstep::http
