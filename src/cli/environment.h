// Everything a command needs of the outside world, so that whole commands run on a simulated one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/solver.h"
#include "agent/settings.h"
#include "base/clock.h"
#include "base/random.h"
#include "fs/file_system.h"
#include "fs/program.h"
#include "http/client.h"

namespace lockstep::cli {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// Where results and messages go.
class Output {
 public:
  virtual ~Output() = default;
  // Errors are those of write(2): a result that could not be delivered is a failure that a command must report.
  virtual Status write(std::string_view text) = 0;
  [[nodiscard]] virtual bool is_terminal() const { return false; }
  // Of the terminal, now; a window may change while a command runs.
  [[nodiscard]] virtual TerminalSize terminal_size() const { return {}; }
};

struct Environment {
  fs::FileSystem& files;
  Clock& clock;
  Random& random;
  Output& out;                                                                  // results
  Output& err;                                                                  // everything else
  std::function<std::optional<std::string>(const std::string& name)> variable;  // environment variables
  unsigned cores = 1;
  // What only the commands that talk to a CA need; without them those say that there is no network here.
  fs::ProgramRunner* programs = nullptr;
  std::function<Result<std::unique_ptr<http::Client>>(http::ClientOptions)> make_client;
  // Another solver than the real ones, for tests.
  std::function<Result<std::unique_ptr<acme::ChallengeSolver>>(const agent::ChallengeSettings&)> make_solver;
  const std::atomic<bool>* stop = nullptr;               // set by SIGTERM and SIGINT
  std::atomic<bool>* reload = nullptr;                   // set by SIGHUP
  std::function<void()> catch_signals;                   // from when on the two flags are set instead of dying
  std::function<void(const std::string& state)> notify;  // systemd's notification: "READY=1"
};

// Runs `lockstep ARGUMENTS…` (without the program's name) and returns its exit status: 0, 1 or 2.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace lockstep::cli
