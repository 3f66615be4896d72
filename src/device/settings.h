// What a device is told about its identity: where it is kept, who issues it, when it is renewed. Defaults and ranges
// are part of the promise; a value out of range is an error that names both. docs/formats/configuration.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/key_algorithm.h"

namespace lockstep::device {

enum class StorageKind { generations, files };
enum class IssuerKind { private_ca, acme, command };

// When a certificate is due: so many days before its end, or with so much of its lifetime left.
struct Threshold {
  std::int64_t days = 30;  // 1 to 365
  int percent = 0;         // 1 to 99; 0: the days count
  bool operator==(const Threshold&) const = default;
};
// "30" (days) or "33%". Error: invalid_argument with the range.
Result<Threshold> parse_threshold(const std::string& text);

struct RenewalPolicy {
  bool enabled = true;
  Threshold threshold;
  std::int64_t check_interval = 24 * 3600;  // seconds, at least 1
  std::int64_t retry_interval = 3600;       // seconds, at least 1
  int max_retries = 10;                     // at least 1; then the next check
  double backoff_multiplier = 2.0;          // at least 1, at most 100
  std::int64_t max_backoff = 24 * 3600;     // seconds, at least retry_interval
  bool reuse_key = false;
  bool destroy_old_keys = true;
  bool test_connection = false;
};
// Error: invalid_argument naming the key as the configuration has it ("max_retries"), its value and its range.
Status check_policy(const RenewalPolicy& policy);

struct DeviceSettings {
  std::string name;  // the common name of the identity's subject
  StorageKind storage = StorageKind::generations;
  std::string directory;  // generations: the store
  std::string cert, key;  // files: where programs read them
  std::string ca;         // PEM file: the anchors that a new identity must lead to, and the server's
  std::string bootstrap_cert, bootstrap_key;   // empty: none
  std::vector<std::string> alternative_names;  // "DNS:…", "IP:…" of the first identity; later ones keep theirs
  crypto::KeyType key_type = crypto::KeyType::ec256;
  IssuerKind issuer = IssuerKind::private_ca;
  std::string server;                // private_ca: "https://ca.example:8444"
  std::vector<std::string> command;  // command: program and arguments
  // acme, command: where it is asked whether a new identity is accepted, "https://…"; empty: what was issued is.
  std::string check_url;
  std::int64_t timeout = 30;  // seconds for each exchange with an issuer, 1 to 120
  RenewalPolicy renewal;
  bool recovery_enabled = true;
};

// Does the issuer know a device by the identity that it shows? Only then does recovery need another one.
inline bool issuer_authenticates(IssuerKind kind) { return kind == IssuerKind::private_ca; }

std::string_view storage_name(StorageKind kind);

}  // namespace lockstep::device
