// Names to addresses, by the system's own resolver and so by all that this machine is set up for, in threads of their
// own: getaddrinfo(3) blocks and cannot be stopped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::http {

struct Resolved {
  std::vector<std::string> addresses;  // as text, in the resolver's order; at least one where there is no error
  std::string error;                   // short; empty for success
  bool ours = false;                   // the failure is this program's
};

class NamePool {
 public:
  NamePool();
  NamePool(const NamePool&) = delete;
  NamePool& operator=(const NamePool&) = delete;
  // Waits for nothing: a lookup that is under way ends by itself, and tells nobody.
  ~NamePool();

  // `done` is called in a thread of the pool, or at once in the caller's when no more lookups can wait. Lookups of a
  // name that is being looked up share its answer, so that a name that nobody answers for holds one thread.
  void resolve(const std::string& name, std::function<void(const Resolved&)> done);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace lockstep::http
