// Where the header of an HTTP/1.1 request ends, and whether it is one at all: looked at before any parser, because the
// one behind the server unfolds lines and takes repeated fields without a word.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lockstep::http {

class HeaderScan {
 public:
  enum class State { incomplete, complete, malformed };

  // `bytes` is everything that has come so far, from the first byte of the request on; each call sees at least what the
  // one before saw. Malformed: a line feed without its carriage return or the other way round, any other control
  // character than a tab, a folded line (RFC 9112 section 5.2), a field without colon, with an empty name or a space
  // in it, a second field of a name that may stand once (Host, Content-Length, Content-Type, Transfer-Encoding,
  // Authorization, Expect), and a transfer encoding other than "chunked", or any in HTTP/1.0.
  State look(std::string_view bytes);
  // Of a complete header: its length, the empty line included.
  [[nodiscard]] std::size_t length() const { return length_; }
  // What is wrong with a malformed one.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  State fail(std::string reason);
  State take_line(std::string_view line);

  std::size_t looked_at_ = 0;  // complete lines up to here are in order
  std::size_t lines_ = 0;
  std::size_t length_ = 0;
  bool old_ = false;   // HTTP/1.0
  unsigned seen_ = 0;  // a bit for each name that may stand once
  std::string reason_;
};

// True for what may be written as a field's value: no control characters but the tab (RFC 9110 section 5.5).
bool is_field_value(std::string_view value);

}  // namespace lockstep::http
