#include "ca/serial.h"

#include <array>
#include <charconv>

namespace lockstep::ca {

std::string serial_to_hex(Serial serial) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), serial, 16);
  std::string text(digits.data(), end);
  if (text.size() % 2 != 0) text.insert(text.begin(), '0');
  return text;
}

Result<Serial> parse_serial(std::string_view text) {
  Serial serial = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), serial, 16);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-' || serial == 0 ||
      serial > kLargestSerial) {
    return fail(ErrorCode::invalid_argument, "not a serial number: '" + std::string(text.substr(0, 64)) + "'",
                "write it in hexadecimal, as 'ca list' shows it");
  }
  return serial;
}

Result<Serial> parse_counter(std::string_view content, std::string_view name) {
  if (content.ends_with('\n')) {
    const auto serial = parse_serial(content.substr(0, content.size() - 1));
    if (serial && serial_to_hex(*serial) + "\n" == content) return *serial;
  }
  return fail(ErrorCode::damaged, "'" + std::string(name) + "' does not hold one number in hexadecimal",
              "run 'lockstep doctor'");
}

std::optional<Serial> serial_of_file(std::string_view name) {
  constexpr std::string_view kEnding = ".pem";
  if (!name.ends_with(kEnding)) return std::nullopt;
  const auto serial = parse_serial(name.substr(0, name.size() - kEnding.size()));
  return serial && serial_to_hex(*serial) + std::string(kEnding) == name ? std::optional(*serial) : std::nullopt;
}

}  // namespace lockstep::ca
