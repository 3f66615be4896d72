// How a certificate is wanted, as a person says it: by options of `cert obtain` or by a [[certificate]] of the
// configuration. Both are the same texts and are judged by the same rules.
#pragma once

#include <string>
#include <vector>

#include "agent/settings.h"
#include "cli/acme_common.h"

namespace lockstep::cli {

// Stands for the address that a listener has when none is named.
inline constexpr const char* kDefaultAddress = "(default)";

struct CertificateOptions {
  std::vector<std::string> domains;
  AccountOptions account;
  std::string http, webroot, tls_alpn, dns, dns_server, dns_key, dns_wait;
  std::string key_type = "rsa2048";
  bool reuse_key = false;
  std::string profile, preferred_chain, renew_before, group;
  bool combined = false;
  bool nginx_conf = false;
  std::vector<std::string> pre_hooks, deploy_hooks, post_hooks, failure_hooks;
  bool rollback = false;
};

// Errors: usage naming the option.
Result<agent::CertificateSettings> certificate_settings(Context& context, const CertificateOptions& options);

}  // namespace lockstep::cli
