#include "x509/name_text.h"

#include <algorithm>

#include "base/hex.h"
#include "crypto/der.h"
#include "x509/name_attributes.h"

namespace lockstep::x509 {

namespace {

constexpr std::size_t kLongestName = 64U * 1024U;  // bytes of DER

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0U | (point >> 6U));
    put(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    put(0xe0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3fU));
    put(0x80U | (point & 0x3fU));
  } else {
    put(0xf0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3fU));
    put(0x80U | ((point >> 6U) & 0x3fU));
    put(0x80U | (point & 0x3fU));
  }
}

// Fixed-width characters: BMPString has two octets each, UniversalString four.
std::optional<std::string> decode_wide(std::string_view content, std::size_t width) {
  if (content.size() % width != 0) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < content.size(); i += width) {
    std::uint32_t point = 0;
    for (std::size_t k = 0; k < width; ++k) point = point << 8U | static_cast<unsigned char>(content[i + k]);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
    append_utf8(text, point);
  }
  return text;
}

std::optional<std::string> decode_string(const der::Element& value) {
  switch (value.tag) {
    case der::kUtf8String: return utf8_length(value.content) ? std::optional<std::string>(value.content) : std::nullopt;
    case der::kPrintableString:
    case der::kIa5String: {
      const bool ascii = std::all_of(value.content.begin(), value.content.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
      return ascii ? std::optional<std::string>(value.content) : std::nullopt;
    }
    case der::kTeletexString: return decode_wide(value.content, 1);  // in practice Latin-1
    case der::kBmpString: return decode_wide(value.content, 2);
    case der::kUniversalString: return decode_wide(value.content, 4);
    default: return std::nullopt;
  }
}

// RFC 4514 section 2.4; control characters in hex too, so that the text is one line and safe on a terminal.
std::string escape(const std::string& value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool edge_space = c == ' ' && (i == 0 || i + 1 == value.size());
    const auto byte = static_cast<unsigned char>(c);
    // C1 control characters are two octets in UTF-8, the first of them 0xc2.
    const bool c1_control = byte == 0xc2 && i + 1 < value.size() && static_cast<unsigned char>(value[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f) {
      text += "\\" + hex_encode(std::string_view(&c, 1));
    } else if (c1_control) {
      text += "\\" + hex_encode(std::string_view(&value[i], 1)) + "\\" + hex_encode(std::string_view(&value[i + 1], 1));
      ++i;
    } else if (edge_space || (c == '#' && i == 0) || std::string_view(",+\"\\<>;").find(c) != std::string_view::npos) {
      text += std::string("\\") + c;
    } else {
      text.push_back(c);
    }
  }
  return text;
}

Result<std::string> attribute_text(std::string_view content) {
  der::Reader reader(content);
  const der::Element type = TRY(reader.expect(der::kObjectId, "an attribute's type"));
  der::Element value;
  if (!reader.read(value) || !reader.at_end())
    return fail(ErrorCode::parse_error, "an attribute of the name is malformed");
  const std::string oid = TRY(der::decode_object_id(type.content));
  const auto known = std::find_if(kNameAttributes.begin(), kNameAttributes.end(),
                                  [&](const NameAttribute& a) { return a.oid == oid; });
  const auto text = decode_string(value);
  const bool written_as_hex = !text || text->empty() || known == kNameAttributes.end();
  const std::string label = known == kNameAttributes.end() ? oid : std::string(known->keyword);
  return label + "=" + (written_as_hex ? "#" + hex_encode(value.whole) : escape(*text));
}

}  // namespace

std::optional<std::size_t> utf8_length(std::string_view text) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++points) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    std::uint32_t point = lead;
    if (lead >= 0x80) {
      if (lead < 0xc2 || lead > 0xf4) return std::nullopt;
      length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      point = lead & (0x7fU >> length);
    }
    if (i + length > text.size()) return std::nullopt;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0U) != 0x80U) return std::nullopt;
      point = point << 6U | (next & 0x3fU);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
    i += length;
  }
  return points;
}

bool is_printable_string(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos;
  });
}

Result<std::string> name_to_text(std::string_view der) {
  if (der.size() > kLongestName) return fail(ErrorCode::too_large, "the name is too long");
  const std::string_view content = TRY(der::parse_single(der, der::kSequence, "the name"));
  der::Reader reader(content);
  std::string text;
  while (!reader.at_end()) {
    const der::Element set = TRY(reader.expect(der::kSet, "a part of the name"));
    if (set.content.empty()) return fail(ErrorCode::parse_error, "a part of the name is empty");
    if (!text.empty()) text += ",";
    der::Reader inside(set.content);
    bool first = true;
    while (!inside.at_end()) {
      const der::Element attribute = TRY(inside.expect(der::kSequence, "an attribute of the name"));
      if (!first) text += "+";
      first = false;
      text += TRY(attribute_text(attribute.content));
    }
  }
  return text;
}

}  // namespace lockstep::x509
