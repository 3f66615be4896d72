// What the issuing server tells a Prometheus server.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metric_text.h"

namespace lockstep::issuing {

// Safe from several threads.
class ServiceMetrics {
 public:
  void count_decision(std::string_view reason, std::string_view decision);
  void count_commit(double seconds, std::size_t certificates);
  void count_failure() { add(&failures_, ""); }
  void count_rate_limited() { add(&rate_limited_, ""); }
  void count_unread(int status);
  void set_server_certificate(UnixSeconds not_after);
  [[nodiscard]] std::string text(std::size_t waiting) const;

 private:
  void add(MetricFamily* family, const std::string& under, double value = 1);

  mutable std::mutex mutex_;
  MetricFamily decisions_{"lockstep_ca_requests_total", "counter", "Requests, by reason and decision.", {}};
  MetricFamily issued_{"lockstep_ca_certificates_issued_total", "counter", "Certificates that were issued.", {}};
  MetricFamily commits_{"lockstep_ca_commits_total", "counter", "Batches of requests that were decided.", {}};
  MetricFamily seconds_{"lockstep_ca_commit_seconds_total", "counter", "Time spent on them.", {}};
  MetricFamily failures_{"lockstep_ca_failures_total", "counter", "Batches that failed on this side.", {}};
  MetricFamily rate_limited_{"lockstep_ca_rate_limited_total", "counter", "Requests beyond an address's rate.", {}};
  MetricFamily unread_{"lockstep_ca_unread_total", "counter", "Connections and requests that could not be read.", {}};
  MetricFamily server_{"lockstep_ca_server_certificate_expiry_timestamp_seconds",
                       "gauge",
                       "When the server's own certificate ends.",
                       {}};
};

}  // namespace lockstep::issuing
