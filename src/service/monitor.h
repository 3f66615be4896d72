// Checks endpoints over and over, each at its own interval, and says what changed. Checks are concurrent and bounded.
//
// A change of the configuration acts by difference: an endpoint that stays as it is keeps its state, its counters and
// its moments; one that is changed in what is checked begins anew; a new one is checked within kFirstCheck; one that is
// gone is not spoken of again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "http/probe.h"
#include "service/certificate_judge.h"
#include "service/status.h"

namespace lockstep::service {

inline constexpr std::chrono::milliseconds kFirstCheck{5'000};

struct MonitorOptions {
  std::size_t concurrent = 512;                // checks that are under way at the same time
  std::chrono::milliseconds deadline{10'000};  // of one check, from the name's resolution to the last byte
  std::string system_roots;                    // PEM; endpoints without a bundle of their own are judged by these
  BundleReader read_bundle;                    // of Endpoint::ca_bundle; must not take long
};

// Called in the monitor's thread, one at a time; they may call the monitor's const members and must not block.
struct MonitorListener {
  std::function<void(const ServerStatus&)> status_changed;       // the state, or whether it is online
  std::function<void(const ServerStatus&)> certificate_changed;  // another certificate, or another verdict about it
};

struct MonitorSummary {
  std::size_t total = 0;
  std::size_t online = 0;    // every server that answers, whatever its certificate
  std::size_t offline = 0;   // unknown ones are neither
  std::size_t expiring = 0;  // state expiring or expired
};

class Monitor {
 public:
  // Starts the thread. Prober, clock and random outlive the monitor. Error: resource_exhausted.
  static Result<std::unique_ptr<Monitor>> start(http::Prober& prober, Clock& clock, Random& random,
                                                MonitorListener listener, const MonitorOptions& options = {});
  // Gives up what is under way, and waits for the thread.
  virtual ~Monitor() = default;

  // The endpoints that are to be watched from now on; ids are unique. Safe from any thread. When it returns, an
  // endpoint that is gone is in no status and in no later call of the listener: it waits for a call that is under way,
  // so the listener must want no lock that is held here.
  virtual void apply(std::vector<Endpoint> endpoints) = 0;

  // Safe from any thread; in the order of the endpoints as they were applied.
  [[nodiscard]] virtual std::vector<ServerStatus> statuses() const = 0;
  [[nodiscard]] virtual std::optional<ServerStatus> status(const std::string& id) const = 0;
  [[nodiscard]] virtual MonitorSummary summary() const = 0;
  // For Prometheus; base/metric_text.h has the content type.
  [[nodiscard]] virtual std::string metrics() const = 0;
};

}  // namespace lockstep::service
