// What a Prometheus server is told about a device's identity. The counters live in the state, so they survive restarts.
#pragma once

#include <optional>
#include <string>

#include "device/flow.h"

namespace lockstep::device {

struct DeviceView {
  std::string name;
  DeviceState state;
  std::optional<Validity> live;
  double seconds = 0;  // how long the last run took
};

std::string metrics_text(const DeviceView& view, UnixSeconds now);

}  // namespace lockstep::device
