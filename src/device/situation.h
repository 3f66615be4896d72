// What a device finds on its disk: the facts that its flow decides by, and the files that stand around the identity.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "device/flow.h"
#include "device/storage.h"

namespace lockstep::device {

struct Situation {
  DeviceState state;
  Facts facts;
  std::optional<x509::Certificate> leaf;  // of what is live
  std::optional<Identity> live;
};

// Reads everything and changes nothing. Errors: those of reading; a live certificate that cannot be parsed.
Result<Situation> look_closely(durable::Runtime& runtime, const std::string& root, IdentityStorage& storage,
                               const DeviceSettings& settings, bool forced);

// The anchors of settings.ca. Errors: those of reading and parsing it.
Result<std::vector<x509::Certificate>> load_anchors(fs::FileSystem& files, const DeviceSettings& settings);
// The bootstrap identity; nothing when none is configured.
Result<std::optional<Identity>> load_bootstrap(fs::FileSystem& files, const DeviceSettings& settings);

}  // namespace lockstep::device
