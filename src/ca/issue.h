// What a certificate is to say: pure functions of (CA, request, profile, time).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ca/serial.h"
#include "x509/certificate.h"
#include "x509/request.h"

namespace lockstep::ca {

enum class Profile { standard, server, client, peer };
// "server", "client", "peer". Error: usage naming the profiles.
Result<Profile> parse_profile(std::string_view name);

struct IssuePolicy {
  Profile profile = Profile::standard;
  std::int64_t validity_seconds = 365 * 86400;
  // How far before `now` a certificate begins, for verifiers whose clock is behind. None by default.
  std::int64_t clock_skew_allowance_seconds = 0;
};

struct IssuePlan {
  x509::CertificateFields fields;
  bool shortened = false;  // ends with the CA instead of when it was asked to
};

// The public half of a CA, decoded once for any number of issuances.
struct Authority {
  x509::Certificate certificate;
};

// The root's own certificate: serial 01, self-issued. Error: invalid_argument (empty subject, a time beyond 9999).
Result<x509::CertificateFields> plan_root(const x509::Name& subject, std::string_view public_key_info,
                                          std::int64_t validity_seconds, UnixSeconds now);

// An end-entity certificate. The request's key bytes and alternative names are carried over; none of its other wishes
// is. Errors: invalid_argument (neither subject nor alternative name), untrusted (the CA itself is expired or not yet
// valid).
Result<IssuePlan> plan_certificate(const Authority& authority, const x509::Request& request, const IssuePolicy& policy,
                                   Serial serial, UnixSeconds now);

}  // namespace lockstep::ca
