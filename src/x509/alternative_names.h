// Subject alternative names (RFC 5280 4.2.1.6).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::x509 {

enum class AlternativeNameType { dns, ip, uri, email, other };

struct AlternativeName {
  AlternativeNameType type = AlternativeNameType::dns;
  std::string value;  // text form: "api.example.com", "192.0.2.1", "2001:db8::1"
};

// "DNS:a", "IP:b", "URI:c", "email:d" (type in any case). Errors: usage without or with an unknown type,
// invalid_argument for a value that is not of its type (a DNS name may begin with "*.").
Result<AlternativeName> parse_alternative_name(std::string_view text);

// "DNS:api.example.com".
std::string to_text(const AlternativeName& name);

// DER of the GeneralNames. Precondition: not empty, no `other`.
Result<std::string> encode_alternative_names(const std::vector<AlternativeName>& names);
// From the DER of a GeneralNames. Forms that are not one of the four come back as `other` with a description.
Result<std::vector<AlternativeName>> decode_alternative_names(std::string_view der);

}  // namespace lockstep::x509
