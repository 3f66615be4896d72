// The attribute types that names are made of: one table for reading, writing and the strings they hold.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "crypto/der.h"

namespace lockstep::x509 {

struct NameAttribute {
  std::string_view keyword;  // RFC 4514 section 3, or the customary one
  std::string_view oid;      // dotted
  std::uint8_t string_type;  // the DER string it is written as
  std::size_t longest;       // characters, RFC 5280 Appendix A
};

inline constexpr std::array<NameAttribute, 11> kNameAttributes = {{
    {"CN", "2.5.4.3", der::kUtf8String, 64},
    {"L", "2.5.4.7", der::kUtf8String, 128},
    {"ST", "2.5.4.8", der::kUtf8String, 128},
    {"O", "2.5.4.10", der::kUtf8String, 64},
    {"OU", "2.5.4.11", der::kUtf8String, 64},
    {"C", "2.5.4.6", der::kPrintableString, 2},
    {"STREET", "2.5.4.9", der::kUtf8String, 128},
    {"DC", "0.9.2342.19200300.100.1.25", der::kIa5String, 63},
    {"UID", "0.9.2342.19200300.100.1.1", der::kUtf8String, 256},
    {"emailAddress", "1.2.840.113549.1.9.1", der::kIa5String, 255},
    {"serialNumber", "2.5.4.5", der::kPrintableString, 64},
}};

}  // namespace lockstep::x509
