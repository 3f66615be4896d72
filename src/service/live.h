// What the interface asks of whoever watches the servers: their states, and the stream of what happens to them.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "http/server.h"

namespace lockstep::service {

class Live {
 public:
  struct Summary {
    std::size_t total = 0, online = 0, offline = 0, expiring = 0;
  };
  virtual ~Live() = default;
  // Safe from any thread.
  [[nodiscard]] virtual nlohmann::json statuses() const = 0;  // a list
  [[nodiscard]] virtual std::optional<nlohmann::json> status(const std::string& id) const = 0;
  [[nodiscard]] virtual Summary summary() const = 0;
  // False: no further listener is taken.
  [[nodiscard]] virtual bool admits() const = 0;
  virtual void attach(std::shared_ptr<http::EventStream> stream, const std::string& last_event_id) = 0;
  // For Prometheus.
  [[nodiscard]] virtual std::string metrics() const = 0;
};

}  // namespace lockstep::service
