// How a certificate is obtained and renewed: what a person said on the command line or in the configuration, kept so
// that a renewal needs to be told nothing.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key_algorithm.h"

namespace lockstep::agent {

enum class ChallengeKind { http_listener, webroot, tls_alpn, dns_hook, dns_update };

struct ChallengeSettings {
  ChallengeKind kind = ChallengeKind::http_listener;
  std::string where;             // the listener's address, the directory, the program, or the DNS server
  std::string key_file;          // dns_update: the TSIG key's file
  std::int64_t propagation = 0;  // dns_update: seconds to wait for secondaries
  bool operator==(const ChallengeSettings&) const = default;
};

// A program and its arguments; never a text for a shell.
using HookProgram = std::vector<std::string>;

struct HookSettings {
  std::vector<HookProgram> pre, deploy, post, failure;
  bool rollback_on_deploy_failure = false;
  bool operator==(const HookSettings&) const = default;
};

struct CertificateSettings {
  std::vector<std::string> names;  // parsed; the first one names the folder
  std::string server;              // the directory's URL
  std::string ca_bundle;           // of the server's own TLS certificate; empty: the system's
  bool insecure_http = false;
  crypto::KeyType key_type = crypto::KeyType::rsa2048;
  bool reuse_key = false;
  std::string profile;
  std::string preferred_chain;
  std::optional<std::int64_t> renew_before;  // seconds before the end
  ChallengeSettings challenge;
  HookSettings hooks;
  bool combined = false;
  bool nginx_conf = false;
  std::string group;  // name of a group that may read the folder
  bool operator==(const CertificateSettings&) const = default;

  [[nodiscard]] const std::string& domain() const { return names.front(); }
};

std::string_view challenge_kind_name(ChallengeKind kind);
nlohmann::ordered_json settings_json(const CertificateSettings& settings);
// Throws what nlohmann-json throws for another shape, and std::invalid_argument for a value that is none: for the
// reader of a file that is ours.
CertificateSettings settings_from_json(const nlohmann::json& document);

}  // namespace lockstep::agent
