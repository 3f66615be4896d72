#include "agent/metrics.h"

#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

namespace lockstep::agent {

namespace {

constexpr double kDay = 86400.0;
constexpr std::int64_t kLate = 600;  // seconds after the announced round that are still no reason to worry

// One metric with its samples, each under its labels as they are written.
struct Family {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::map<std::string, double> samples;
};

// A label's value as the text format 0.0.4 wants it.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n')
      text += "\\n";
    else if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else
      text.push_back(c);
  }
  return text;
}

std::string labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string text;
  for (const auto& [name, value] : pairs)
    text += std::string(text.empty() ? "{" : ",") + std::string(name) + "=\"" + escaped(value) + "\"";
  return text + "}";
}

std::string number(double value) {
  std::array<char, 64> buffer{};
  const bool whole = std::nearbyint(value) == value && std::abs(value) < 1e15;
  const int length = std::snprintf(buffer.data(), buffer.size(), whole ? "%.0f" : "%.6f", value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

void write(const Family& family, std::string* text) {
  if (family.samples.empty()) return;
  const std::string name(family.name);
  *text +=
      "# HELP " + name + " " + std::string(family.help) + "\n# TYPE " + name + " " + std::string(family.type) + "\n";
  for (const auto& [under, value] : family.samples) *text += name + under + " " + number(value) + "\n";
}

}  // namespace

// Written here and not by prometheus-cpp: Debian has that as a shared C++ library only, and two C++ runtimes in one
// process (ours is linked in, for the start-up time of every command) do not go together.
struct Metrics::State {
  mutable std::mutex mutex;
  Family expiry{"lockstep_certificate_expiry_timestamp_seconds", "gauge", "When the certificate ends.", {}};
  Family days_left{"lockstep_certificate_days_left", "gauge", "Days until the certificate ends.", {}};
  Family renew_at{
      "lockstep_certificate_renewal_timestamp_seconds", "gauge", "From when on the certificate is due.", {}};
  Family hook{"lockstep_deploy_hook_success", "gauge", "1 when the last hook succeeded, else 0.", {}};
  Family attempts{"lockstep_renewal_attempts_total", "counter", "Renewals that were tried, by result and reason.", {}};
  Family rounds{"lockstep_agent_round_timestamp_seconds", "gauge", "When the last round ended.", {}};
  Family duration{"lockstep_agent_round_duration_seconds", "gauge", "How long the last round took.", {}};
  std::vector<CertificateView> views;
  UnixSeconds last = 0;
  UnixSeconds next = 0;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::observe_round(UnixSeconds now, UnixSeconds next, double seconds, const std::vector<DomainReport>& reports,
                            const std::vector<CertificateView>& views) {
  const std::lock_guard lock(state_->mutex);
  for (Family* family : {&state_->expiry, &state_->days_left, &state_->renew_at, &state_->hook})
    family->samples.clear();
  for (const CertificateView& view : views) {
    const std::string under = labels({{"domain", view.domain}});
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
    state_->attempts
        .samples[labels({{"domain", report.domain}, {"result", failed ? "failure" : "success"}, {"reason", reason}})] +=
        1;
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
  for (const Family* family : {&state_->expiry, &state_->days_left, &state_->renew_at, &state_->hook, &state_->attempts,
                               &state_->rounds, &state_->duration})
    write(*family, &text);
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
