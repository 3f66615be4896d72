#include "http/header_scan.h"

#include <algorithm>
#include <array>

namespace lockstep::http {

namespace {

constexpr std::array<std::string_view, 6> kOnce = {"host",          "content-length",    "content-type",
                                                   "authorization", "transfer-encoding", "expect"};

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

bool equals(std::string_view name, std::string_view lower) {
  return std::ranges::equal(name, lower, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

std::string_view trimmed(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

}  // namespace

HeaderScan::State HeaderScan::fail(std::string reason) {
  reason_ = std::move(reason);
  return State::malformed;
}

HeaderScan::State HeaderScan::take_line(std::string_view line) {
  // The request line is the parser's to judge.
  if (lines_++ == 0) {
    old_ = !line.ends_with("HTTP/1.1");
    return State::incomplete;
  }
  if (line.front() == ' ' || line.front() == '\t') return fail("a header field is folded");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a header field has no name");
  const std::string_view name = line.substr(0, colon);
  if (name.find_first_of(" \t") != std::string_view::npos) return fail("a header field's name has a space in it");
  for (std::size_t i = 0; i < kOnce.size(); ++i) {
    if (!equals(name, kOnce[i])) continue;
    if ((seen_ >> i & 1U) != 0) return fail("the header field '" + std::string(kOnce[i]) + "' stands twice");
    seen_ |= 1U << i;
  }
  // Where a body ends must be clear to everybody on the way (RFC 9112 section 6.1): what else it could be encoded in,
  // the parser takes for no body at all, and the body for the next request.
  if (equals(name, "transfer-encoding") && (old_ || !equals(trimmed(line.substr(colon + 1)), "chunked")))
    return fail("the transfer encoding is not 'chunked' alone");
  return State::incomplete;
}

HeaderScan::State HeaderScan::look(std::string_view bytes) {
  while (true) {
    const std::string_view rest = bytes.substr(looked_at_);
    const std::size_t end = rest.find('\n');
    // What has no end yet is looked at too: junk without a line would otherwise be waited on until the deadline.
    const std::string_view line = end == std::string_view::npos ? rest : rest.substr(0, end);
    std::string_view text = line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (std::ranges::any_of(text, is_control)) return fail("a control character stands in the header");
    if (end == std::string_view::npos) return State::incomplete;
    if (text.size() == line.size()) return fail("a line ends without a carriage return");
    looked_at_ += end + 1;
    if (text.empty()) {
      if (lines_ == 0) return fail("it begins with an empty line");
      length_ = looked_at_;
      return State::complete;
    }
    if (take_line(text) == State::malformed) return State::malformed;
  }
}

bool is_field_value(std::string_view value) { return std::ranges::none_of(value, is_control); }

}  // namespace lockstep::http
