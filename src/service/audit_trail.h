// The two logs of who wanted what: changes, and apart from them what was refused. Anybody can be refused as often as
// they like; what they fill is a log of its own, so that they never push a change out of what is kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "durable/audit_log.h"
#include "service/audit.h"

namespace lockstep::service {

inline constexpr const char* kAuditLog = "audit.log";
inline constexpr const char* kRefusalLog = "audit-refused.log";
// 20 MiB of refusals in all; a line has some kilobytes at most.
inline constexpr durable::AuditLimits kRefusalLimits = {.bytes = 4U * 1024U * 1024U, .kept = 4};

class AuditTrail {
 public:
  using Warn = std::function<void(const std::string& message)>;
  // `directory` must be there when something is written. `warn` is told what could not be.
  AuditTrail(durable::Runtime& runtime, const std::string& directory, Warn warn)
      : changes_{.log = {runtime, directory, kAuditLog}},
        refusals_{.log = {runtime, directory, kRefusalLog, kRefusalLimits}},
        warn_(std::move(warn)) {}

  // On disk before these return, or said to `warn`: what was changed stays changed. From one thread at a time.
  void changed(const std::string& lines) { append(changes_, lines); }
  void refused(const std::string& line) { append(refusals_, line); }

  // One of the logs could not be written the last time. Safe from any thread.
  [[nodiscard]] bool failing() const { return changes_.failing || refusals_.failing; }
  // How often one could not. Safe from any thread.
  [[nodiscard]] std::uint64_t errors() const { return errors_; }

 private:
  struct Log {
    durable::AuditLog log;
    std::atomic<bool> failing{false};
  };
  void append(Log& log, const std::string& lines);

  Log changes_;
  Log refusals_;
  Warn warn_;
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace lockstep::service
