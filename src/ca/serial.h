// Serial numbers and CRL numbers: counters that only grow, written as lower-case hex with at least two digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::ca {

using Serial = std::uint64_t;

inline constexpr Serial kRootSerial = 1;
// RFC 5280 allows 20 octets; a counter never gets there. The bound keeps the DER integer positive in eight.
inline constexpr Serial kLargestSerial = 0x7fff'ffff'ffff'ffffULL;

// "02", "ff", "0100": an even number of digits.
std::string serial_to_hex(Serial serial);

// Accepts leading zeros and both cases: "2" means "02". Errors: invalid_argument.
Result<Serial> parse_serial(std::string_view text);

// The content of a counter's file: serial_to_hex and one newline, exactly. `name` is what errors call it.
// Error: damaged.
Result<Serial> parse_counter(std::string_view content, std::string_view name);

// The serial whose certificate's file has this name ("02.pem"); nothing for any other name.
std::optional<Serial> serial_of_file(std::string_view name);

}  // namespace lockstep::ca
