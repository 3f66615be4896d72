#include "ca/verify.h"

#include "x509/crl.h"

namespace lockstep::ca {

namespace {

Status check_revocation(LedgerReader& ledger, const x509::Certificate& authority, const x509::Certificate& certificate,
                        UnixSeconds now, Verdict* verdict) {
  const std::optional<std::string> text = TRY(ledger.crl());
  if (!text) return {};
  auto crl = x509::parse_crl(*text, "ca.crl");
  auto is_ours = crl ? x509::is_signed_by(*crl, authority.public_key_info) : Result<bool>(false);
  if (!is_ours) return fail(std::move(is_ours).error());
  if (!*is_ours || crl->issuer.der() != authority.subject.der()) {
    verdict->revocation = RevocationCheck::crl_not_trusted;
    return {};
  }
  const auto entry = TRY(x509::find_revoked(*crl, certificate.serial));
  if (entry) {
    // Revoked stays revoked, also on a list that is out of date.
    verdict->revocation = RevocationCheck::revoked;
    verdict->revoked = {entry->revoked_at, entry->reason};
  } else if (crl->next_update && *crl->next_update <= now) {
    verdict->revocation = RevocationCheck::crl_expired;
    verdict->crl_next_update = *crl->next_update;
  } else {
    verdict->revocation = RevocationCheck::not_revoked;
  }
  return {};
}

}  // namespace

bool Verdict::valid() const {
  return signature_ok && expiry == Expiry::ok && revocation != RevocationCheck::revoked &&
         revocation != RevocationCheck::crl_not_trusted;
}

Result<Verdict> verify_certificate(LedgerReader& ledger, const x509::Certificate& certificate, UnixSeconds now) {
  const std::string pem = TRY(ledger.authority_certificate());
  const x509::Certificate authority = TRY(x509::parse_certificate(pem, "ca.crt"));
  Verdict verdict;
  const bool verifies = TRY(x509::is_signed_by(certificate, authority.public_key_info));
  verdict.signature_ok = verifies && certificate.issuer.der() == authority.subject.der();
  if (now > certificate.not_after)
    verdict.expiry = Expiry::expired;
  else if (now < certificate.not_before)
    verdict.expiry = Expiry::not_yet_valid;
  TRY(check_revocation(ledger, authority, certificate, now, &verdict));
  return verdict;
}

std::string_view expiry_text(Expiry expiry) {
  switch (expiry) {
    case Expiry::ok: return "OK";
    case Expiry::expired: return "EXPIRED";
    case Expiry::not_yet_valid: return "NOT YET VALID";
  }
  return "EXPIRED";
}

std::string revocation_text(const Verdict& verdict) {
  switch (verdict.revocation) {
    case RevocationCheck::not_revoked: return "OK (not revoked)";
    case RevocationCheck::revoked:
      return "REVOKED (reason: " + std::string(x509::to_text(verdict.revoked.reason)) +
             ", date: " + format_rfc3339(verdict.revoked.at) + ")";
    case RevocationCheck::no_crl: return "NOT CHECKED (no CRL available)";
    case RevocationCheck::crl_expired:
      return "NOT CHECKED (CRL expired " + format_rfc3339(verdict.crl_next_update) + ")";
    case RevocationCheck::crl_not_trusted: return "FAILED (ca.crl is not a CRL signed by this CA)";
  }
  return {};
}

}  // namespace lockstep::ca
