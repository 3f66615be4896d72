#include "agent/order_placing.h"

namespace lockstep::agent {

Result<acme::PlacedOrder> place_order(ObtainTools& tools, const StoredAccount& account,
                                      const CertificateSettings& settings, const x509::Certificate* replaces) {
  acme::OrderWish wish{.identifiers = {}, .profile = settings.profile, .replaces = {}};
  for (const std::string& name : settings.names) wish.identifiers.push_back(acme::identifier_of(name));
  const acme::Directory directory = TRY(tools.session.directory());
  if (!settings.profile.empty() && !directory.profiles.contains(settings.profile)) {
    std::string offered;
    for (const auto& [name, description] : directory.profiles) offered += (offered.empty() ? "" : ", ") + name;
    return fail(ErrorCode::acme_refused, "this CA has no profile '" + settings.profile + "'",
                offered.empty() ? "it has no profiles at all" : "it has: " + offered);
  }
  if (replaces != nullptr && !directory.renewal_info.empty()) wish.replaces = acme::renewal_identifier(*replaces);
  auto placed = acme::place_order(tools.session, signer_of(account), wish);
  const bool refused =
      !placed && !wish.replaces.empty() &&
      (placed.error().code == ErrorCode::acme_already_replaced || placed.error().code == ErrorCode::acme_refused ||
       placed.error().code == ErrorCode::acme_order_lost);
  if (!refused) return placed;
  // RFC 9773 section 5: what is said of the predecessor must not keep a certificate from being issued.
  tools.say(settings.domain(),
            "the CA did not take it as a replacement (" + placed.error().message + "); ordering without that");
  wish.replaces.clear();
  return acme::place_order(tools.session, signer_of(account), wish);
}

bool can_go_on(ErrorCode code) {
  switch (code) {
    case ErrorCode::acme_refused:
    case ErrorCode::acme_order_lost:
    case ErrorCode::acme_account_unknown:
    case ErrorCode::challenge_failed:
    case ErrorCode::untrusted:
    case ErrorCode::parse_error: return false;
    default: return true;
  }
}

}  // namespace lockstep::agent
