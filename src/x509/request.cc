#include "x509/request.h"

#include "crypto/der.h"
#include "x509/extensions.h"
#include "x509/pem.h"
#include "x509/pem_input.h"

namespace lockstep::x509 {

namespace {

constexpr std::string_view kVersion1 = "\x02\x01\x00"sv;
constexpr std::size_t kSubjectLimit = 16U * 1024U;  // bytes of DER
constexpr std::size_t kNamesLimit = 64U * 1024U;
constexpr std::size_t kMostNames = 1000;

Status check_alternative_names(std::string_view value) {
  if (value.size() > kNamesLimit) return fail(ErrorCode::too_large, "the alternative names are too long");
  const std::vector<AlternativeName> names = TRY(decode_alternative_names(value));
  if (names.empty()) return fail(ErrorCode::parse_error, "the alternative names are an empty list");
  if (names.size() > kMostNames) return fail(ErrorCode::too_large, "more than 1000 alternative names");
  return {};
}

// Of the extensions that are asked for, only the names are kept; the rest is the CA's to decide.
Status read_requested_extensions(std::string_view value, Request* request) {
  const std::string_view extensions = TRY(der::parse_single(value, der::kSequence, "the requested extensions"));
  der::Reader reader(extensions);
  while (!reader.at_end()) {
    const Extension extension = TRY(read_extension(reader));
    if (extension.oid != kOidAlternativeNames) continue;
    if (!request->alternative_names_der.empty()) {
      return fail(ErrorCode::parse_error, "the alternative names are asked for twice");
    }
    TRY(check_alternative_names(extension.value));
    request->alternative_names_der = extension.value;
  }
  return {};
}

Status read_attributes(std::string_view content, Request* request) {
  der::Reader reader(content);
  while (!reader.at_end()) {
    const der::Element attribute = TRY(reader.expect(der::kSequence, "an attribute"));
    der::Reader inside(attribute.content);
    const der::Element type = TRY(inside.expect(der::kObjectId, "an attribute's type"));
    const der::Element values = TRY(inside.expect(der::kSet, "an attribute's values"));
    TRY(inside.expect_end("an attribute"));
    if (type.content == kOidExtensionRequest) TRY(read_requested_extensions(values.content, request));
  }
  return {};
}

Result<Request> parse_der_request(std::string_view der) {
  const SignedObject object = TRY(parse_signed(der, "the request"));
  Request request;
  request.signed_part = object.signed_part;
  request.signature = object.signature;
  request.signature_algorithm = object.algorithm;
  const std::string_view content = TRY(der::parse_single(object.signed_part, der::kSequence, "the request"));
  der::Reader reader(content);
  const der::Element version = TRY(reader.expect(der::kInteger, "the version"));
  if (version.whole != kVersion1) return fail(ErrorCode::parse_error, "its version is not 1");
  const der::Element subject = TRY(reader.expect(der::kSequence, "the subject"));
  if (subject.whole.size() > kSubjectLimit) return fail(ErrorCode::too_large, "the subject is too long");
  request.subject = TRY(Name::parse_der(subject.whole));
  const der::Element key = TRY(reader.expect(der::kSequence, "the public key"));
  request.public_key_info = key.whole;
  // The attributes are not optional, but some tools leave them out when there are none.
  if (reader.next_is(der::context_constructed(0))) {
    const der::Element attributes = TRY(reader.expect(der::context_constructed(0), "the attributes"));
    TRY(read_attributes(attributes.content, &request));
  }
  TRY(reader.expect_end("the request"));
  return request;
}

}  // namespace

Result<Request> parse_request(std::string_view bytes, std::string_view name) {
  const std::string der = TRY(single_der(bytes, {kPemRequest, "request", name, "NEW CERTIFICATE REQUEST"}));
  // A certificate in DER has the same outer shape; what it is instead is the more useful message.
  auto request = parse_der_request(der);
  if (request) return request;
  return fail(ErrorCode::parse_error, "failed to parse CSR from " + std::string(name) + ": " + request.error().message);
}

Status verify_request(const Request& request) {
  TRY(crypto::classify_public_key_info(request.public_key_info));
  const Result<bool> verified = crypto::verify_signature(request.public_key_info, request.signed_part,
                                                         request.signature, request.signature_algorithm);
  if (!verified) return fail(verified.error());
  if (!*verified) return fail(ErrorCode::csr_signature, "CSR signature verification failed");
  return {};
}

Result<std::string> make_request(const Name& subject, const std::vector<AlternativeName>& names,
                                 const crypto::PrivateKey& key) {
  std::string attributes;
  if (!names.empty()) {
    const std::string value = TRY(encode_alternative_names(names));
    const std::string extensions = der::encode(der::kSequence, encode_extension(kOidAlternativeNames, false, value));
    attributes = der::encode(der::kSequence,
                             {der::encode(der::kObjectId, kOidExtensionRequest), der::encode(der::kSet, extensions)});
  }
  const std::string_view algorithm = key.signature_algorithm();
  const std::string signed_part = der::encode(der::kSequence, {kVersion1, subject.der(), key.public_key_info(),
                                                               der::encode(der::context_constructed(0), attributes)});
  const std::string signature = TRY(key.sign(signed_part));
  return der::encode(der::kSequence, {signed_part, algorithm, der::encode_bit_string(signature)});
}

}  // namespace lockstep::x509
