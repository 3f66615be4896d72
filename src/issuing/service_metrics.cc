#include "issuing/service_metrics.h"

namespace lockstep::issuing {

void ServiceMetrics::add(MetricFamily* family, const std::string& under, double value) {
  const std::lock_guard lock(mutex_);
  family->samples[under] += value;
}

void ServiceMetrics::count_decision(std::string_view reason, std::string_view decision) {
  add(&decisions_, metric_labels({{"reason", reason}, {"decision", decision}}));
}

void ServiceMetrics::count_commit(double seconds, std::size_t certificates) {
  add(&commits_, "");
  add(&seconds_, "", seconds);
  add(&issued_, "", static_cast<double>(certificates));
}

void ServiceMetrics::count_unread(int status) { add(&unread_, metric_labels({{"status", std::to_string(status)}})); }

void ServiceMetrics::set_server_certificate(UnixSeconds not_after) {
  const std::lock_guard lock(mutex_);
  server_.samples[""] = static_cast<double>(not_after);
}

std::string ServiceMetrics::text(std::size_t waiting) const {
  const std::lock_guard lock(mutex_);
  std::string text;
  const MetricFamily queue{"lockstep_ca_requests_waiting",
                           "gauge",
                           "Requests that wait for a commit.",
                           {{"", static_cast<double>(waiting)}}};
  for (const MetricFamily* family :
       {&decisions_, &issued_, &commits_, &seconds_, &failures_, &rate_limited_, &unread_, &server_, &queue})
    append_metric(*family, &text);
  return text;
}

}  // namespace lockstep::issuing
