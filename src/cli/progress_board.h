// The progress of a run over several certificates, as a terminal shows it: how many are done, and what is being done
// for those under way.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cli/environment.h"

namespace lockstep::cli {

class ProgressBoard {
 public:
  // What was shown before is forgotten.
  void begin(std::size_t total);
  // The certificate's turn has come; it is shown from the first `say` on, so that those that are not due do not
  // flicker.
  void start(const std::string& domain);
  // What is being done for it. False when there is nothing new to show: it is not under way.
  bool say(const std::string& domain, const std::string& what);
  // True when what is shown should be shown anew.
  bool finish(const std::string& domain, bool failed);

  // At most as many lines as the terminal can hold and a person can follow, each shorter than it is wide, in plain
  // ASCII: what stands there must be as wide as it is thought to be, or it cannot be taken back.
  [[nodiscard]] std::vector<std::string> lines(const TerminalSize& size) const;

 private:
  struct Row {
    std::string domain;
    std::string what;  // empty: not shown
  };
  std::vector<Row> rows_;  // under way, in the order of their turns
  std::size_t total_ = 0;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace lockstep::cli
