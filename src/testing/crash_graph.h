// Which crash states were seen, and which further ones a crash of their recovery leads to.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "testing/crash_explorer.h"

namespace lockstep::testing {

// Sets of logical states.
enum Allowed : unsigned { allow_old = 1, allow_new = 2, allow_either = 3 };

class CrashGraph {
 public:
  CrashGraph(const CrashScenario& scenario, const ExplorerOptions& options, ExplorerReport& report);

  void set_views(std::string old_view, std::string new_view);
  // Adds what a crash now may leave; `origin` says for messages when "now" is.
  void crash_here(const SimFileSystem& disk, Allowed allowed, const std::string& origin);
  // Recovers, and gives the view; a failure is a violation and gives "".
  std::string recovered_view(SimFileSystem& disk, const std::string& origin);
  void violation(const std::string& text);
  // Judges everything that was added.
  void finish();
  [[nodiscard]] bool should_stop() const;
  [[nodiscard]] const std::string& old_view() const { return old_view_; }
  [[nodiscard]] const std::string& new_view() const { return new_view_; }

 private:
  using Hash = std::uint64_t;
  struct Node {
    unsigned view = 0;          // Allowed bits that its recovery shows; 0: neither
    unsigned reachable = 0;     // bit per value of `view`, of itself and all that further crashes lead to
    std::set<Hash> next;        // after a crash during its recovery
    std::set<Hash> next_after;  // after a crash just after its recovery
    std::string origin;
  };
  struct Waiting {
    SimImage image;
    int depth = 0;
  };
  struct Root {
    Hash hash = 0;
    unsigned allowed = 0;
    std::string origin;
  };

  bool enter(SimImage image, int depth, const std::string& origin);
  void expand(const Waiting& waiting);
  void expand_waiting();
  void propagate();

  const CrashScenario& scenario_;
  const ExplorerOptions& options_;
  ExplorerReport& report_;
  std::string old_view_;
  std::string new_view_;
  sim::CrashEnumerator enumerator_;
  std::map<Hash, Node> nodes_;
  std::deque<Waiting> waiting_;
  std::vector<Root> roots_;
  std::set<std::pair<Hash, unsigned>> known_roots_;
};

// "fsync of '/a' (operation 7)".
std::string describe(const Operation& operation);

}  // namespace lockstep::testing
