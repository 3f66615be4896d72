// Other programs, run by tests to judge what ours wrote, and a temporary directory to meet them in.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lockstep::testing {

struct CommandResult {
  int status = -1;     // exit status; -1 when a signal ended it
  std::string output;  // standard output and standard error together
};

// Runs the program without a shell; its standard input is empty.
CommandResult run_command(std::initializer_list<std::string> arguments);

// Removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] std::string path(std::string_view name) const { return (root_ / name).string(); }
  // Writes the file and gives its path back.
  [[nodiscard]] std::string write(std::string_view name, std::string_view content) const;
  [[nodiscard]] std::string read(std::string_view name) const;

 private:
  std::filesystem::path root_;
};

}  // namespace lockstep::testing
