#include "service/monitor_metrics.h"

#include <algorithm>

#include "base/metric_text.h"

namespace lockstep::service {

namespace {

constexpr double kMillisecondsPerSecond = 1000;

std::string seconds(std::int64_t milliseconds) {
  std::string text = std::to_string(static_cast<double>(milliseconds) / kMillisecondsPerSecond);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

void MonitorMetrics::observe_lateness(std::chrono::milliseconds lateness) {
  const auto at = std::ranges::lower_bound(kBounds, lateness.count()) - kBounds.begin();
  ++late_.at(static_cast<std::size_t>(at));
  lateness_ += lateness.count();
}

void MonitorMetrics::append_to(std::string* text) const {
  const auto one = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    append_metric({name, "counter", help, {{"", static_cast<double>(value)}}}, text);
  };
  append_metric({"lockstep_service_checks_total",
                 "counter",
                 "Checks of servers, by result.",
                 {{metric_labels({{"result", "succeeded"}}), static_cast<double>(succeeded_)},
                  {metric_labels({{"result", "failed"}}), static_cast<double>(failed_)}}},
                text);
  one("lockstep_service_own_failures_total", "Checks that failed for want of descriptors or memory here.",
      own_failures_);
  one("lockstep_service_checks_skipped_total", "Checks whose moment came before the one before had ended.", skipped_);
  one("lockstep_service_status_changes_total", "Changes of a server's state.", changes_);
  // A histogram has its buckets in order, which the writer of plain families does not know.
  const std::string name = "lockstep_service_check_lateness_seconds";
  *text += "# HELP " + name + " How long after its moment a check began.\n# TYPE " + name + " histogram\n";
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    sum += late_.at(i);
    *text += name + "_bucket{le=\"" + seconds(kBounds.at(i)) + "\"} " + std::to_string(sum) + "\n";
  }
  sum += late_.back();
  *text += name + "_bucket{le=\"+Inf\"} " + std::to_string(sum) + "\n" + name + "_sum " + seconds(lateness_) + "\n" +
           name + "_count " + std::to_string(sum) + "\n";
}

}  // namespace lockstep::service
