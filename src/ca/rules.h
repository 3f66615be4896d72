// Who is given a certificate over the network: one pure function of what is asked, who asks and what is on record.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ca/records.h"
#include "x509/certificate.h"
#include "x509/request.h"

namespace lockstep::ca {

inline constexpr std::size_t kMostAlternativeNames = 32;

// How a refusal is meant; an HTTP server has a status for each.
enum class RefusalKind {
  malformed,        // what was sent cannot be used, whoever sends it
  unauthenticated,  // there is no client certificate, or none that counts here
  forbidden,        // who asks is known, and may not have this
};

struct Refusal {
  RefusalKind kind = RefusalKind::forbidden;
  std::string code;  // stable snake_case name
  std::string message;
  std::string hint;

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// What is asked. The request's signature has been verified and its key is of an accepted kind.
struct RequestFacts {
  Reason reason = Reason::enroll;
  std::string name;                         // enroll: the device's name, as sent
  std::string subject;                      // RFC 4514, of the CSR
  std::set<std::string> alternative_names;  // of the CSR, canonical_names()
};

// Who asks: the certificate whose key the TLS handshake proved.
struct ClientFacts {
  bool issued_here = false;  // it is, byte for byte, the one that this CA's ledger has under its serial
  bool revoked = false;      // by this CA
  bool client_auth = false;  // it may identify a client
  std::string subject;       // RFC 4514
  std::set<std::string> alternative_names;
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
};

// What is on record about the ones that the request names.
struct RegistryFacts {
  std::optional<Token> token;    // enroll: the one whose text was sent; nothing when there is none
  std::optional<Device> device;  // enroll: the device of that name; expired: the one with that bootstrap certificate
  bool subject_in_use = false;   // enroll: a certificate of the same subject is neither revoked nor expired
  std::optional<std::string> taken;  // another device that one of the CSR's alternative names is the name of
};

// Nothing when the certificate may be issued.
std::optional<Refusal> decide(const RequestFacts& request, const std::optional<ClientFacts>& client,
                              const RegistryFacts& registry, UnixSeconds now);

// Names as they are compared: their text, DNS names in lower case. Error: invalid_argument for a form that is none of
// DNS, IP, URI and email.
Result<std::set<std::string>> canonical_names(const std::vector<x509::AlternativeName>& names);
// The same for a CSR. Errors: invalid_argument, also for more than kMostAlternativeNames; parse_error.
Result<std::set<std::string>> requested_names(const x509::Request& request);

// Has the subject exactly one common name, and is it this one? `name` is a device's name, which needs no escapes.
bool has_common_name(std::string_view subject, std::string_view name);

}  // namespace lockstep::ca
