// What every command shares: the options that stand before or after it, and how it reports.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "durable/runtime.h"

namespace lockstep::cli {

struct Configuration;

struct GlobalOptions {
  bool json = false;
  bool quiet = false;
  int verbosity = 0;
  std::string log_format;  // "text" or "json"
  std::string config_file;
  std::string lock_timeout;  // "30" or a duration
  std::string data_directory;
  std::string root;  // of certificate folders
};

class Context {
 public:
  explicit Context(Environment& environment);

  [[nodiscard]] Environment& environment() { return environment_; }
  [[nodiscard]] GlobalOptions& options() { return options_; }
  [[nodiscard]] const GlobalOptions& options() const { return options_; }

  // Settings that come from flags, else the configuration file, else the environment, else the default.
  Status load_configuration();
  // What the configuration file says of certificates; empty without one.
  [[nodiscard]] const Configuration& configuration() const { return *configuration_; }
  [[nodiscard]] Result<std::string> data_directory();
  [[nodiscard]] Result<std::string> root();
  Result<durable::Runtime> runtime();

  void warn(const std::string& message);
  void info(const std::string& message);    // only with -v
  void notice(const std::string& message);  // unless -q
  // A notice that a program may look for: with --log-format json "event" says what it is about.
  void event(const std::string& event, const std::string& message);
  // Progress is for a terminal that can take lines back; elsewhere, with -q and with --json there is none: nothing.
  [[nodiscard]] std::optional<TerminalSize> progress_size() const;
  // Takes the progress that is shown back and shows these lines instead, each shorter than the terminal is wide;
  // messages come out above them. No lines: the end.
  void show_progress(std::vector<std::string> lines);
  // One line of it.
  void progress(const std::string& message, bool last = false);

  // Prints the result: the text, or with --json the document with "schema": 1. A failure is committed_not_delivered
  // when something was committed (`made` then names it and the command that shows it), else an ordinary one.
  Status deliver(const std::string& text, const nlohmann::ordered_json& document, const std::string& made = {});
  // Prints an error in the form that was asked for and returns its exit status.
  int report(const Error& error);

 private:
  void log(const char* level, const std::string& message, const std::string& event = {});
  Environment& environment_;
  GlobalOptions options_;
  std::shared_ptr<const Configuration> configuration_;
  [[nodiscard]] std::string take_back_progress() const;
  std::vector<std::string> progress_;  // as it is shown
};

// A command that was chosen by the arguments: it runs after they have all been read.
using Action = std::function<Result<int>(Context&)>;

}  // namespace lockstep::cli
