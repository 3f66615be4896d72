// The configuration file (TOML): the global flags, and with [acme] and [[certificate]] everything that `cert obtain` is
// told by options. An unknown key is an error with its line. docs/formats/configuration.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/certificate_options.h"
#include "cli/device_options.h"
#include "cli/serve_options.h"

namespace lockstep::cli {

struct Configuration {
  std::optional<std::string> data_directory;     // data_dir
  std::optional<std::string> path;               // path
  std::optional<std::string> lock_timeout;       // lock_timeout
  std::optional<std::string> log_format;         // log_format
  AccountOptions account;                        // [acme]
  std::vector<CertificateOptions> certificates;  // [[certificate]], each filled up from [acme]
  std::optional<DeviceOptions> device;           // [device.identity] and the other tables below [device]
  ServeOptions serve;                            // [serve]
};

// Errors: invalid_argument naming file, line and key.
Result<Configuration> parse_configuration(std::string_view toml, const std::string& name);

}  // namespace lockstep::cli
