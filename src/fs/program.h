// Running another program: hooks and DNS hooks. Never through a shell.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lockstep::fs {

struct ProgramCall {
  std::vector<std::string> arguments;                            // the program first; looked up in PATH without a slash
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's own
  std::chrono::milliseconds timeout{120'000};                    // then its process group gets SIGTERM, later SIGKILL
  std::size_t output_limit = 16U * 1024U;                        // bytes that are kept, from the end
};

// How a program ended. That it failed is a value: whoever called it decides what that means.
struct ProgramResult {
  int exit_status = -1;  // -1 when a signal ended it
  int signal = 0;        // that ended it, 0 for none
  bool timed_out = false;
  std::string output;  // the last of stdout and stderr together, as they came
  std::chrono::milliseconds duration{0};

  [[nodiscard]] bool succeeded() const { return exit_status == 0 && !timed_out; }
  // "exited with 3", "was ended by signal 9", "was ended after 120 s".
  [[nodiscard]] std::string describe() const;
};

class ProgramRunner {
 public:
  virtual ~ProgramRunner() = default;
  // Safe from several threads. Standard input is /dev/null; no descriptor of this process is inherited. Errors: those
  // of starting it (not_found, permission_denied naming the program).
  virtual Result<ProgramResult> run(const ProgramCall& call) = 0;
  // Whether the program is there and may be run, so that a mistake is said before anything depends on it. Errors as
  // run().
  virtual Status check(const std::string& program) {
    static_cast<void>(program);
    return {};
  }
};

class PosixProgramRunner : public ProgramRunner {
 public:
  explicit PosixProgramRunner(Clock& clock) : clock_(clock) {}
  Result<ProgramResult> run(const ProgramCall& call) override;
  Status check(const std::string& program) override;

 private:
  Clock& clock_;
};

}  // namespace lockstep::fs
