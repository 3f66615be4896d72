// Placing an order at an ACME CA as the settings ask for it, and what its failures mean for it.
#pragma once

#include "acme/order.h"
#include "agent/obtain.h"

namespace lockstep::agent {

// `replaces`: the certificate whose place the new one takes (RFC 9773 section 5), nullptr for none; a CA that refuses
// to hear of it is asked again without. The order is named to tools.say as that of settings.domain(). Errors:
// acme_refused for a profile that the CA does not have, naming those it has; those of acme::place_order.
Result<acme::PlacedOrder> place_order(ObtainTools& tools, const StoredAccount& account,
                                      const CertificateSettings& settings, const x509::Certificate* replaces);

// Can the same order still come to its end after this error?
bool can_go_on(ErrorCode code);

}  // namespace lockstep::agent
