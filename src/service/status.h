// What is watched, and what was seen of it: plain values, and the JSON of a status as REST and events show it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace lockstep::service {

// One server as the configuration has it; its limits are those of rules.json.
struct Endpoint {
  std::string id;
  std::string name;
  std::string ip;                // empty without one; used for connecting when both are there
  std::string dns_address;       // empty without one
  std::string server_name;       // empty: dns_address is asked for and checked, else ip is checked
  std::string protocol = "tls";  // "tls", "tcp" (connects and says nothing), "https" (asks for /)
  std::string ca_bundle;         // path of PEM roots that count instead of the system's; empty: the system's
  std::uint16_t port = 443;
  std::int64_t check_interval_seconds = 30;
  int consecutive_successes = 3;
  int consecutive_failures = 3;
  int expiry_warning_days = 30;
  std::vector<std::string> tags;

  bool operator==(const Endpoint&) const = default;
};

// Online and expiring answer and can be relied on; expired, untrusted and mismatched_name answer with a certificate
// that clients refuse; offline does not answer; unknown was not seen often enough to say.
enum class ServerState { unknown, online, offline, expiring, expired, untrusted, mismatched_name };
// As in JSON: "mismatched-name".
std::string_view state_name(ServerState state);

// The certificate that a server showed last, and what was found about it.
struct SeenCertificate {
  std::string der;
  std::string subject;  // RFC 4514 text
  std::string issuer;
  std::string serial;  // lower-case hex
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
  std::vector<std::string> names;  // "example.com", "192.0.2.1"
  bool chain_ok = false;
  std::string chain_error;  // why not; empty when it is
  bool name_ok = false;
  std::string tls_version;  // "TLSv1.3"

  bool operator==(const SeenCertificate&) const = default;
};

struct ServerStatus {
  Endpoint endpoint;
  ServerState state = ServerState::unknown;
  bool online = false;            // as it was told last: after the configured count of equal results
  int consecutive_successes = 0;  // in a row, up to now; one of the two is 0
  int consecutive_failures = 0;
  std::optional<UnixSeconds> last_checked;
  std::optional<UnixSeconds> last_status_change;  // of `state`
  std::optional<std::int64_t> latency_ms;         // of the last check that succeeded: to the end of the handshake
  std::string error;                              // why the last check failed, short; empty when it succeeded
  std::optional<SeenCertificate> certificate;     // nothing before the first handshake, and for tcp
};

// Whole days until `not_after`, rounded down; negative when it has passed.
std::int64_t days_left(UnixSeconds not_after, UnixSeconds now);

// {id, name, ip, dnsAddress, port, protocol, tags, isOnline, state, …}; `now` is for daysLeft.
nlohmann::json to_json(const ServerStatus& status, UnixSeconds now);

}  // namespace lockstep::service
