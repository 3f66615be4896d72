// Writing certificates: the description as a TBSCertificate, signed.
#include "crypto/der.h"
#include "crypto/digest.h"
#include "x509/asn1_time.h"
#include "x509/certificate.h"
#include "x509/extensions.h"
#include "x509/pem.h"

namespace lockstep::x509 {

namespace {

constexpr std::string_view kVersion3 = "\xa0\x03\x02\x01\x02"sv;

// KeyUsage bit strings (RFC 5280 4.2.1.3), with their unused bits.
constexpr std::string_view kUsageAuthority = "\x03\x02\x01\x06"sv;        // keyCertSign, cRLSign
constexpr std::string_view kUsageSign = "\x03\x02\x07\x80"sv;             // digitalSignature
constexpr std::string_view kUsageSignAndEncipher = "\x03\x02\x05\xa0"sv;  // digitalSignature, keyEncipherment
constexpr std::string_view kIsAuthority = "\x30\x03\x01\x01\xff"sv;
constexpr std::string_view kIsEndEntity = "\x30\x00"sv;

std::string encode_extended_key_usage(const std::vector<ExtendedKeyUsage>& usages) {
  std::string content;
  for (const ExtendedKeyUsage usage : usages) {
    der::append(content, der::kObjectId, usage == ExtendedKeyUsage::server_auth ? kOidServerAuth : kOidClientAuth);
  }
  return der::encode(der::kSequence, content);
}

std::string encode_extensions(const CertificateFields& fields) {
  std::string content = encode_extension(kOidBasicConstraints, true, fields.is_ca ? kIsAuthority : kIsEndEntity);
  const std::string_view usage = fields.is_ca              ? kUsageAuthority
                                 : fields.key_encipherment ? kUsageSignAndEncipher
                                                           : kUsageSign;
  content += encode_extension(kOidKeyUsage, true, usage);
  if (!fields.extended_key_usage.empty()) {
    content += encode_extension(kOidExtendedKeyUsage, false, encode_extended_key_usage(fields.extended_key_usage));
  }
  if (!fields.alternative_names_der.empty()) {
    content += encode_extension(kOidAlternativeNames, fields.alternative_names_critical, fields.alternative_names_der);
  }
  content += encode_extension(kOidSubjectKeyId, false, der::encode(der::kOctetString, fields.subject_key_id));
  if (!fields.authority_key_id.empty()) {
    content += encode_extension(kOidAuthorityKeyId, false, encode_authority_key_id(fields.authority_key_id));
  }
  if (!fields.acme_identifier.empty()) {
    content += encode_extension(kOidAcmeIdentifier, true, der::encode(der::kOctetString, fields.acme_identifier));
  }
  return der::encode(der::context_constructed(3), der::encode(der::kSequence, content));
}

}  // namespace

Result<std::string> sign_certificate(const CertificateFields& fields, const crypto::PrivateKey& issuer_key) {
  const std::string_view algorithm = issuer_key.signature_algorithm();
  const std::string serial = TRY(encode_serial(fields.serial));
  const std::string validity =
      der::encode(der::kSequence, {encode_time(fields.not_before), encode_time(fields.not_after)});
  const std::string signed_part =
      der::encode(der::kSequence, {kVersion3, serial, algorithm, fields.issuer_der, validity, fields.subject_der,
                                   fields.public_key_info, encode_extensions(fields)});
  const std::string signature = TRY(issuer_key.sign(signed_part));
  return der::encode(der::kSequence, {signed_part, algorithm, der::encode_bit_string(signature)});
}

Result<std::string> key_identifier(std::string_view public_key_info) {
  const std::string_view content = TRY(der::parse_single(public_key_info, der::kSequence, "the public key"));
  der::Reader reader(content);
  TRY(reader.expect(der::kSequence, "the key's algorithm"));
  const der::Element bits = TRY(reader.expect(der::kBitString, "the key's bits"));
  const std::string_view octets = TRY(der::parse_whole_octets(bits, "the key's bits"));
  return crypto::sha1(octets);
}

std::string to_pem(const Certificate& certificate) { return encode_pem(kPemCertificate, certificate.der); }

}  // namespace lockstep::x509
