// The issuing server behind its HTTP front: takes requests in the network's thread, decides and commits them in one of
// its own. Requests that arrive while a commit is under way are committed together in the next one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "ca/registrar.h"
#include "durable/audit_log.h"
#include "http/server.h"

namespace lockstep::issuing {

struct ServiceOptions {
  ca::RegistrarOptions registrar;
  double requests_per_second = 20;  // of one address, 429 beyond; 0: no limit
  double burst = 200;               // that an address may send at once before the rate counts
  std::size_t queue = 4096;         // requests that wait, 503 beyond
  std::size_t batch = 256;          // requests in one commit
};

// Everything outlives the service and is used from its thread.
struct Surroundings {
  ca::Ledger& ledger;
  Clock& clock;
  durable::AuditLog& audit;
  std::function<void(const std::string& message)> warn;  // safe from several threads
};

class Service {
 public:
  // Starts the thread. Error: resource_exhausted.
  static Result<std::unique_ptr<Service>> start(const Surroundings& around, const ServiceOptions& options);
  // Decides what has been taken, and ends the thread.
  virtual ~Service() = default;

  // For http::Server::listen_tls; from one thread at a time.
  virtual http::ServerResponse handle(const http::ServerRequest& request, const http::Responder& respond) = 0;
  virtual void note(const http::Unanswered& unanswered) = 0;
  // For /metrics.
  virtual void observe_server_certificate(UnixSeconds not_after) = 0;
};

}  // namespace lockstep::issuing
