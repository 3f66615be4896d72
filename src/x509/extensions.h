// Object identifiers and extensions (RFC 5280 4.2 and 5.2), as DER.
#pragma once

#include <string>
#include <string_view>

#include "crypto/der.h"

namespace lockstep::x509 {

using std::string_view_literals::operator""sv;

// Contents of OBJECT IDENTIFIERs.
inline constexpr std::string_view kOidSubjectKeyId = "\x55\x1d\x0e"sv;
inline constexpr std::string_view kOidKeyUsage = "\x55\x1d\x0f"sv;
inline constexpr std::string_view kOidAlternativeNames = "\x55\x1d\x11"sv;
inline constexpr std::string_view kOidBasicConstraints = "\x55\x1d\x13"sv;
inline constexpr std::string_view kOidCrlNumber = "\x55\x1d\x14"sv;
inline constexpr std::string_view kOidReasonCode = "\x55\x1d\x15"sv;
inline constexpr std::string_view kOidAuthorityKeyId = "\x55\x1d\x23"sv;
inline constexpr std::string_view kOidExtendedKeyUsage = "\x55\x1d\x25"sv;
inline constexpr std::string_view kOidAcmeIdentifier = "\x2b\x06\x01\x05\x05\x07\x01\x1f"sv;  // RFC 8737 section 6.1
inline constexpr std::string_view kOidServerAuth = "\x2b\x06\x01\x05\x05\x07\x03\x01"sv;
inline constexpr std::string_view kOidClientAuth = "\x2b\x06\x01\x05\x05\x07\x03\x02"sv;
inline constexpr std::string_view kOidAnyExtendedKeyUsage = "\x55\x1d\x25\x00"sv;  // RFC 5280 4.2.1.12
inline constexpr std::string_view kOidExtensionRequest = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"sv;

// One Extension with its value, the DER inside the OCTET STRING.
std::string encode_extension(std::string_view oid, bool critical, std::string_view value);

// AuthorityKeyIdentifier with the keyIdentifier alone.
std::string encode_authority_key_id(std::string_view key_id);

struct Extension {
  std::string_view oid;
  bool critical = false;
  std::string_view value;
};
// The next Extension of an Extensions sequence. Error: parse_error.
Result<Extension> read_extension(der::Reader& reader);

// The keyIdentifier of an AuthorityKeyIdentifier; empty when it has none. Error: parse_error.
Result<std::string> decode_authority_key_id(std::string_view value);

// SEQUENCE { signed part, algorithm, BIT STRING }: the outer shape of certificates, requests and CRLs.
struct SignedObject {
  std::string_view signed_part;
  std::string_view algorithm;
  std::string_view signature;
};
Result<SignedObject> parse_signed(std::string_view bytes, std::string_view what);
// Certificates and CRLs say the algorithm again inside, where it is signed; the two must be the same (RFC 5280 4.1.1.2
// and 5.1.1.2). Reads the inner one. Error: parse_error.
Status expect_same_algorithm(der::Reader& signed_part, const SignedObject& object);

// An INTEGER's value as lower-case hex with an even number of digits. Error: parse_error for a negative one.
Result<std::string> decode_serial(const der::Element& integer);
// The INTEGER of a number in hex. Error: invalid_argument.
Result<std::string> encode_serial(std::string_view hex);

}  // namespace lockstep::x509
