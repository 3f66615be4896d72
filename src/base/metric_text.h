// The text format of Prometheus (0.0.4).
//
// Written here and not by prometheus-cpp: Debian has that as a shared C++ library only, and two C++ runtimes in one
// process (ours is linked in, for the start-up time of every command) do not go together.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace lockstep {

inline constexpr const char* kMetricContentType = "text/plain; version=0.0.4; charset=utf-8";

// One metric with its samples, each under its labels as they are written.
struct MetricFamily {
  std::string_view name;
  std::string_view type;  // "gauge", "counter"
  std::string_view help;
  std::map<std::string, double> samples;
};

// `{name="value",…}`, the values escaped.
std::string metric_labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

// Appends the family; nothing when it has no samples.
void append_metric(const MetricFamily& family, std::string* text);

}  // namespace lockstep
