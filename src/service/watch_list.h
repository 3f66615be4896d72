// The endpoints that are watched, when each is due, and what is known of each: the monitor without its threads, in the
// caller's time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/probe.h"
#include "service/certificate_judge.h"
#include "service/check_schedule.h"
#include "service/monitor.h"
#include "service/monitor_metrics.h"
#include "service/server_state.h"

namespace lockstep::service {

// Both clocks at one moment.
struct Moment {
  std::chrono::milliseconds monotonic{};
  UnixSeconds wall = 0;
};

class WatchList {
 public:
  WatchList(const MonitorOptions& options, double offset);

  // The endpoints from now on, by difference. Returns the ids whose check, if one is under way, means nothing any more.
  std::vector<std::string> apply(std::vector<Endpoint> endpoints, const Moment& now);

  struct Start {
    std::string id;
    std::uint64_t run = 0;  // which check of it this is
    http::ProbeTarget target;
  };
  // The next check that is due. Nothing when none is, or as many as may are under way.
  std::optional<Start> start_next(const Moment& now);
  // When start_next() has something again; nothing when that depends on finish() or apply().
  [[nodiscard]] std::optional<std::chrono::milliseconds> next() const;

  struct Told {
    ServerStatus status;
    StateChange change;
  };
  // Takes a result in. Nothing for a check that means nothing any more.
  std::optional<Told> finish(const std::string& id, std::uint64_t run, const http::ProbeResult& result,
                             const Moment& now);

  [[nodiscard]] std::vector<ServerStatus> statuses() const;
  [[nodiscard]] std::optional<ServerStatus> status(const std::string& id) const;
  [[nodiscard]] MonitorSummary summary() const;
  [[nodiscard]] std::string metrics() const;

 private:
  struct Watched {
    ServerStatus status;
    std::uint64_t run = 0;
    bool running = false;
    bool due_again = false;  // its moment came while it was running
  };

  void change(Watched& watched, Endpoint&& endpoint, const Moment& now, std::vector<std::string>* stopped);
  [[nodiscard]] http::ProbeTarget target_of(const Endpoint& endpoint) const;

  MonitorOptions options_;
  CheckSchedule schedule_;
  CertificateJudge judge_;
  MonitorMetrics metrics_;
  std::vector<std::string> order_;
  std::unordered_map<std::string, Watched> watched_;
  std::uint64_t runs_ = 0;
  std::size_t running_ = 0;
};

}  // namespace lockstep::service
