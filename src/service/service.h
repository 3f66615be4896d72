// The status service in one piece: what is configured, what is seen of it, and who is told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/probe.h"
#include "http/server.h"
#include "service/access.h"
#include "service/configuration_store.h"
#include "service/host_check.h"
#include "service/monitor.h"

namespace lockstep::service {

// Everything outlives the service and is safe from several threads.
struct ServiceParts {
  durable::Runtime& runtime;
  Random& random;
  http::Prober& prober;
  const Access& access;
  const HostCheck& hosts;
  std::string directory;  // with the two files, the token and the audit logs
  std::string root;       // of the certificate folders
  std::string version;
  bool tls = false;
  std::function<void(bool warning, const std::string& message)> log;
  MonitorOptions monitor;
};

class Service {
 public:
  // Recovers and reads the configuration, and begins to watch. A configuration that cannot be used is said and waited
  // for. Errors: those of the file system, resource_exhausted.
  static Result<std::unique_ptr<Service>> start(const ServiceParts& parts);
  // Answers what has come in, ends every stream, and stops watching.
  virtual ~Service() = default;

  // For http::Server; from one thread at a time.
  virtual http::ServerResponse handle(const http::ServerRequest& request, const http::Responder& respond) = 0;
  virtual void note(const http::Unanswered& unanswered) = 0;

  // The files may have changed: they are read again soon. Safe from any thread.
  virtual void refresh() = 0;
  // Where the files are, for whoever watches them.
  [[nodiscard]] virtual std::vector<std::string> directories() const = 0;
  [[nodiscard]] virtual std::size_t server_count() const = 0;
};

}  // namespace lockstep::service
