// Is this certificate one of this CA's, in its time, and not revoked?
#pragma once

#include <optional>
#include <string>

#include "ca/ledger.h"
#include "x509/certificate.h"

namespace lockstep::ca {

enum class Expiry { ok, expired, not_yet_valid };
enum class RevocationCheck { not_revoked, revoked, no_crl, crl_expired, crl_not_trusted };

struct Verdict {
  bool signature_ok = false;
  Expiry expiry = Expiry::ok;
  RevocationCheck revocation = RevocationCheck::no_crl;
  Revocation revoked;               // when `revoked`
  UnixSeconds crl_next_update = 0;  // when `crl_expired`
  // A certificate whose revocation could not be checked for want of a current CRL is valid, and the report says so. A
  // CRL that this CA did not sign makes it invalid: somebody put it there.
  [[nodiscard]] bool valid() const;
};

Result<Verdict> verify_certificate(LedgerReader& ledger, const x509::Certificate& certificate, UnixSeconds now);

// "OK (not revoked)", "REVOKED (reason: keyCompromise, date: 2026-03-01T12:00:00Z)", …
std::string revocation_text(const Verdict& verdict);
std::string_view expiry_text(Expiry expiry);

}  // namespace lockstep::ca
