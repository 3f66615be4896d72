// The tables [device.…] of the configuration, and the options of the device commands, as the settings of one device.
// docs/formats/configuration.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "device/settings.h"

namespace lockstep::cli {

// Every value as it was written, so that an error can name it; empty: the default.
struct DeviceOptions {
  std::string name, storage, cert, key, ca;    // [device.identity]
  std::vector<std::string> alternative_names;  //   names = ["DNS:…"]
  std::string key_type;
  std::string bootstrap_cert, bootstrap_key;  // [device.bootstrap]
  std::string server;                         // [device.issuer]
  std::string acme;
  std::vector<std::string> command;
  std::string check_url;
  std::string timeout;
  std::string enabled, threshold_days, threshold, check_interval, retry_interval, max_retries;  // [device.renewal]
  std::string backoff_multiplier, max_backoff, reuse_key, destroy_old_keys, test_connection;
  std::string recovery_enabled;  // [device.recovery]
};

// Error: invalid_argument naming the key and the range. `root`: below which a store of generations is kept.
Result<device::DeviceSettings> device_settings(const DeviceOptions& options, const std::string& root);

// Storage "files": neither half may stand where the other does, or where the other waits (`.pending`) or is kept
// (`.backup`). The paths as the file system would have them, as far as their text says. Error: invalid_argument.
Status check_files_apart(const std::string& cert, const std::string& key);

}  // namespace lockstep::cli
