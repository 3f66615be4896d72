// Certificates from anywhere: what is accepted is read the same in each form, and can be written again from its parts.
#include "crypto/der.h"
#include "test_key.h"
#include "x509/asn1_time.h"
#include "x509/chain.h"

namespace {

using namespace lockstep;
using fuzz::require;

void check_same(const x509::Certificate& one, const x509::Certificate& other) {
  require(one.der == other.der && one.serial == other.serial && one.subject.to_text() == other.subject.to_text() &&
              one.issuer.to_text() == other.issuer.to_text() && one.not_before == other.not_before &&
              one.not_after == other.not_after && one.is_ca == other.is_ca && one.signature == other.signature,
          "a certificate is the same in PEM and in DER");
}

void check_rewritten(const x509::Certificate& certificate) {
  const auto key_id = x509::key_identifier(certificate.public_key_info);
  if (!key_id) return;
  x509::CertificateFields fields;
  fields.serial = certificate.serial;
  fields.issuer_der = certificate.issuer.der();
  fields.subject_der = certificate.subject.der();
  fields.not_before = certificate.not_before;
  fields.not_after = certificate.not_after;
  fields.public_key_info = certificate.public_key_info;
  fields.is_ca = certificate.is_ca;
  fields.subject_key_id = *key_id;
  fields.authority_key_id = certificate.authority_key_id;
  const x509::Certificate made = fuzz::sign(fields);
  require(made.serial == certificate.serial && made.is_ca == certificate.is_ca &&
              made.subject.to_text() == certificate.subject.to_text() && made.subject_key_id == *key_id &&
              made.authority_key_id == certificate.authority_key_id,
          "a certificate that is written from the parts of another has its parts", certificate.subject.to_text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  static_cast<void>(x509::parse_certificates(input, "input"));
  const auto certificate = x509::parse_certificate(input, "input");
  if (!certificate) return 0;
  const std::string pem = x509::to_pem(*certificate);
  check_same(*certificate, fuzz::must(x509::parse_certificate(pem, "written"), "a certificate in PEM is read"));
  const auto two = x509::parse_certificates(pem + pem, "written twice");
  require(two && two->size() == 2, "two certificates in PEM are read");
  check_same(*certificate, two->back());

  static_cast<void>(x509::describe_public_key(certificate->public_key_info));
  static_cast<void>(x509::is_signed_by(*certificate, certificate->public_key_info));
  require(!x509::pair_matches(*certificate, fuzz::test_key()).value_or(false), "a stranger's key does not match");
  for (const x509::AlternativeName& name : certificate->alternative_names) {
    if (name.type != x509::AlternativeNameType::dns || name.value.starts_with("*.")) continue;
    // A name that looks like an address is compared as one.
    if (x509::parse_alternative_name("IP:" + name.value)) continue;
    require(x509::covers_name(*certificate, name.value), "a certificate covers its own names", name.value);
  }
  const auto verdict = x509::verify_chain(*certificate, {}, {*certificate}, certificate->not_before);
  require(!verdict || verdict->trusted == verdict->reason.empty(), "what is not trusted has a reason");
  check_rewritten(*certificate);
  return 0;
}
