#include "cli/configuration.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <map>

namespace lockstep::cli {

Result<Configuration> parse_configuration(std::string_view toml, const std::string& name) {
  const auto at = [&](const toml::source_region& source) {
    return name + ":" + std::to_string(source.begin.line) + ": ";
  };
  const toml::parse_result parsed = toml::parse(toml, name);
  if (!parsed) {
    return fail(ErrorCode::invalid_argument, at(parsed.error().source()) + std::string(parsed.error().description()));
  }
  Configuration configuration;
  const std::map<std::string_view, std::optional<std::string>*> known = {
      {"data_dir", &configuration.data_directory},
      {"path", &configuration.path},
      {"lock_timeout", &configuration.lock_timeout},
      {"log_format", &configuration.log_format},
  };
  for (const auto& [key, value] : parsed.table()) {
    const auto found = known.find(key.str());
    if (found == known.end()) {
      return fail(ErrorCode::invalid_argument, at(key.source()) + "unknown key '" + std::string(key.str()) + "'",
                  "the keys are data_dir, path, lock_timeout, log_format");
    }
    const auto* text = value.as_string();
    if (text == nullptr) {
      return fail(ErrorCode::invalid_argument,
                  at(value.source()) + "'" + std::string(key.str()) + "' must be a text in quotes");
    }
    *found->second = text->get();
  }
  if (configuration.log_format && *configuration.log_format != "text" && *configuration.log_format != "json") {
    return fail(ErrorCode::invalid_argument, name + ": 'log_format' must be \"text\" or \"json\"");
  }
  return configuration;
}

}  // namespace lockstep::cli
