#include "service/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lockstep::service {
namespace {

constexpr UnixSeconds kNow = 1'772'366'400;  // 2026-03-01T12:00:00Z
constexpr std::int64_t kDay = 86400;

TEST(Status, CountsWholeDaysDown) {
  EXPECT_EQ(days_left(kNow, kNow), 0);
  EXPECT_EQ(days_left(kNow + kDay - 1, kNow), 0);
  EXPECT_EQ(days_left(kNow + kDay, kNow), 1);
  EXPECT_EQ(days_left(kNow - 1, kNow), -1);
  EXPECT_EQ(days_left(kNow - kDay, kNow), -1);
  EXPECT_EQ(days_left(kNow - kDay - 1, kNow), -2);
}

TEST(Status, OfAServerThatWasNeverSeen) {
  ServerStatus status;
  status.endpoint = {.id = "server-001", .name = "web", .ip = "192.0.2.1", .tags = {"a"}};
  EXPECT_EQ(to_json(status, kNow), nlohmann::json::parse(R"({
    "id": "server-001", "name": "web", "ip": "192.0.2.1", "dnsAddress": "", "port": 443, "protocol": "tls",
    "tags": ["a"], "isOnline": false, "state": "unknown", "consecutiveSuccesses": 0, "consecutiveFailures": 0,
    "lastChecked": null, "lastStatusChange": null, "latencyMs": null, "expiryWarningDays": 30, "certificate": null})"));
}

TEST(Status, WithEverythingThatCanBeKnown) {
  ServerStatus status;
  status.endpoint = {.id = "x", .name = "web", .dns_address = "a.example", .protocol = "https", .port = 8443};
  status.state = ServerState::mismatched_name;
  status.online = true;
  status.consecutive_successes = 7;
  status.last_checked = kNow;
  status.last_status_change = kNow - 60;
  status.latency_ms = 12;
  status.error = "no answer within 10 s";
  status.certificate = SeenCertificate{.subject = "CN=b.example",
                                       .issuer = "CN=CA",
                                       .serial = "0a",
                                       .not_before = kNow - kDay,
                                       .not_after = kNow + 10 * kDay + 5,
                                       .names = {"b.example"},
                                       .chain_error = "self-signed",
                                       .tls_version = "TLSv1.3"};
  EXPECT_EQ(to_json(status, kNow), nlohmann::json::parse(R"({
    "id": "x", "name": "web", "ip": "", "dnsAddress": "a.example", "port": 8443, "protocol": "https", "tags": [],
    "isOnline": true, "state": "mismatched-name", "consecutiveSuccesses": 7, "consecutiveFailures": 0,
    "lastChecked": "2026-03-01T12:00:00Z", "lastStatusChange": "2026-03-01T11:59:00Z", "latencyMs": 12,
    "error": "no answer within 10 s", "expiryWarningDays": 30,
    "certificate": {"subject": "CN=b.example", "issuer": "CN=CA", "serial": "0a", "notBefore": "2026-02-28T12:00:00Z",
      "notAfter": "2026-03-11T12:00:05Z", "daysLeft": 10, "sans": ["b.example"], "chainOk": false,
      "chainError": "self-signed", "nameOk": false, "tlsVersion": "TLSv1.3"}})"));
}

}  // namespace
}  // namespace lockstep::service
