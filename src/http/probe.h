// Looks whether an endpoint answers, and what it shows: TCP, TLS or a request over HTTPS. Many at once in one thread;
// Boost.Asio behind a plain interface.
//
// Nothing is judged here: any certificate is taken, and what was shown is reported. Nothing secret is ever sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lockstep::http {

enum class ProbeKind {
  tcp,    // connects
  tls,    // and makes a handshake
  https,  // and asks for /: an answer below 500 counts
};

struct ProbeTarget {
  ProbeKind kind = ProbeKind::tls;
  std::string host;  // an address, or a name that is resolved each time
  std::uint16_t port = 443;
  std::string server_name;  // asked for in the handshake (RFC 6066 section 3) and in Host; empty: no name is sent
  std::chrono::milliseconds deadline{10'000};  // for everything together
};

struct ProbeResult {
  std::string error;                    // empty for success; else short: "connection refused", "no answer within 10 s"
  std::chrono::milliseconds latency{};  // from the start of connecting to its end, the handshake included
  std::vector<std::string> peer_chain;  // DER, the endpoint's own certificate first; also where the request failed
  std::string tls_version;              // "TLSv1.3"
  int status = 0;                       // of the answer over HTTPS
  bool ours = false;                    // it failed on this side (no descriptor, no memory): nothing about the endpoint

  [[nodiscard]] bool succeeded() const { return error.empty(); }
};

class Prober {
 public:
  // A check that is under way; letting go of it gives it up.
  using Handle = std::shared_ptr<void>;

  // Starts the thread. The clock outlives the prober. Errors: resource_exhausted, crypto_failure.
  static Result<std::unique_ptr<Prober>> start(Clock& clock);
  // Gives up what is under way, and waits for the thread.
  virtual ~Prober() = default;

  // `done` is called once, in the prober's thread, unless the handle was let go before; it must not block. A call that
  // has begun when the handle is let go in another thread may still go on. Safe from any thread.
  [[nodiscard]] virtual Handle probe(const ProbeTarget& target, std::function<void(ProbeResult)> done) = 0;
};

}  // namespace lockstep::http
