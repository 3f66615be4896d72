// Order operations of RFC 8555 sections 7.4 to 7.6, and renewal information (RFC 9773).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/session.h"
#include "x509/certificate.h"

namespace lockstep::acme {

struct OrderWish {
  std::vector<Identifier> identifiers;
  std::string profile;   // empty: the CA's default
  std::string replaces;  // RFC 9773 certificate identifier; empty: none
};

struct PlacedOrder {
  std::string url;
  Order order;
};

Result<PlacedOrder> place_order(Session& session, const Signer& signer, const OrderWish& wish);

// What was asked for, with how long the server wants us to wait before the next look (seconds; nothing when it did not
// say).
template <class T>
struct Polled {
  T value;
  std::optional<std::int64_t> retry_after;
};
Result<Polled<Order>> fetch_order(Session& session, const Signer& signer, const std::string& url);
Result<Polled<Authorization>> fetch_authorization(Session& session, const Signer& signer, const std::string& url);
// Tells the server that the proof is in its place.
Status respond_to_challenge(Session& session, const Signer& signer, const std::string& url);
Result<Order> finalize_order(Session& session, const Signer& signer, const std::string& url, std::string_view csr_der);

struct DownloadedChain {
  std::string pem;  // the leaf, then its chain
  std::vector<x509::Certificate> certificates;
};
// The chain, or the first alternate one whose topmost certificate was issued by `preferred_issuer` (its common name
// holds that text); without such a one the default. At most 8 alternates are looked at. Errors: acme_bad_answer.
Result<DownloadedChain> download_certificate(Session& session, const Signer& signer, const std::string& url,
                                             const std::string& preferred_issuer);

// RFC 5280 5.3.1 reasons that a subscriber may give: unspecified 0, keyCompromise 1, affiliationChanged 3, superseded
// 4, cessationOfOperation 5. Error: invalid_argument naming them.
Result<int> revocation_reason(const std::string& name);
// By the account, or by the certificate's own key (a Signer without an account).
Status revoke_certificate(Session& session, const Signer& signer, std::string_view certificate_der,
                          std::optional<int> reason);

// base64url(authority key identifier) "." base64url(serial) (RFC 9773 section 4.1); empty for a certificate without
// one.
std::string renewal_identifier(const x509::Certificate& certificate);

struct RenewalAnswer {
  std::optional<RenewalInfo> info;
  std::int64_t retry_after = 0;  // seconds until it is worth asking again, between a minute and a day
};
// Nothing when the CA has no renewal information or the certificate no identifier.
Result<std::optional<RenewalAnswer>> fetch_renewal_info(Session& session, const x509::Certificate& certificate);

}  // namespace lockstep::acme
