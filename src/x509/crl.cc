// Reading CRLs, and the names of revocation reasons.
#include "x509/crl.h"

#include <array>

#include "base/hex.h"
#include "crypto/der.h"
#include "x509/asn1_time.h"
#include "x509/extensions.h"
#include "x509/pem.h"
#include "x509/pem_input.h"

namespace lockstep::x509 {

namespace {

struct ReasonName {
  RevocationReason reason;
  std::string_view name;
};
constexpr std::array<ReasonName, 5> kReasons = {{{RevocationReason::unspecified, "unspecified"},
                                                 {RevocationReason::key_compromise, "keyCompromise"},
                                                 {RevocationReason::affiliation_changed, "affiliationChanged"},
                                                 {RevocationReason::superseded, "superseded"},
                                                 {RevocationReason::cessation_of_operation, "cessationOfOperation"}}};

Result<CrlEntry> read_entry_details(der::Reader& inside) {
  CrlEntry entry;
  der::Element time;
  if (!inside.read(time)) return fail(ErrorCode::parse_error, "a revoked certificate without its date");
  entry.revoked_at = TRY(decode_time(time));
  if (inside.at_end()) return entry;
  const der::Element extensions = TRY(inside.expect(der::kSequence, "an entry's extensions"));
  TRY(inside.expect_end("a revoked certificate"));
  der::Reader list(extensions.content);
  while (!list.at_end()) {
    const Extension extension = TRY(read_extension(list));
    if (extension.oid != kOidReasonCode) continue;
    const std::string_view code = TRY(der::parse_single(extension.value, der::kEnumerated, "the reason"));
    if (code.size() == 1) entry.reason = static_cast<RevocationReason>(code[0]);
  }
  return entry;
}

Status read_crl_extensions(std::string_view wrapped, Crl* crl) {
  const std::string_view extensions = TRY(der::parse_single(wrapped, der::kSequence, "the CRL's extensions"));
  der::Reader list(extensions);
  while (!list.at_end()) {
    const Extension extension = TRY(read_extension(list));
    if (extension.oid == kOidAuthorityKeyId) crl->authority_key_id = TRY(decode_authority_key_id(extension.value));
    if (extension.oid == kOidCrlNumber) {
      der::Reader reader(extension.value);
      const der::Element number = TRY(reader.expect(der::kInteger, "the CRL number"));
      crl->number = TRY(decode_serial(number));
    }
  }
  return {};
}

Status read_signed_part(const SignedObject& object, Crl* crl) {
  const std::string_view content = TRY(der::parse_single(object.signed_part, der::kSequence, "the CRL"));
  der::Reader reader(content);
  if (reader.next_is(der::kInteger)) TRY(reader.expect(der::kInteger, "the version"));
  TRY(expect_same_algorithm(reader, object));
  const der::Element issuer = TRY(reader.expect(der::kSequence, "the issuer"));
  crl->issuer = TRY(Name::parse_der(issuer.whole));
  der::Element time;
  if (!reader.read(time)) return fail(ErrorCode::parse_error, "it has no date");
  crl->this_update = TRY(decode_time(time));
  if (reader.next_is(der::kUtcTime) || reader.next_is(der::kGeneralizedTime)) {
    if (!reader.read(time)) return fail(ErrorCode::parse_error, "its next update is malformed");
    crl->next_update = TRY(decode_time(time));
  }
  if (reader.next_is(der::kSequence)) {
    const der::Element entries = TRY(reader.expect(der::kSequence, "the revoked certificates"));
    crl->revoked_entries = entries.content;
  }
  if (reader.next_is(der::context_constructed(0))) {
    const der::Element extensions = TRY(reader.expect(der::context_constructed(0), "the CRL's extensions"));
    TRY(read_crl_extensions(extensions.content, crl));
  }
  return reader.expect_end("the CRL");
}

}  // namespace

Result<RevocationReason> parse_revocation_reason(std::string_view text) {
  for (const ReasonName& known : kReasons) {
    if (known.name == text) return known.reason;
  }
  return fail(ErrorCode::invalid_argument, "unknown reason '" + std::string(text.substr(0, 40)) + "'",
              "the reasons are unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation");
}

std::string_view to_text(RevocationReason reason) {
  for (const ReasonName& known : kReasons) {
    if (known.reason == reason) return known.name;
  }
  return "other";
}

Result<Crl> parse_crl(std::string_view bytes, std::string_view name) {
  const std::string context = "failed to parse CRL from " + std::string(name);
  const std::string der = TRY(single_der(bytes, {kPemCrl, "CRL", name}));
  const SignedObject object = TRY_CONTEXT(parse_signed(der, "the CRL"), context);
  Crl crl;
  crl.signed_part = object.signed_part;
  crl.signature = object.signature;
  crl.signature_algorithm = object.algorithm;
  TRY_CONTEXT(read_signed_part(object, &crl), context);
  return crl;
}

Result<std::optional<CrlEntry>> find_revoked(const Crl& crl, std::string_view serial_hex) {
  const std::string wanted = TRY(encode_serial(serial_hex));
  der::Reader reader(crl.revoked_entries);
  while (!reader.at_end()) {
    const der::Element entry = TRY(reader.expect(der::kSequence, "a revoked certificate"));
    der::Reader inside(entry.content);
    const der::Element serial = TRY(inside.expect(der::kInteger, "a revoked serial number"));
    if (serial.whole != wanted) continue;
    const CrlEntry details = TRY(read_entry_details(inside));
    return std::optional<CrlEntry>(details);
  }
  return std::optional<CrlEntry>();
}

Status for_each_revoked(const Crl& crl,
                        const std::function<Status(const std::string& serial, const CrlEntry&)>& visit) {
  der::Reader reader(crl.revoked_entries);
  while (!reader.at_end()) {
    const der::Element entry = TRY(reader.expect(der::kSequence, "a revoked certificate"));
    der::Reader inside(entry.content);
    const der::Element integer = TRY(inside.expect(der::kInteger, "a revoked serial number"));
    const std::string serial = TRY(decode_serial(integer));
    const CrlEntry details = TRY(read_entry_details(inside));
    TRY(visit(serial, details));
  }
  return {};
}

Result<bool> is_signed_by(const Crl& crl, std::string_view issuer_public_key_info) {
  return crypto::verify_signature(issuer_public_key_info, crl.signed_part, crl.signature, crl.signature_algorithm);
}

}  // namespace lockstep::x509
