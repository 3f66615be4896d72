// DER (X.690), reading and writing: only what certificates, requests and revocation lists are made of.
//
// Reading copies nothing: elements are views into the bytes that the reader was given. Only single-octet tags and
// definite lengths in their shortest form are accepted.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::der {

inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kObjectId = 0x06;
inline constexpr std::uint8_t kEnumerated = 0x0a;
inline constexpr std::uint8_t kUtf8String = 0x0c;
inline constexpr std::uint8_t kPrintableString = 0x13;
inline constexpr std::uint8_t kTeletexString = 0x14;
inline constexpr std::uint8_t kIa5String = 0x16;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kUniversalString = 0x1c;
inline constexpr std::uint8_t kBmpString = 0x1e;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;

// Context-specific tags [n], primitive and constructed.
constexpr std::uint8_t context(int number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t context_constructed(int number) { return static_cast<std::uint8_t>(0xa0 | number); }

struct Element {
  std::uint8_t tag = 0;
  std::string_view content;
  std::string_view whole;  // tag, length and content
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool next_is(std::uint8_t tag) const {
    return !rest_.empty() && static_cast<std::uint8_t>(rest_[0]) == tag;
  }
  // The next element into `element`. False (and nothing moved) when there is none or it is malformed.
  [[nodiscard]] bool read(Element& element) {
    if (rest_.size() < 2 || (rest_[0] & 0x1f) == 0x1f) return false;
    std::size_t length = static_cast<std::uint8_t>(rest_[1]);
    std::size_t header = 2;
    if (length >= 0x80 && !read_long_length(length, header)) return false;
    if (length > rest_.size() - header) return false;
    element.tag = static_cast<std::uint8_t>(rest_[0]);
    element.content = rest_.substr(header, length);
    element.whole = rest_.substr(0, header + length);
    rest_.remove_prefix(header + length);
    return true;
  }
  // The next element with the tag. Error: parse_error naming `what`.
  Result<Element> expect(std::uint8_t tag, std::string_view what);
  // Error: parse_error when anything is left of `what`.
  [[nodiscard]] Status expect_end(std::string_view what) const;

 private:
  [[nodiscard]] bool read_long_length(std::size_t& length, std::size_t& header) const;

  std::string_view rest_;
};

// The content of the one element that the bytes are. Error: parse_error, also for bytes after it.
Result<std::string_view> parse_single(std::string_view bytes, std::uint8_t tag, std::string_view what);
// The bits of a BIT STRING with no unused ones. Error: parse_error.
Result<std::string_view> parse_whole_octets(const Element& bit_string, std::string_view what);
// An INTEGER's content is at least one octet and has no redundant leading octet.
bool is_minimal_integer(std::string_view content);
// The magnitude of a non-negative minimal INTEGER, without the sign octet ("\0" for zero). Error: parse_error.
Result<std::string_view> parse_unsigned(const Element& integer, std::string_view what);
// BOOLEAN in its DER form. Error: parse_error.
Result<bool> parse_boolean(const Element& boolean, std::string_view what);

void append_header(std::string& out, std::uint8_t tag, std::size_t length);
void append(std::string& out, std::uint8_t tag, std::string_view content);
std::string encode(std::uint8_t tag, std::string_view content);
// The parts, one after another, as the content.
std::string encode(std::uint8_t tag, std::initializer_list<std::string_view> parts);
// A non-negative INTEGER from its magnitude, most significant octet first; redundant zero octets are dropped.
std::string encode_unsigned(std::string_view magnitude);
// A BIT STRING without unused bits.
std::string encode_bit_string(std::string_view octets);

// An OBJECT IDENTIFIER's content from "2.5.4.3". Error: invalid_argument.
Result<std::string> encode_object_id(std::string_view dotted);
// "2.5.4.3" from an OBJECT IDENTIFIER's content. Error: parse_error (also for an arc above 64 bits).
Result<std::string> decode_object_id(std::string_view content);

}  // namespace lockstep::der
