#include "certstore/certificate_set.h"

#include "x509/chain.h"

namespace lockstep::certstore {

Result<CertificateSet> parse_set(const SetInput& input) {
  std::vector<x509::Certificate> certificates =
      TRY(x509::parse_certificates(input.certificate_pem, input.certificate_name));
  if (certificates.empty()) {
    return fail(ErrorCode::parse_error, std::string(input.certificate_name) + " holds no certificate in PEM");
  }
  crypto::PrivateKey key = TRY(crypto::PrivateKey::from_pem(input.key_pem, input.key_name));
  SecretBytes key_pem = TRY(key.to_pem());
  CertificateSet set{.leaf = certificates.front(), .chain = {}, .key = std::move(key), .key_pem = std::move(key_pem)};
  set.chain.assign(certificates.begin() + 1, certificates.end());
  if (!input.chain_pem.empty()) {
    std::vector<x509::Certificate> chain = TRY(x509::parse_certificates(input.chain_pem, input.chain_name));
    for (x509::Certificate& certificate : chain) {
      // A chain file that begins with the leaf, as a full chain does, names it twice.
      if (certificate.der != set.leaf.der) set.chain.push_back(std::move(certificate));
    }
  }
  return set;
}

Result<std::vector<SetProblem>> examine_set(const CertificateSet& set, const SetPolicy& policy) {
  std::vector<SetProblem> problems;
  const bool matches = TRY(x509::pair_matches(set.leaf, set.key));
  if (!matches) problems.push_back({"the private key does not belong to the certificate", false});

  const x509::Certificate* below = &set.leaf;
  for (const x509::Certificate& issuer : set.chain) {
    const bool signs = TRY(x509::is_signed_by(*below, issuer.public_key_info));
    if (!signs || below->issuer.der() != issuer.subject.der()) {
      problems.push_back({"in the chain, '" + issuer.subject.to_text() + "' did not sign '" + below->subject.to_text() +
                              "': the chain must lead upwards, each certificate signing the one before it",
                          false});
      break;
    }
    below = &issuer;
  }
  const bool expired = policy.now > set.leaf.not_after;
  const bool too_early = policy.now < set.leaf.not_before;
  if (!policy.anchors.empty()) {
    // Dates are a problem of their own below: the path is judged at a moment when the leaf is valid.
    const UnixSeconds moment = expired || too_early ? set.leaf.not_before : policy.now;
    const x509::ChainVerdict verdict = TRY(x509::verify_chain(set.leaf, set.chain, policy.anchors, moment));
    if (!verdict.trusted) problems.push_back({"no path to a trusted certificate: " + verdict.reason, false});
  }
  if (!x509::covers_name(set.leaf, policy.domain)) {
    problems.push_back({"the certificate does not cover " + policy.domain, true});
  }
  if (expired) problems.push_back({"the certificate expired at " + format_rfc3339(set.leaf.not_after), true});
  if (too_early) {
    problems.push_back({"the certificate is not valid before " + format_rfc3339(set.leaf.not_before), true});
  }
  return problems;
}

}  // namespace lockstep::certstore
