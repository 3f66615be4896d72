#include "crypto/der.h"

#include <charconv>
#include <limits>
#include <vector>

namespace lockstep::der {

namespace {

std::string text(std::string_view before, std::string_view what, std::string_view after = {}) {
  std::string out(before);
  out += what;
  out += after;
  return out;
}

}  // namespace

bool Reader::read_long_length(std::size_t& length, std::size_t& header) const {
  const std::size_t octets = length & 0x7f;
  if (octets == 0 || octets > sizeof(std::size_t) || rest_.size() < 2 + octets) return false;
  if (rest_[2] == 0) return false;
  length = 0;
  for (std::size_t i = 0; i < octets; ++i) length = (length << 8) | static_cast<std::uint8_t>(rest_[2 + i]);
  header = 2 + octets;
  return length >= 0x80;
}

Result<Element> Reader::expect(std::uint8_t tag, std::string_view what) {
  if (at_end()) return fail(ErrorCode::parse_error, text("", what, " is missing"));
  if (!next_is(tag)) return fail(ErrorCode::parse_error, text("", what, " has an unexpected type"));
  Element element;
  if (!read(element)) return fail(ErrorCode::parse_error, text("", what, " is malformed or cut short"));
  return element;
}

Status Reader::expect_end(std::string_view what) const {
  if (!at_end()) return fail(ErrorCode::parse_error, text("unexpected bytes at the end of ", what));
  return {};
}

Result<std::string_view> parse_single(std::string_view bytes, std::uint8_t tag, std::string_view what) {
  Reader reader(bytes);
  const Element element = TRY(reader.expect(tag, what));
  TRY(reader.expect_end(what));
  return element.content;
}

Result<std::string_view> parse_whole_octets(const Element& bit_string, std::string_view what) {
  if (bit_string.content.empty() || bit_string.content[0] != 0)
    return fail(ErrorCode::parse_error, text("", what, " is not a bit string of whole octets"));
  return bit_string.content.substr(1);
}

bool is_minimal_integer(std::string_view content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  const bool next_negative = (content[1] & 0x80) != 0;
  if (content[0] == 0) return next_negative;
  return static_cast<std::uint8_t>(content[0]) != 0xff || !next_negative;
}

Result<std::string_view> parse_unsigned(const Element& integer, std::string_view what) {
  if (!is_minimal_integer(integer.content)) return fail(ErrorCode::parse_error, text("", what, " is not in DER form"));
  if ((integer.content[0] & 0x80) != 0) return fail(ErrorCode::parse_error, text("", what, " is negative"));
  std::string_view magnitude = integer.content;
  if (magnitude.size() > 1 && magnitude[0] == 0) magnitude.remove_prefix(1);
  return magnitude;
}

Result<bool> parse_boolean(const Element& boolean, std::string_view what) {
  if (boolean.content == std::string_view("\xff", 1)) return true;
  if (boolean.content == std::string_view("\0", 1)) return false;
  return fail(ErrorCode::parse_error, text("", what, " is not a boolean in DER form"));
}

void append_header(std::string& out, std::uint8_t tag, std::size_t length) {
  out += static_cast<char>(tag);
  if (length < 0x80) {
    out += static_cast<char>(length);
    return;
  }
  int octets = 1;
  while (octets < 8 && (length >> (8 * octets)) != 0) ++octets;
  out += static_cast<char>(0x80 | octets);
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(length >> (8 * i));
}

void append(std::string& out, std::uint8_t tag, std::string_view content) {
  append_header(out, tag, content.size());
  out += content;
}

std::string encode(std::uint8_t tag, std::string_view content) { return encode(tag, {content}); }

std::string encode(std::uint8_t tag, std::initializer_list<std::string_view> parts) {
  std::size_t length = 0;
  for (const std::string_view part : parts) length += part.size();
  std::string out;
  out.reserve(length + 10);
  append_header(out, tag, length);
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string encode_unsigned(std::string_view magnitude) {
  while (!magnitude.empty() && magnitude[0] == 0) magnitude.remove_prefix(1);
  const bool sign_octet = magnitude.empty() || (magnitude[0] & 0x80) != 0;
  return encode(kInteger, {sign_octet ? std::string_view("\0", 1) : std::string_view(), magnitude});
}

std::string encode_bit_string(std::string_view octets) {
  return encode(kBitString, {std::string_view("\0", 1), octets});
}

Result<std::string> encode_object_id(std::string_view dotted) {
  const auto malformed = [&] {
    return fail(ErrorCode::invalid_argument, text("'", dotted, "' is not an object identifier"));
  };
  std::vector<std::uint64_t> arcs;
  std::string_view rest = dotted;
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view digits = rest.substr(0, dot);
    std::uint64_t arc = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), arc);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return malformed();
    if (digits.size() > 1 && digits[0] == '0') return malformed();
    arcs.push_back(arc);
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (arcs.size() < 2 || arcs[0] > 2 || (arcs[0] < 2 && arcs[1] > 39)) return malformed();
  if (arcs[1] > std::numeric_limits<std::uint64_t>::max() - 80) return malformed();
  arcs[1] += arcs[0] * 40;
  std::string out;
  for (std::size_t i = 1; i < arcs.size(); ++i) {
    int groups = 1;
    while (groups < 10 && (arcs[i] >> (7 * groups)) != 0) ++groups;
    for (int group = groups - 1; group >= 0; --group)
      out += static_cast<char>(((arcs[i] >> (7 * group)) & 0x7f) | (group > 0 ? 0x80 : 0));
  }
  return out;
}

Result<std::string> decode_object_id(std::string_view content) {
  if (content.empty() || (content.back() & 0x80) != 0)
    return fail(ErrorCode::parse_error, "an object identifier is cut short");
  std::string out;
  std::uint64_t arc = 0;
  bool at_start = true;
  for (const char c : content) {
    const auto octet = static_cast<std::uint8_t>(c);
    if ((at_start && octet == 0x80) || (arc >> 57) != 0)
      return fail(ErrorCode::parse_error, "an object identifier is malformed or has an arc above 64 bits");
    arc = (arc << 7) | (octet & 0x7f);
    at_start = (octet & 0x80) == 0;
    if (!at_start) continue;
    if (out.empty()) {
      const std::uint64_t root = arc < 80 ? arc / 40 : 2;
      out = std::to_string(root);
      arc -= root * 40;
    }
    out += '.';
    out += std::to_string(arc);
    arc = 0;
  }
  return out;
}

}  // namespace lockstep::der
