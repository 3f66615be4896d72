// Time as a parameter: nothing below the command line asks the system what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep {

// Seconds since 1970-01-01T00:00:00Z, without leap seconds. Certificates have no finer resolution.
using UnixSeconds = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time, UTC.
  virtual UnixSeconds now() = 0;
  // Time that never jumps, for bounds on waiting; its origin means nothing.
  virtual std::chrono::milliseconds monotonic() = 0;
  virtual void sleep_for(std::chrono::milliseconds duration) = 0;
};

// RFC 3339 in UTC: "2026-03-01T12:00:00Z". Years 0000 to 9999.
std::string format_rfc3339(UnixSeconds time);

// Accepts exactly the form that format_rfc3339 writes. Error: parse_error.
Result<UnixSeconds> parse_rfc3339(std::string_view text);

// The whole of RFC 3339, rounded down to seconds: fractions, offsets, lower-case "t" and "z". For what others write.
// Error: parse_error.
Result<UnixSeconds> parse_rfc3339_any(std::string_view text);

// "90d", "12h", "30m", "45s" or a bare number in `bare_unit` seconds, as a positive number of seconds.
// Errors: invalid_argument (empty, zero, negative, trailing text, above one thousand years).
Result<std::int64_t> parse_duration(std::string_view text, std::int64_t bare_unit);

// The calendar fields of a time, proleptic Gregorian, UTC.
struct CivilTime {
  int year;
  int month;  // 1 to 12
  int day;    // 1 to 31
  int hour;
  int minute;
  int second;
};
CivilTime civil_from_unix(UnixSeconds time);
UnixSeconds unix_from_civil(const CivilTime& civil);

}  // namespace lockstep
