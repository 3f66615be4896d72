#include "service/server_state.h"

#include <limits>

namespace lockstep::service {

namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

void count(int& up, int& down) {
  if (up < std::numeric_limits<int>::max()) ++up;
  down = 0;
}

}  // namespace

bool ends_soon(UnixSeconds not_before, UnixSeconds not_after, int warning_days, UnixSeconds now) {
  const std::int64_t lifetime = not_after - not_before;
  std::int64_t warning = warning_days * kSecondsPerDay;
  // One that does not live that long would be expiring from its first moment on.
  if (warning >= lifetime) warning = lifetime / 3;
  return not_after - now <= warning;
}

ServerState judge(const ServerStatus& status, UnixSeconds now) {
  if (!status.online) {
    // Offline is something that was said once, unknown that nothing was.
    const bool known =
        status.state != ServerState::unknown || status.consecutive_failures >= status.endpoint.consecutive_failures;
    return known ? ServerState::offline : ServerState::unknown;
  }
  if (!status.certificate) return ServerState::online;
  const SeenCertificate& certificate = *status.certificate;
  if (certificate.not_after < now) return ServerState::expired;
  if (!certificate.chain_ok) return ServerState::untrusted;
  if (!certificate.name_ok) return ServerState::mismatched_name;
  const bool soon = ends_soon(certificate.not_before, certificate.not_after, status.endpoint.expiry_warning_days, now);
  return soon ? ServerState::expiring : ServerState::online;
}

StateChange observe(ServerStatus& status, const CheckResult& result, UnixSeconds now) {
  StateChange change;
  status.last_checked = now;
  status.error = result.error;
  if (result.certificate && result.certificate != status.certificate) {
    status.certificate = result.certificate;
    change.certificate = true;
  }
  const bool was_online = status.online;
  if (result.error.empty()) {
    status.latency_ms = result.latency.count();
    count(status.consecutive_successes, status.consecutive_failures);
    if (status.consecutive_successes >= status.endpoint.consecutive_successes) status.online = true;
  } else {
    count(status.consecutive_failures, status.consecutive_successes);
    if (status.consecutive_failures >= status.endpoint.consecutive_failures) status.online = false;
  }
  const ServerState state = judge(status, now);
  change.status = state != status.state || status.online != was_online;
  status.state = state;
  if (change.status) status.last_status_change = now;
  return change;
}

bool same_target(const Endpoint& one, const Endpoint& other) {
  return one.ip == other.ip && one.dns_address == other.dns_address && one.port == other.port &&
         one.protocol == other.protocol && one.server_name == other.server_name;
}

}  // namespace lockstep::service
