#include "x509/extensions.h"

#include "base/hex.h"
#include "crypto/private_key.h"

namespace lockstep::x509 {

namespace {
constexpr std::string_view kTrue = "\x01\x01\xff"sv;
}  // namespace

std::string encode_extension(std::string_view oid, bool critical, std::string_view value) {
  return der::encode(der::kSequence, {der::encode(der::kObjectId, oid), critical ? kTrue : std::string_view(),
                                      der::encode(der::kOctetString, value)});
}

std::string encode_authority_key_id(std::string_view key_id) {
  return der::encode(der::kSequence, der::encode(der::context(0), key_id));
}

Result<Extension> read_extension(der::Reader& reader) {
  const der::Element sequence = TRY(reader.expect(der::kSequence, "an extension"));
  der::Reader inside(sequence.content);
  Extension extension;
  const der::Element oid = TRY(inside.expect(der::kObjectId, "an extension's type"));
  extension.oid = oid.content;
  if (inside.next_is(der::kBoolean)) {
    const der::Element critical = TRY(inside.expect(der::kBoolean, "an extension's criticality"));
    extension.critical = TRY(der::parse_boolean(critical, "an extension's criticality"));
  }
  const der::Element value = TRY(inside.expect(der::kOctetString, "an extension's value"));
  extension.value = value.content;
  TRY(inside.expect_end("an extension"));
  return extension;
}

Result<std::string> decode_authority_key_id(std::string_view value) {
  const std::string_view content = TRY(der::parse_single(value, der::kSequence, "the authority key identifier"));
  der::Reader reader(content);
  if (!reader.next_is(der::context(0))) return std::string();
  const der::Element key_id = TRY(reader.expect(der::context(0), "the key identifier"));
  return std::string(key_id.content);
}

Result<SignedObject> parse_signed(std::string_view bytes, std::string_view what) {
  const std::string_view content = TRY(der::parse_single(bytes, der::kSequence, what));
  der::Reader reader(content);
  const der::Element signed_part = TRY(reader.expect(der::kSequence, what));
  const der::Element algorithm = TRY(reader.expect(der::kSequence, "the signature algorithm"));
  const der::Element bits = TRY(reader.expect(der::kBitString, "the signature"));
  TRY(reader.expect_end(what));
  const std::string_view signature = TRY(der::parse_whole_octets(bits, "the signature"));
  return SignedObject{signed_part.whole, algorithm.whole, signature};
}

Status expect_same_algorithm(der::Reader& signed_part, const SignedObject& object) {
  const der::Element algorithm = TRY(signed_part.expect(der::kSequence, "the signature algorithm"));
  if (algorithm.whole != object.algorithm) {
    return fail(ErrorCode::parse_error, "the signature algorithm is not the one that was signed");
  }
  return {};
}

Result<std::string> decode_serial(const der::Element& integer) {
  const std::string_view magnitude = TRY(der::parse_unsigned(integer, "the serial number"));
  return hex_encode(magnitude);
}

Result<std::string> encode_serial(std::string_view hex) {
  auto magnitude = hex_decode(hex);
  if (!magnitude || magnitude->empty()) {
    return fail(ErrorCode::invalid_argument, "not a number in hexadecimal: '" + std::string(hex) + "'");
  }
  return der::encode_unsigned(*magnitude);
}

}  // namespace lockstep::x509
