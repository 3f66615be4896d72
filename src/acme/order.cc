#include "acme/order.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/hex.h"

namespace lockstep::acme {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostAlternates = 8;
constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kDay = 86400;

std::optional<std::int64_t> wait_of(Session& session, const http::Response& response) {
  return http::parse_retry_after(response.header("retry-after"), session.clock().now());
}

Result<DownloadedChain> read_chain(std::string body) {
  DownloadedChain chain;
  auto certificates = x509::parse_certificates(body, "the CA's answer");
  if (!certificates || certificates->empty()) {
    return fail(ErrorCode::acme_bad_answer, "the CA sent something else than a certificate" +
                                                (certificates ? std::string() : ": " + certificates.error().message));
  }
  chain.certificates = std::move(*certificates);
  chain.pem = std::move(body);
  return chain;
}

bool is_issued_by(const DownloadedChain& chain, const std::string& issuer) {
  return chain.certificates.back().issuer.to_text().find("CN=" + issuer) != std::string::npos;
}

}  // namespace

Result<PlacedOrder> place_order(Session& session, const Signer& signer, const OrderWish& wish) {
  const Directory directory = TRY(session.directory());
  ordered_json payload = {{"identifiers", ordered_json::parse(identifiers_json(wish.identifiers))}};
  if (!wish.profile.empty()) payload["profile"] = wish.profile;
  if (!wish.replaces.empty()) payload["replaces"] = wish.replaces;
  const auto response = TRY(session.post(directory.new_order, payload.dump(), signer, "cannot place the order"));
  PlacedOrder placed;
  placed.url = response.header("location");
  if (const Status usable = http::check_url(placed.url, session.rules().insecure_http); !usable)
    return fail(ErrorCode::acme_bad_answer, "the CA did not say where the order is: " + usable.error().message);
  placed.order = TRY(parse_order(response.body, session.rules()));
  return placed;
}

Result<Polled<Order>> fetch_order(Session& session, const Signer& signer, const std::string& url) {
  const auto response = TRY(session.post(url, "", signer, "cannot read the order"));
  Order order = TRY(parse_order(response.body, session.rules()));
  return Polled<Order>{std::move(order), wait_of(session, response)};
}

Result<Polled<Authorization>> fetch_authorization(Session& session, const Signer& signer, const std::string& url) {
  const auto response = TRY(session.post(url, "", signer, "cannot read an authorization"));
  Authorization authorization = TRY(parse_authorization(response.body, session.rules()));
  return Polled<Authorization>{std::move(authorization), wait_of(session, response)};
}

Status respond_to_challenge(Session& session, const Signer& signer, const std::string& url) {
  TRY(session.post(url, "{}", signer, "cannot answer the challenge"));
  return {};
}

Result<Order> finalize_order(Session& session, const Signer& signer, const std::string& url, std::string_view csr_der) {
  const std::string payload = R"({"csr":")" + base64url_encode(csr_der) + R"("})";
  const auto response = TRY(session.post(url, payload, signer, "cannot finalize the order"));
  return parse_order(response.body, session.rules());
}

Result<DownloadedChain> download_certificate(Session& session, const Signer& signer, const std::string& url,
                                             const std::string& preferred_issuer) {
  constexpr const char* kWhat = "cannot download the certificate";
  auto response = TRY(session.post(url, "", signer, kWhat));
  const std::vector<std::string> alternates = http::links(response, "alternate");
  DownloadedChain chain = TRY(read_chain(std::move(response.body)));
  if (preferred_issuer.empty() || is_issued_by(chain, preferred_issuer)) return chain;
  for (std::size_t i = 0; i < std::min(alternates.size(), kMostAlternates); ++i) {
    // One that may not be asked for is none: the chain that came first is good.
    if (!http::check_url(alternates[i], session.rules().insecure_http)) continue;
    auto other = TRY(session.post(alternates[i], "", signer, "cannot download an alternate chain"));
    DownloadedChain candidate = TRY(read_chain(std::move(other.body)));
    const bool same_leaf = candidate.certificates.front().der == chain.certificates.front().der;
    if (same_leaf && is_issued_by(candidate, preferred_issuer)) return candidate;
  }
  return chain;
}

Result<int> revocation_reason(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, int>, 5> kReasons{{{"unspecified", 0},
                                                                      {"keyCompromise", 1},
                                                                      {"affiliationChanged", 3},
                                                                      {"superseded", 4},
                                                                      {"cessationOfOperation", 5}}};
  for (const auto& [text, number] : kReasons)
    if (text == name) return number;
  return fail(ErrorCode::invalid_argument, "unknown reason '" + name + "'",
              "use one of: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation");
}

Status revoke_certificate(Session& session, const Signer& signer, std::string_view certificate_der,
                          std::optional<int> reason) {
  const Directory directory = TRY(session.directory());
  if (directory.revoke_certificate.empty()) return fail(ErrorCode::acme_refused, "this CA revokes nothing on request");
  ordered_json payload = {{"certificate", base64url_encode(certificate_der)}};
  if (reason) payload["reason"] = *reason;
  TRY(session.post(directory.revoke_certificate, payload.dump(), signer, "cannot revoke the certificate"));
  return {};
}

std::string renewal_identifier(const x509::Certificate& certificate) {
  if (certificate.authority_key_id.empty()) return {};
  const auto serial = hex_decode(certificate.serial);
  if (!serial || serial->empty()) return {};
  // The serial as the content of its DER INTEGER: a leading octet keeps it positive.
  const bool negative = (static_cast<unsigned char>(serial->front()) & 0x80U) != 0;
  const std::string number = (negative ? std::string(1, '\0') : std::string()) + *serial;
  return base64url_encode(certificate.authority_key_id) + "." + base64url_encode(number);
}

Result<std::optional<RenewalAnswer>> fetch_renewal_info(Session& session, const x509::Certificate& certificate) {
  const Directory directory = TRY(session.directory());
  const std::string identifier = renewal_identifier(certificate);
  if (directory.renewal_info.empty() || identifier.empty()) return std::optional<RenewalAnswer>();
  const bool slash = directory.renewal_info.ends_with('/');
  const auto response =
      TRY(session.get(directory.renewal_info + (slash ? "" : "/") + identifier, "cannot read the renewal information"));
  RenewalAnswer answer;
  answer.info = TRY(parse_renewal_info(response.body));
  // RFC 9773 4.3.2: six hours are what a server says that has nothing special to say.
  constexpr std::int64_t kUsual = 6 * 3600;
  answer.retry_after = std::clamp(wait_of(session, response).value_or(kUsual), kMinute, kDay);
  return std::optional<RenewalAnswer>(std::move(answer));
}

}  // namespace lockstep::acme
