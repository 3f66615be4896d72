#include "service/audit_trail.h"

namespace lockstep::service {

void AuditTrail::append(Log& log, const std::string& lines) {
  const Status written = log.log.append(lines);
  log.failing = !written;
  if (written) return;
  errors_.fetch_add(1);
  warn_("the audit log could not be written: " + written.error().message);
}

}  // namespace lockstep::service
