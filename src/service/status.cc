#include "service/status.h"

#include <nlohmann/json.hpp>

namespace lockstep::service {

namespace {

using nlohmann::json;

constexpr std::int64_t kSecondsPerDay = 86400;

json time_or_null(const std::optional<UnixSeconds>& time) { return time ? json(format_rfc3339(*time)) : json(nullptr); }

json to_json(const SeenCertificate& certificate, UnixSeconds now) {
  json made{{"subject", certificate.subject},
            {"issuer", certificate.issuer},
            {"serial", certificate.serial},
            {"notBefore", format_rfc3339(certificate.not_before)},
            {"notAfter", format_rfc3339(certificate.not_after)},
            {"daysLeft", days_left(certificate.not_after, now)},
            {"sans", certificate.names},
            {"chainOk", certificate.chain_ok},
            {"nameOk", certificate.name_ok},
            {"tlsVersion", certificate.tls_version}};
  if (!certificate.chain_error.empty()) made["chainError"] = certificate.chain_error;
  return made;
}

}  // namespace

std::string_view state_name(ServerState state) {
  switch (state) {
    case ServerState::unknown: return "unknown";
    case ServerState::online: return "online";
    case ServerState::offline: return "offline";
    case ServerState::expiring: return "expiring";
    case ServerState::expired: return "expired";
    case ServerState::untrusted: return "untrusted";
    case ServerState::mismatched_name: return "mismatched-name";
  }
  return "unknown";
}

std::int64_t days_left(UnixSeconds not_after, UnixSeconds now) {
  const std::int64_t left = not_after - now;
  return left >= 0 ? left / kSecondsPerDay : -((-left + kSecondsPerDay - 1) / kSecondsPerDay);
}

json to_json(const ServerStatus& status, UnixSeconds now) {
  const Endpoint& endpoint = status.endpoint;
  json made{{"id", endpoint.id},
            {"name", endpoint.name},
            {"ip", endpoint.ip},
            {"dnsAddress", endpoint.dns_address},
            {"port", endpoint.port},
            {"protocol", endpoint.protocol},
            {"tags", endpoint.tags},
            {"isOnline", status.online},
            {"state", state_name(status.state)},
            {"consecutiveSuccesses", status.consecutive_successes},
            {"consecutiveFailures", status.consecutive_failures},
            {"lastChecked", time_or_null(status.last_checked)},
            {"lastStatusChange", time_or_null(status.last_status_change)},
            {"latencyMs", status.latency_ms ? json(*status.latency_ms) : json(nullptr)},
            {"expiryWarningDays", endpoint.expiry_warning_days},
            {"certificate", status.certificate ? to_json(*status.certificate, now) : json(nullptr)}};
  if (!status.error.empty()) made["error"] = status.error;
  return made;
}

}  // namespace lockstep::service
