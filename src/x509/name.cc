// Names from RFC 4514 text.
#include "x509/name.h"

#include <strings.h>

#include <algorithm>

#include "base/hex.h"
#include "crypto/der.h"
#include "x509/name_attributes.h"
#include "x509/name_text.h"

namespace lockstep::x509 {

namespace {

constexpr std::size_t kLongestText = 4096;  // bytes
constexpr std::string_view kSpecial = ",+\"\\<>;=# ";

class TextParser {
 public:
  explicit TextParser(std::string_view text) : text_(text) {}

  Result<std::string> parse() {
    std::string sequence;
    if (text_.size() > kLongestText) return fail(ErrorCode::invalid_argument, "a name of more than 4096 bytes");
    while (true) {
      std::vector<std::string> parts;
      do {
        parts.push_back(TRY(attribute()));
      } while (take('+'));
      // DER: the members of a SET stand in the order of their encodings.
      std::sort(parts.begin(), parts.end());
      std::string set;
      for (const std::string& part : parts) set += part;
      der::append(sequence, der::kSet, set);
      if (at_ == text_.size()) return der::encode(der::kSequence, sequence);
      if (!take(',')) return bad("a comma is missing");
    }
  }

 private:
  std::unexpected<Error> bad(const std::string& why) const {
    return fail(ErrorCode::invalid_argument, "not a name: " + why + " (at character " + std::to_string(at_ + 1) + ")",
                "write it like CN=api.example.com,O=Example");
  }
  [[nodiscard]] bool more() const { return at_ < text_.size(); }
  bool take(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (more() && text_[at_] == ' ') ++at_;
  }

  Result<std::string> attribute() {
    skip_spaces();
    const std::size_t equals = text_.find('=', at_);
    if (equals == std::string_view::npos) return bad("'=' is missing");
    std::string type(text_.substr(at_, equals - at_));
    while (type.ends_with(' ')) type.pop_back();
    const auto known = std::find_if(kNameAttributes.begin(), kNameAttributes.end(), [&](const NameAttribute& a) {
      return strcasecmp(std::string(a.keyword).c_str(), type.c_str()) == 0 || a.oid == type;
    });
    if (known == kNameAttributes.end() &&
        (type.empty() || type.find_first_not_of("0123456789.") != std::string::npos)) {
      return bad("unknown attribute '" + type.substr(0, 40) + "'");
    }
    at_ = equals + 1;
    skip_spaces();
    const std::string oid = TRY(der::encode_object_id(known == kNameAttributes.end() ? type : std::string(known->oid)));
    const std::string value =
        TRY(take('#') ? hex_value() : text_value(known == kNameAttributes.end() ? nullptr : &*known));
    return der::encode(der::kSequence, {der::encode(der::kObjectId, oid), value});
  }

  // "#04024869": the value's own DER.
  Result<std::string> hex_value() {
    const std::size_t begin = at_;
    while (more() && text_[at_] != ',' && text_[at_] != '+') ++at_;
    const auto bytes = hex_decode(text_.substr(begin, at_ - begin));
    der::Element element;
    der::Reader reader(bytes ? std::string_view(*bytes) : std::string_view());
    if (!bytes || !reader.read(element) || !reader.at_end()) return bad("what follows '#' is not a value in DER");
    return *bytes;
  }

  Result<char> escaped() {
    if (!more()) return bad("nothing follows the backslash");
    if (kSpecial.find(text_[at_]) != std::string_view::npos) return text_[at_++];
    const auto byte = hex_decode(text_.substr(at_, 2));
    if (!byte || byte->size() != 1) return bad("a backslash needs a special character or two hexadecimal digits");
    at_ += 2;
    return (*byte)[0];
  }

  Result<std::string> text_value(const NameAttribute* known) {
    std::string value;
    std::size_t kept = 0;  // spaces after this are trailing ones, unless they were escaped
    while (more() && text_[at_] != ',' && text_[at_] != '+') {
      const char c = text_[at_];
      if (c == '"' || c == ';' || c == '<' || c == '>')
        return bad(std::string("'") + c + "' needs a backslash before it");
      ++at_;
      if (c == '\\') {
        value.push_back(TRY(escaped()));
        kept = value.size();
      } else {
        value.push_back(c);
        if (c != ' ') kept = value.size();
      }
    }
    value.resize(kept);
    return encode_value(value, known);
  }

  [[nodiscard]] Result<std::string> encode_value(const std::string& value, const NameAttribute* known) const {
    const std::string name = known == nullptr ? "the value" : std::string(known->keyword);
    if (value.empty()) return bad(name + " is empty");
    const auto characters = utf8_length(value);
    if (!characters) return bad(name + " is not valid UTF-8");
    if (value.find('\0') != std::string::npos) return bad(name + " holds a NUL");
    if (known == nullptr) return der::encode(der::kUtf8String, value);
    if (*characters > known->longest) {
      return bad(name + " has more than " + std::to_string(known->longest) + " characters");
    }
    if (known->string_type == der::kPrintableString && !is_printable_string(value)) {
      return bad(name + " may only have letters, digits and '()+,-./:=? ");
    }
    if (known->string_type == der::kIa5String && *characters != value.size()) return bad(name + " must be ASCII");
    if (known->keyword == "C" && value.size() != 2) return bad("C is a country's two letters");
    return der::encode(known->string_type, value);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Name> Name::parse_text(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) return Name();
  const std::string der = TRY(TextParser(text).parse());
  return parse_der(der);
}

Result<Name> Name::parse_der(std::string_view der) {
  Name name;
  name.text_ = TRY(name_to_text(der));
  name.der_ = der;
  return name;
}

}  // namespace lockstep::x509
