#include "agent/metrics.h"

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/metric_text.h"

namespace lockstep::agent {

namespace {

constexpr double kDay = 86400.0;
constexpr std::int64_t kLate = 600;  // seconds after the announced round that are still no reason to worry

}  // namespace

struct Metrics::State {
  mutable std::mutex mutex;
  MetricFamily expiry{"lockstep_certificate_expiry_timestamp_seconds", "gauge", "When the certificate ends.", {}};
  MetricFamily days_left{"lockstep_certificate_days_left", "gauge", "Days until the certificate ends.", {}};
  MetricFamily renew_at{
      "lockstep_certificate_renewal_timestamp_seconds", "gauge", "From when on the certificate is due.", {}};
  MetricFamily hook{"lockstep_deploy_hook_success", "gauge", "1 when the last hook succeeded, else 0.", {}};
  MetricFamily attempts{
      "lockstep_renewal_attempts_total", "counter", "Renewals that were tried, by result and reason.", {}};
  MetricFamily rounds{"lockstep_agent_round_timestamp_seconds", "gauge", "When the last round ended.", {}};
  MetricFamily duration{"lockstep_agent_round_duration_seconds", "gauge", "How long the last round took.", {}};
  std::vector<CertificateView> views;
  UnixSeconds last = 0;
  UnixSeconds next = 0;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::observe_round(UnixSeconds now, UnixSeconds next, double seconds, const std::vector<DomainReport>& reports,
                            const std::vector<CertificateView>& views) {
  const std::lock_guard lock(state_->mutex);
  for (MetricFamily* family : {&state_->expiry, &state_->days_left, &state_->renew_at, &state_->hook})
    family->samples.clear();
  for (const CertificateView& view : views) {
    const std::string under = metric_labels({{"domain", view.domain}});
    if (view.not_after != 0) {
      state_->expiry.samples[under] = static_cast<double>(view.not_after);
      state_->days_left.samples[under] = static_cast<double>(view.not_after - now) / kDay;
    }
    if (view.renew_at != 0) state_->renew_at.samples[under] = static_cast<double>(view.renew_at);
    if (view.hook_succeeded) state_->hook.samples[under] = *view.hook_succeeded ? 1 : 0;
  }
  for (const DomainReport& report : reports) {
    if (report.status == DomainStatus::unchanged) continue;
    const std::string_view reason = report.error ? error_code_name(report.error->code) : std::string_view();
    const bool failed = report.status == DomainStatus::failed;
    state_->attempts.samples[metric_labels(
        {{"domain", report.domain}, {"result", failed ? "failure" : "success"}, {"reason", reason}})] += 1;
  }
  state_->rounds.samples[""] = static_cast<double>(now);
  state_->duration.samples[""] = seconds;
  state_->views = views;
  state_->last = now;
  state_->next = next;
}

std::string Metrics::text() const {
  const std::lock_guard lock(state_->mutex);
  std::string text;
  for (const MetricFamily* family : {&state_->expiry, &state_->days_left, &state_->renew_at, &state_->hook,
                                     &state_->attempts, &state_->rounds, &state_->duration})
    append_metric(*family, &text);
  return text;
}

std::string Metrics::health(UnixSeconds now, bool* healthy) const {
  const std::lock_guard lock(state_->mutex);
  nlohmann::ordered_json certificates = nlohmann::ordered_json::array();
  bool expired = false;
  for (const CertificateView& view : state_->views) {
    const bool over = view.not_after != 0 && view.not_after <= now;
    expired = expired || over;
    certificates.push_back({{"domain", view.domain},
                            {"not_after", view.not_after == 0 ? nlohmann::ordered_json(nullptr)
                                                              : nlohmann::ordered_json(format_rfc3339(view.not_after))},
                            {"due", view.due},
                            {"expired", over},
                            {"error", view.error}});
  }
  const bool late = state_->next != 0 && now > state_->next + kLate;
  *healthy = !expired && !late;
  const nlohmann::ordered_json document = {
      {"schema", 1},
      {"status", *healthy ? "ok"
                 : late   ? "late"
                          : "expired"},
      {"last_round",
       state_->last == 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(format_rfc3339(state_->last))},
      {"next_round",
       state_->next == 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(format_rfc3339(state_->next))},
      {"certificates", certificates}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace lockstep::agent
