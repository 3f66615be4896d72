// The configuration file (TOML): the same settings as the global flags. An unknown key is an error with its line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::cli {

struct Configuration {
  std::optional<std::string> data_directory;  // data_dir
  std::optional<std::string> path;            // path
  std::optional<std::string> lock_timeout;    // lock_timeout
  std::optional<std::string> log_format;      // log_format
};

// Errors: invalid_argument naming file, line and key.
Result<Configuration> parse_configuration(std::string_view toml, const std::string& name);

}  // namespace lockstep::cli
