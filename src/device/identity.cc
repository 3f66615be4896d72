#include "device/identity.h"

#include <algorithm>
#include <tuple>

#include "x509/chain.h"

namespace lockstep::device {

namespace {

std::string names_text(const std::vector<x509::AlternativeName>& names) {
  std::string text;
  for (const x509::AlternativeName& name : names) text += (text.empty() ? "" : ", ") + name.value;
  return text.empty() ? "none" : text;
}

}  // namespace

bool same_names(std::vector<x509::AlternativeName> a, std::vector<x509::AlternativeName> b) {
  const auto before = [](const x509::AlternativeName& one, const x509::AlternativeName& other) {
    return std::tie(one.type, one.value) < std::tie(other.type, other.value);
  };
  std::sort(a.begin(), a.end(), before);
  std::sort(b.begin(), b.end(), before);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.type == other.type && one.value == other.value;
  });
}

Result<x509::Certificate> leaf_of(const std::string& certificate_pem, const std::string& name) {
  auto certificates = TRY(x509::parse_certificates(certificate_pem, name));
  if (certificates.empty()) return fail(ErrorCode::parse_error, name + " holds no certificate");
  return std::move(certificates.front());
}

bool is_pair(const Identity& identity) {
  const auto leaf = leaf_of(identity.certificate_pem, "the certificate");
  const auto key = crypto::PrivateKey::from_pem(identity.key_pem.reveal(), "the key");
  return leaf && key && x509::pair_matches(*leaf, *key).value_or(false);
}

std::optional<Rejection> reason_to_reject(const Identity& identity, const Expectation& expected) {
  const auto itself = [](std::string why) { return Rejection{Fault::itself, std::move(why)}; };
  const auto certificates = x509::parse_certificates(identity.certificate_pem, "the answer");
  if (!certificates) return itself(certificates.error().message);
  if (certificates->empty()) return itself("there is no certificate in it");
  const x509::Certificate& leaf = certificates->front();
  if (!is_pair(identity)) return itself("it is not the certificate of the key that it was asked for");
  if (!expected.subject_der.empty() && leaf.subject.der() != expected.subject_der)
    return itself("its subject is '" + leaf.subject.to_text() + "', which is not this device's");
  if (!same_names(leaf.alternative_names, expected.names))
    return itself("its alternative names are " + names_text(leaf.alternative_names) + " instead of " +
                  names_text(expected.names));
  if (leaf.is_ca) return itself("it is a CA's certificate");
  if (!leaf.client_auth) return itself("it may not be used for client authentication");
  if (leaf.not_before > expected.now + expected.skew)
    return Rejection{Fault::too_early, "it begins only at " + format_rfc3339(leaf.not_before) + " (" +
                                           std::to_string(expected.skew) +
                                           " s of difference between the clocks are allowed)"};
  if (leaf.not_after <= expected.now) return Rejection{Fault::over, "it ended at " + format_rfc3339(leaf.not_after)};
  const std::vector<x509::Certificate> chain(certificates->begin() + 1, certificates->end());
  const auto verdict = x509::verify_chain(leaf, chain, expected.anchors, std::max(expected.now, leaf.not_before));
  if (!verdict) return itself(verdict.error().message);
  if (!verdict->trusted)
    return Rejection{Fault::other_anchor, "it does not lead to the configured CA: " + verdict->reason};
  return {};
}

}  // namespace lockstep::device
