// Who changed what of the configuration: a line of JSON each, in a log of its own that is on disk before the answer.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "service/edits.h"

namespace lockstep::service {

// Who asked for it and from where.
struct AuditSource {
  std::string who;      // "token", "certificate: CN=…", "anonymous", "by hand"
  std::string address;  // empty for what was found on disk
};

// The lines for a change. A value whose key says that it is a secret is not in them.
std::string audit_lines(UnixSeconds time, const AuditSource& source, const std::vector<Change>& changes);
// What a stranger wrote, for a log: at most 256 bytes of it, and how long it was when it is cut.
std::string shortened(const std::string& text);
// The line for what was refused, at WARN; shortened, with 16 fields at most, so that no request makes a long line.
// `suppressed`: how many were not written before it.
std::string audit_refusal(UnixSeconds time, const AuditSource& source, const std::string& request,
                          const Refusal& refusal, std::size_t suppressed);

// Lets so many refusals a second into the log that nobody can fill it with them. From one thread at a time.
class RefusalBrake {
 public:
  // True when the next one is to be written; `*suppressed` is then how many were not.
  bool take(std::chrono::milliseconds now, std::size_t* suppressed);

 private:
  static constexpr int kASecond = 20;
  std::chrono::milliseconds second_{-1};
  int written_ = 0;
  std::size_t suppressed_ = 0;
};

}  // namespace lockstep::service
