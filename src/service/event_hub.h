// Events for everybody who listens, as Server-Sent Events: numbered, kept for a while, and given again to a client that
// comes back and says which one it had last.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "http/server.h"

namespace lockstep::service {

struct EventHubOptions {
  std::size_t kept = 1024;     // events that can be given again
  std::size_t clients = 2000;  // beyond that admits() is false
  std::chrono::milliseconds heartbeat{30'000};
};

// Safe from any thread.
class EventHub {
 public:
  // The document of an `initial` event without its type: {servers, groups, configError}. Called without a lock held,
  // and shared between clients that come within a second of each other while nothing happens.
  using Initial = std::function<nlohmann::json()>;

  // The clock outlives the hub. Starts the thread of heartbeats. Error: resource_exhausted.
  static Result<std::unique_ptr<EventHub>> start(Clock& clock, Random& random, Initial initial,
                                                 const EventHubOptions& options = {});
  // Ends every stream.
  virtual ~EventHub() = default;

  // `data` is an object without "type"; it gets one.
  virtual void publish(const std::string& type, const nlohmann::json& data) = 0;
  // False when no further client is taken: 503.
  [[nodiscard]] virtual bool admits() const = 0;
  // The client gets `connected`, then what it missed since `last_event_id`, or `initial` where that is empty, of
  // another run or too long ago; then everything that is published. A client that does not keep up is closed, and comes
  // back.
  virtual void attach(std::shared_ptr<http::EventStream> stream, const std::string& last_event_id) = 0;
  [[nodiscard]] virtual std::size_t clients() const = 0;
  // For Prometheus.
  [[nodiscard]] virtual std::string metrics() const = 0;
};

}  // namespace lockstep::service
