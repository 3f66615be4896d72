// The solvers that the program has. Each is made once a run, before any order is placed, so that a port that is taken
// or a directory that is missing is said before a CA is asked for anything.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "acme/solver.h"
#include "base/secret.h"
#include "durable/runtime.h"
#include "fs/program.h"

namespace lockstep::acme {

// http-01 answered by a listener of our own; `address` as http::Server::listen (CAs connect to port 80).
Result<std::unique_ptr<ChallengeSolver>> make_http_listener(const std::string& address);

// http-01 answered by the web server that serves `directory`: the file .well-known/acme-challenge/TOKEN, 0644.
// Directories that had to be made are removed again when they are empty.
Result<std::unique_ptr<ChallengeSolver>> make_webroot(durable::Runtime& runtime, const std::string& directory);

// tls-alpn-01 on a listener of our own (CAs connect to port 443).
Result<std::unique_ptr<ChallengeSolver>> make_tls_alpn(const std::string& address, durable::Runtime& runtime);

// dns-01 by a program, called as `PROGRAM present|cleanup` with LOCKSTEP_DOMAIN, LOCKSTEP_RECORD (the record's name,
// "_acme-challenge.example.com"), LOCKSTEP_VALUE and LOCKSTEP_TOKEN. It returns when the record can be looked up.
Result<std::unique_ptr<ChallengeSolver>> make_dns_hook(fs::ProgramRunner& programs, const std::string& program);

// dns-01 by dynamic updates (RFC 2136) signed with TSIG (RFC 8945).
struct DnsUpdateOptions {
  std::string server;                         // "ADDRESS", "ADDRESS:PORT" or "[IPv6]:PORT"
  std::string key_name;                       // of the TSIG key
  std::string algorithm;                      // "hmac-sha256", "hmac-sha384", "hmac-sha512"
  SecretBytes secret;                         // base64, as in key files
  std::chrono::milliseconds timeout{10'000};  // of one exchange
  std::chrono::milliseconds propagation{0};   // waited for after the update, for secondaries
};
Result<std::unique_ptr<ChallengeSolver>> make_dns_update(Clock& clock, DnsUpdateOptions options);

// The key of a file as tsig-keygen (BIND) or keymgr (Knot DNS) writes it: dns/tsig_key.h. `name` is what errors call
// it.
Status read_dns_key(std::string_view text, const std::string& name, DnsUpdateOptions* options);

}  // namespace lockstep::acme
