// The certificate that proves control of a name in the TLS handshake of tls-alpn-01 (RFC 8737 section 3).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "x509/alternative_names.h"

namespace lockstep::x509 {

struct AcmeTlsCertificate {
  std::string certificate_pem;
  SecretBytes key_pem;
};

// Self-signed with a P-256 key of its own: the identifier (a DNS name, or an IP address by RFC 8738) as the one
// subject alternative name, and the SHA-256 of the key authorization in a critical acmeIdentifier extension. Valid for
// a week around `now`. Errors: invalid_argument for a malformed or another kind of identifier, crypto_failure.
Result<AcmeTlsCertificate> make_acme_tls_certificate(const AlternativeName& identifier,
                                                     std::string_view key_authorization, UnixSeconds now,
                                                     Random& random);

}  // namespace lockstep::x509
