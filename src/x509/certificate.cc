// Reading certificates.
#include "x509/certificate.h"

#include <algorithm>

#include "crypto/der.h"
#include "x509/asn1_time.h"
#include "x509/extensions.h"
#include "x509/pem.h"
#include "x509/pem_input.h"

namespace lockstep::x509 {

namespace {

constexpr std::size_t kMostCertificates = 32;

Status apply_extension(const Extension& extension, Certificate* certificate) {
  if (extension.oid == kOidBasicConstraints) {
    const std::string_view content = TRY(der::parse_single(extension.value, der::kSequence, "basicConstraints"));
    der::Reader reader(content);
    if (reader.next_is(der::kBoolean)) {
      const der::Element value = TRY(reader.expect(der::kBoolean, "basicConstraints"));
      certificate->is_ca = TRY(der::parse_boolean(value, "basicConstraints"));
    }
  } else if (extension.oid == kOidAlternativeNames) {
    certificate->alternative_names = TRY(decode_alternative_names(extension.value));
  } else if (extension.oid == kOidSubjectKeyId) {
    certificate->subject_key_id =
        TRY(der::parse_single(extension.value, der::kOctetString, "the subject key identifier"));
  } else if (extension.oid == kOidAuthorityKeyId) {
    certificate->authority_key_id = TRY(decode_authority_key_id(extension.value));
  } else if (extension.oid == kOidExtendedKeyUsage) {
    const std::string_view content = TRY(der::parse_single(extension.value, der::kSequence, "the extended key usage"));
    der::Reader reader(content);
    certificate->client_auth = false;
    while (!reader.at_end()) {
      const der::Element purpose = TRY(reader.expect(der::kObjectId, "the extended key usage"));
      if (purpose.content == kOidClientAuth || purpose.content == kOidAnyExtendedKeyUsage)
        certificate->client_auth = true;
    }
  }
  return {};
}

Status parse_validity(der::Reader& reader, Certificate* certificate) {
  const der::Element validity = TRY(reader.expect(der::kSequence, "the validity"));
  der::Reader inside(validity.content);
  der::Element begin;
  der::Element end;
  if (!inside.read(begin) || !inside.read(end) || !inside.at_end()) {
    return fail(ErrorCode::parse_error, "the validity is malformed");
  }
  certificate->not_before = TRY(decode_time(begin));
  certificate->not_after = TRY(decode_time(end));
  return {};
}

Status parse_signed_part(const SignedObject& object, Certificate* certificate) {
  const std::string_view content = TRY(der::parse_single(object.signed_part, der::kSequence, "the certificate"));
  der::Reader reader(content);
  // A version 1 certificate leaves the version out.
  if (reader.next_is(der::context_constructed(0))) TRY(reader.expect(der::context_constructed(0), "the version"));
  const der::Element serial = TRY(reader.expect(der::kInteger, "the serial number"));
  certificate->serial = TRY(decode_serial(serial));
  TRY(expect_same_algorithm(reader, object));
  const der::Element issuer = TRY(reader.expect(der::kSequence, "the issuer"));
  certificate->issuer = TRY(Name::parse_der(issuer.whole));
  TRY(parse_validity(reader, certificate));
  const der::Element subject = TRY(reader.expect(der::kSequence, "the subject"));
  certificate->subject = TRY(Name::parse_der(subject.whole));
  const der::Element key = TRY(reader.expect(der::kSequence, "the public key"));
  certificate->public_key_info = key.whole;
  // issuerUniqueID and subjectUniqueID: allowed by the standard, of no use.
  der::Element element;
  while (reader.next_is(der::context(1)) || reader.next_is(der::context(2))) {
    if (!reader.read(element)) break;
  }
  if (reader.at_end()) return {};
  const der::Element wrapped = TRY(reader.expect(der::context_constructed(3), "the extensions"));
  TRY(reader.expect_end("the certificate"));
  const std::string_view extensions = TRY(der::parse_single(wrapped.content, der::kSequence, "the extensions"));
  der::Reader list(extensions);
  while (!list.at_end()) {
    const Extension extension = TRY(read_extension(list));
    TRY(apply_extension(extension, certificate));
  }
  return {};
}

Result<Certificate> parse_der_certificate(std::string_view der, std::string_view name) {
  const std::string context = "failed to parse certificate from " + std::string(name);
  const SignedObject object = TRY_CONTEXT(parse_signed(der, "the certificate"), context);
  Certificate certificate;
  certificate.der = der;
  certificate.signed_part = object.signed_part;
  certificate.signature = object.signature;
  TRY_CONTEXT(parse_signed_part(object, &certificate), context);
  return certificate;
}

}  // namespace

Result<Certificate> parse_certificate(std::string_view bytes, std::string_view name) {
  const std::string der = TRY(single_der(bytes, {kPemCertificate, "certificate", name}));
  return parse_der_certificate(der, name);
}

Result<std::vector<Certificate>> parse_certificates(std::string_view pem, std::string_view name) {
  std::vector<Certificate> certificates;
  const std::vector<PemBlock> blocks =
      TRY_CONTEXT(parse_pem(pem, kMostCertificates + 1), "failed to parse certificates from " + std::string(name));
  if (blocks.size() > kMostCertificates) {
    return fail(ErrorCode::too_large,
                std::string(name) + " holds more than " + std::to_string(kMostCertificates) + " certificates");
  }
  for (const PemBlock& block : blocks) {
    if (block.label != kPemCertificate) {
      return fail(ErrorCode::parse_error, std::string(name) + " holds a '" + block.label + "' beside certificates");
    }
    certificates.push_back(TRY(parse_der_certificate(block.der, name)));
  }
  return certificates;
}

Result<bool> is_signed_by(const Certificate& certificate, std::string_view issuer_public_key_info) {
  const SignedObject object = TRY(parse_signed(certificate.der, "the certificate"));
  return crypto::verify_signature(issuer_public_key_info, object.signed_part, object.signature, object.algorithm);
}

Result<bool> pair_matches(const Certificate& certificate, const crypto::PrivateKey& key) {
  // Comparing would trust the key file's own public half: what counts is that its signatures verify.
  constexpr std::string_view kChallenge = "lockstep: does this key belong to that certificate?";
  const std::string signature = TRY(key.sign(kChallenge));
  return crypto::verify_signature(certificate.public_key_info, kChallenge, signature);
}

bool covers_name(const Certificate& certificate, std::string_view name) {
  const auto lower = [](std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
  };
  const auto address = parse_alternative_name("IP:" + std::string(name));
  const std::string wanted = lower(name);
  return std::any_of(certificate.alternative_names.begin(), certificate.alternative_names.end(), [&](const auto& san) {
    if (address) return san.type == AlternativeNameType::ip && san.value == address->value;
    if (san.type != AlternativeNameType::dns) return false;
    const std::string pattern = lower(san.value);
    if (pattern == wanted) return true;
    if (!pattern.starts_with("*.") || wanted.starts_with("*.")) return false;
    const std::size_t dot = wanted.find('.');
    return dot != std::string::npos && dot > 0 && wanted.substr(dot) == pattern.substr(1);
  });
}

}  // namespace lockstep::x509
