#include "device/metrics.h"

#include "base/metric_text.h"

namespace lockstep::device {

namespace {

constexpr double kDay = 86400.0;

void append_counter(std::string_view name, std::string_view help, const std::string& labels, std::uint64_t value,
                    std::string* text) {
  append_metric({name, "counter", help, {{labels, static_cast<double>(value)}}}, text);
}

}  // namespace

std::string metrics_text(const DeviceView& view, UnixSeconds now) {
  const DeviceState& state = view.state;
  const std::string identity = metric_labels({{"identity", view.name}, {"type", "device"}});
  const auto by_reason = [&](const char* reason) {
    return metric_labels({{"identity", view.name}, {"type", "device"}, {"reason", reason}});
  };
  std::string text;
  if (view.live) {
    const auto end = static_cast<double>(view.live->not_after);
    append_metric(
        {"lockstep_certificate_expiration_timestamp_seconds", "gauge", "When the identity ends.", {{identity, end}}},
        &text);
    append_metric({"lockstep_certificate_days_until_expiration",
                   "gauge",
                   "Days until it ends; negative when it is over.",
                   {{identity, (end - static_cast<double>(now)) / kDay}}},
                  &text);
  }
  const auto both = [&](std::string_view name, std::string_view help, std::uint64_t all, std::uint64_t recovery) {
    append_metric({name,
                   "counter",
                   help,
                   {{by_reason("proactive"), static_cast<double>(all - recovery)},
                    {by_reason("expired"), static_cast<double>(recovery)}}},
                  &text);
  };
  both("lockstep_certificate_renewal_attempts_total", "Renewals that were tried.", state.attempts,
       state.recovery_attempts);
  both("lockstep_certificate_renewal_success_total", "Renewals after which a new identity was live.", state.renewals,
       state.recoveries);
  both("lockstep_certificate_renewal_failures_total", "Renewals that failed.", state.failures, state.recovery_failures);
  append_counter("lockstep_certificate_recovery_attempts_total", "Renewals with the bootstrap identity.", identity,
                 state.recovery_attempts, &text);
  append_counter("lockstep_certificate_recovery_success_total", "Of them, those that brought a new identity.", identity,
                 state.recoveries, &text);
  append_counter("lockstep_certificate_recovery_failures_total", "Of them, those that failed.", identity,
                 state.recovery_failures, &text);
  append_metric({"lockstep_certificate_renewal_duration_seconds",
                 "gauge",
                 "How long the last run took.",
                 {{identity, view.seconds}}},
                &text);
  return text;
}

}  // namespace lockstep::device
