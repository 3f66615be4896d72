// Names as people and certificates write them: distinguished names (RFC 4514 text and DER) and alternative names.
#include "property.h"
#include "x509/alternative_names.h"
#include "x509/name.h"
#include "x509/name_text.h"

namespace {

using namespace lockstep;
using fuzz::require;

// Any text of ours is safe to print: one line of well-formed UTF-8.
void check_text(const x509::Name& name) {
  const std::string& text = name.to_text();
  require(x509::utf8_length(text).has_value(), "a name's text is UTF-8", text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    require(byte >= 0x20 && byte != 0x7f && !c1, "a name's text has no control character", text);
  }
}

void check_name(const x509::Name& name) {
  check_text(name);
  const x509::Name same = fuzz::must(x509::Name::parse_der(name.der()), "a name's DER is read");
  require(same.to_text() == name.to_text() && same.der() == name.der(), "a name reads back from its DER");
  // A certificate may say what we do not let people write (a value that is too long, a NUL): what is accepted of the
  // text is the same name to people.
  const auto written = x509::Name::parse_text(name.to_text());
  if (!written) return;
  check_text(*written);
  require(written->to_text() == name.to_text() || name.to_text().find('+') != std::string::npos,
          "a name reads back from its text", name.to_text() + "\n" + written->to_text());
}

void check_written_name(std::string_view input) {
  const auto name = x509::Name::parse_text(input);
  if (!name) return;
  check_name(*name);
  if (input.find('#') != std::string_view::npos) return;  // values in hexadecimal are taken as they are
  const x509::Name again =
      fuzz::must(x509::Name::parse_text(name->to_text()), "the text of a name that was accepted is accepted");
  require(again.der() == name->der() && again.to_text() == name->to_text(), "a name reads back from its text",
          name->to_text());
}

bool encodable(const std::vector<x509::AlternativeName>& names) {
  for (const x509::AlternativeName& name : names) {
    if (name.type == x509::AlternativeNameType::other) return false;
  }
  return !names.empty();
}

std::string all_texts(const std::vector<x509::AlternativeName>& names) {
  std::string text;
  for (const x509::AlternativeName& name : names) text += x509::to_text(name) + "\n";
  return text;
}

void check_alternative_names(const std::vector<x509::AlternativeName>& names) {
  if (!encodable(names)) return;
  const std::string der = fuzz::must(x509::encode_alternative_names(names), "alternative names can be written");
  const auto again = x509::decode_alternative_names(der);
  require(again && all_texts(*again) == all_texts(names), "alternative names read back as they were written",
          all_texts(names));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  check_written_name(input);
  if (const auto name = x509::Name::parse_der(input)) check_name(*name);
  if (const auto names = x509::decode_alternative_names(input)) check_alternative_names(*names);
  if (const auto name = x509::parse_alternative_name(input)) {
    const x509::AlternativeName again = fuzz::must(x509::parse_alternative_name(x509::to_text(*name)),
                                                   "the text of an alternative name that was accepted is accepted");
    require(x509::to_text(again) == x509::to_text(*name), "an alternative name reads back", x509::to_text(*name));
    check_alternative_names({*name});
  }
  return 0;
}
