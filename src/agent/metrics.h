// What the agent tells a Prometheus server (text format 0.0.4), and whether it is well.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/renewal.h"

namespace lockstep::agent {

struct CertificateView {
  std::string domain;
  UnixSeconds not_after = 0;  // 0: none yet
  UnixSeconds renew_at = 0;
  bool due = false;
  std::string error;  // of the last attempt or of reading it; empty when it went well
  std::optional<bool> hook_succeeded;
};

// Safe from several threads: the agent writes, the server's thread reads.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  void observe_round(UnixSeconds now, UnixSeconds next, double seconds, const std::vector<DomainReport>& reports,
                     const std::vector<CertificateView>& views);
  [[nodiscard]] std::string text() const;
  // One JSON document; `healthy`: no certificate has expired, and the agent's rounds come when they should.
  [[nodiscard]] std::string health(UnixSeconds now, bool* healthy) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::agent
