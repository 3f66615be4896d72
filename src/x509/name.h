// Distinguished names: RFC 4514 text on one side, DER on the other.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lockstep::x509 {

class Name {
 public:
  Name() = default;  // the empty name
  // "CN=api.example.com,O=Example": the attribute types of RFC 4514 section 3 (CN, L, ST, O, OU, C, STREET, DC, UID)
  // plus emailAddress and serialNumber, any case, or a dotted OID; RFC 4514 escapes; UTF-8. The text's order is kept in
  // the DER (the first written stands first), as CA tools do, and to_text() gives the same order back. Errors:
  // invalid_argument naming the attribute and the position.
  static Result<Name> parse_text(std::string_view text);
  // From the DER of a Name (RFC 5280 4.1.2.4). Error: parse_error.
  static Result<Name> parse_der(std::string_view der);

  // The RFC 4514 escaped text; control characters and invalid bytes are hex-escaped so that output is one safe line.
  [[nodiscard]] const std::string& to_text() const { return text_; }
  [[nodiscard]] const std::string& der() const { return der_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
  std::string der_ = std::string("\x30\x00", 2);
};

}  // namespace lockstep::x509
