// Issues certificates for requests that come over the network, many in one commit: the request's record, the token's
// consumption and the ledger's entry change together or not at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ca/operations.h"
#include "ca/registry.h"
#include "ca/rules.h"

namespace lockstep::ca {

// One request for a certificate.
struct Application {
  Reason reason = Reason::enroll;
  std::string name;        // enroll: the device's name, as sent
  std::string token_hash;  // enroll: SHA-256 of the token that was sent, in hexadecimal; empty without one
  std::string csr_der;
  std::string client_der;  // the certificate whose key the TLS handshake proved; empty without one
};

// Derived from who asks and from the CSR's bytes: the same request has the same id. 64 hexadecimal digits.
std::string application_id(const Application& application);

// A question for what became of a request.
struct Lookup {
  std::string id;
  std::string client_der;  // as above
};

struct Answer {
  enum class Kind { issued, repeated, refused, not_found } kind = Kind::refused;
  std::string id;
  Serial serial = 0;        // issued, repeated
  std::string certificate;  // issued, repeated: PEM, with the chain
  Refusal refusal;          // refused
  // For the audit log, as far as it could be read.
  std::string csr_subject;
  std::string client;  // "SUBJECT (serial SERIAL)"; empty without a client certificate
};

struct RegistrarOptions {
  std::int64_t validity_seconds = 90 * 86400;
};

class Registrar {
 public:
  // The ledger outlives it. One thread at a time.
  Registrar(Ledger& ledger, const RegistrarOptions& options) : ledger_(ledger), options_(options) {}

  // Decides each application, in order, and commits all certificates together. On success everything that the answers
  // say survives a power cut. On an error nothing was issued, except for commit_uncertain, after which the same
  // requests find out. The answers are those of the applications and then of the lookups.
  Result<std::vector<Answer>> process(const std::vector<Application>& applications, const std::vector<Lookup>& lookups,
                                      UnixSeconds now);

 private:
  class Batch;

  Ledger& ledger_;
  RegistrarOptions options_;
  Registry registry_;
};

// The pair that the issuing server shows for itself.
struct ServerPair {
  std::string certificate_pem;  // without the root, which clients have
  SecretBytes key_pem;
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
};
// The one that the CA keeps, when it is whole, covers exactly these names, is neither revoked nor over at `now`;
// nothing otherwise.
Result<std::optional<ServerPair>> stored_server_pair(Ledger& ledger, const std::vector<x509::AlternativeName>& names,
                                                     UnixSeconds now);
// Makes a key and has the CA sign its certificate; both are kept in the commit that records it. The subject's common
// name is the first name's value, where that is short enough.
Result<ServerPair> renew_server_pair(Ledger& ledger, const std::vector<x509::AlternativeName>& names,
                                     std::int64_t validity_seconds, UnixSeconds now);

}  // namespace lockstep::ca
