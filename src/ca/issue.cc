#include "ca/issue.h"

#include <algorithm>

namespace lockstep::ca {

namespace {
constexpr UnixSeconds kEndOfTime = 253402300799;  // 9999-12-31T23:59:59Z, RFC 5280 4.1.2.5
}  // namespace

Result<Profile> parse_profile(std::string_view name) {
  if (name == "server") return Profile::server;
  if (name == "client") return Profile::client;
  if (name == "peer") return Profile::peer;
  return fail(ErrorCode::usage, "unknown profile '" + std::string(name) + "'", "the profiles are server, client, peer");
}

Result<x509::CertificateFields> plan_root(const x509::Name& subject, std::string_view public_key_info,
                                          std::int64_t validity_seconds, UnixSeconds now) {
  if (subject.empty()) {
    return fail(ErrorCode::invalid_argument, "a CA needs a subject", "give one: --subject 'CN=Example Root'");
  }
  if (validity_seconds > kEndOfTime - now) {
    return fail(ErrorCode::invalid_argument, "the CA would be valid beyond the year 9999", "ask for fewer days");
  }
  x509::CertificateFields fields;
  fields.serial = serial_to_hex(kRootSerial);
  fields.issuer_der = subject.der();
  fields.subject_der = subject.der();
  fields.not_before = now;
  fields.not_after = now + validity_seconds;
  fields.public_key_info = public_key_info;
  fields.is_ca = true;
  fields.subject_key_id = TRY(x509::key_identifier(public_key_info));
  // AKI of every certificate of this CA, its own included, is its SKI.
  fields.authority_key_id = fields.subject_key_id;
  return fields;
}

Result<IssuePlan> plan_certificate(const Authority& authority, const x509::Request& request, const IssuePolicy& policy,
                                   Serial serial, UnixSeconds now) {
  const x509::Certificate& issuer = authority.certificate;
  if (now >= issuer.not_after) {
    return fail(ErrorCode::untrusted, "the CA expired at " + format_rfc3339(issuer.not_after) + "; it signs nothing",
                "make a new CA in another directory");
  }
  if (now < issuer.not_before) {
    return fail(ErrorCode::untrusted, "the CA is not valid before " + format_rfc3339(issuer.not_before),
                "check this machine's clock");
  }
  if (request.subject.empty() && request.alternative_names_der.empty()) {
    return fail(ErrorCode::invalid_argument,
                "the request names nobody: it has neither a subject nor an alternative name");
  }
  IssuePlan plan;
  x509::CertificateFields& fields = plan.fields;
  fields.serial = serial_to_hex(serial);
  fields.issuer_der = issuer.subject.der();
  fields.subject_der = request.subject.der();
  fields.not_before = std::max(now - policy.clock_skew_allowance_seconds, issuer.not_before);
  plan.shortened = policy.validity_seconds > issuer.not_after - now;
  fields.not_after = plan.shortened ? issuer.not_after : now + policy.validity_seconds;
  fields.public_key_info = request.public_key_info;
  const crypto::KeyAlgorithm algorithm = TRY(crypto::classify_public_key_info(request.public_key_info));
  fields.key_encipherment = algorithm == crypto::KeyAlgorithm::rsa_2048;
  if (policy.profile == Profile::server || policy.profile == Profile::peer) {
    fields.extended_key_usage.push_back(x509::ExtendedKeyUsage::server_auth);
  }
  if (policy.profile == Profile::client || policy.profile == Profile::peer) {
    fields.extended_key_usage.push_back(x509::ExtendedKeyUsage::client_auth);
  }
  fields.alternative_names_der = request.alternative_names_der;
  fields.alternative_names_critical = request.subject.empty();  // RFC 5280 4.2.1.6
  fields.subject_key_id = TRY(x509::key_identifier(request.public_key_info));
  fields.authority_key_id = issuer.subject_key_id;
  return plan;
}

}  // namespace lockstep::ca
