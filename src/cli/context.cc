#include "cli/context.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "cli/configuration.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {
constexpr std::size_t kConfigurationLimit = 1U << 20U;
constexpr const char* kDataDirectoryVariable = "CA_DATA_DIR";
constexpr const char* kRootVariable = "LOCKSTEP_PATH";

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}
}  // namespace

Context::Context(Environment& environment)
    : environment_(environment), configuration_(std::make_shared<const Configuration>()) {}

Status Context::load_configuration() {
  if (options_.config_file.empty()) return {};
  const std::string text = TRY(fs::read_input(environment_.files, options_.config_file, kConfigurationLimit));
  Configuration read = TRY(parse_configuration(text, options_.config_file));
  configuration_ = std::make_shared<const Configuration>(std::move(read));
  const Configuration& configuration = *configuration_;
  // What the command line or the environment says goes before.
  const auto fill = [&](std::string* option, const std::optional<std::string>& value, const char* variable) {
    const bool said = variable != nullptr && !environment_.variable(variable).value_or("").empty();
    if (option->empty() && !said && value) *option = *value;
  };
  fill(&options_.data_directory, configuration.data_directory, kDataDirectoryVariable);
  fill(&options_.root, configuration.path, kRootVariable);
  fill(&options_.lock_timeout, configuration.lock_timeout, nullptr);
  fill(&options_.log_format, configuration.log_format, nullptr);
  return {};
}

Result<std::string> Context::data_directory() {
  std::string path = options_.data_directory;
  if (path.empty()) path = environment_.variable(kDataDirectoryVariable).value_or("");
  if (path.empty()) path = "./ca-data";
  return environment_.files.absolute_path(path);
}

Result<std::string> Context::root() {
  std::string path = options_.root;
  if (path.empty()) path = environment_.variable(kRootVariable).value_or("");
  if (path.empty()) path = "./lockstep-data";
  return environment_.files.absolute_path(path);
}

Result<durable::Runtime> Context::runtime() {
  durable::Runtime runtime{environment_.files, environment_.clock, environment_.random};
  if (!options_.lock_timeout.empty()) {
    auto seconds = parse_duration(options_.lock_timeout, 1);
    if (!seconds || *seconds > 86400) {
      return fail(ErrorCode::usage,
                  "--lock-timeout: not a duration between 1s and 1d: '" + options_.lock_timeout + "'");
    }
    runtime.lock_timeout = std::chrono::seconds(*seconds);
  }
  return runtime;
}

void Context::log(const char* level, const std::string& message, const std::string& event) {
  std::string line;
  if (options_.log_format == "json") {
    nlohmann::ordered_json document = {{"time", format_rfc3339(environment_.clock.now())}, {"level", level}};
    if (!event.empty()) document["event"] = event;
    document["message"] = message;
    line = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  } else {
    line = std::string(level == std::string("warning") ? "Warning: " : "") + message + "\n";
  }
  // There is nowhere left to say that stderr is broken.
  static_cast<void>(environment_.err.write(take_back_progress() + line + joined(progress_)));
}

void Context::warn(const std::string& message) { log("warning", message); }

void Context::info(const std::string& message) {
  if (options_.verbosity > 0 && !options_.quiet) log("info", message);
}

void Context::notice(const std::string& message) {
  if (!options_.quiet) log("info", message);
}

void Context::event(const std::string& event, const std::string& message) {
  if (!options_.quiet) log("info", message, event);
}

std::optional<TerminalSize> Context::progress_size() const {
  if (options_.quiet || options_.json || !environment_.err.is_terminal()) return std::nullopt;
  if (environment_.variable("TERM").value_or("dumb") == "dumb") return std::nullopt;
  return environment_.err.terminal_size();
}

// The cursor stands behind the last line: up to the first one, and everything from there is cleared.
std::string Context::take_back_progress() const {
  if (progress_.empty()) return {};
  const std::size_t up = progress_.size() - 1;
  return "\r" + (up == 0 ? std::string() : "\033[" + std::to_string(up) + "A") + "\033[J";
}

void Context::show_progress(std::vector<std::string> lines) {
  if (lines.empty() && progress_.empty()) return;
  const std::string taken_back = take_back_progress();
  progress_ = std::move(lines);
  static_cast<void>(environment_.err.write(taken_back + joined(progress_)));
}

void Context::progress(const std::string& message, bool last) {
  const auto size = progress_size();
  if (last || !size)
    show_progress({});
  else
    show_progress({message.substr(0, size->columns - 1)});
}

Status Context::deliver(const std::string& text, const nlohmann::ordered_json& document, const std::string& made) {
  std::string output = text;
  if (options_.json) {
    nlohmann::ordered_json complete = {{"schema", 1}};
    complete.update(document);
    output = complete.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  } else if (options_.quiet && !made.empty()) {
    return {};
  }
  Status written = environment_.out.write(output);
  if (written || made.empty()) return written;
  return fail(ErrorCode::committed_not_delivered,
              made + ", but the result could not be printed: " + written.error().message,
              "the change is complete; do not repeat the command");
}

int Context::report(const Error& error) {
  if (options_.json) {
    const nlohmann::ordered_json document = {
        {"error", {{"code", error_code_name(error.code)}, {"message", error.message}, {"hint", error.hint}}}};
    const std::string text = document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (environment_.out.write(text)) return exit_status(error.code);
  }
  progress("", true);
  std::string text = "Error: " + error.message + "\n";
  if (!error.hint.empty()) text += "Hint: " + error.hint + "\n";
  static_cast<void>(environment_.err.write(text));
  return exit_status(error.code);
}

}  // namespace lockstep::cli
