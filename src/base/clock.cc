#include "base/clock.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace lockstep {

namespace {

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kLongestDuration = 1000 * 366 * kSecondsPerDay;

bool read_digits(std::string_view text, std::size_t at, std::size_t count, int* out) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  *out = value;
  return true;
}

}  // namespace

CivilTime civil_from_unix(UnixSeconds time) {
  using namespace std::chrono;
  const sys_seconds point{seconds{time}};
  const auto midnight = floor<days>(point);
  const year_month_day date{midnight};
  const hh_mm_ss clock{point - midnight};
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

UnixSeconds unix_from_civil(const CivilTime& civil) {
  using namespace std::chrono;
  const year_month_day date{year{civil.year}, month{static_cast<unsigned>(civil.month)},
                            day{static_cast<unsigned>(civil.day)}};
  return sys_days{date}.time_since_epoch().count() * kSecondsPerDay + civil.hour * 3600 + civil.minute * 60 +
         civil.second;
}

std::string format_rfc3339(UnixSeconds time) {
  const CivilTime t = civil_from_unix(time);
  std::array<char, 80> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month,
                                   t.day, t.hour, t.minute, t.second);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

Result<UnixSeconds> parse_rfc3339(std::string_view text) {
  CivilTime t{};
  const bool shaped = text.size() == 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
                      text[16] == ':' && text[19] == 'Z' && read_digits(text, 0, 4, &t.year) &&
                      read_digits(text, 5, 2, &t.month) && read_digits(text, 8, 2, &t.day) &&
                      read_digits(text, 11, 2, &t.hour) && read_digits(text, 14, 2, &t.minute) &&
                      read_digits(text, 17, 2, &t.second);
  if (!shaped) return fail(ErrorCode::parse_error, "not a time like 2026-03-01T12:00:00Z: '" + std::string(text) + "'");
  const std::chrono::year_month_day date{std::chrono::year{t.year}, std::chrono::month{static_cast<unsigned>(t.month)},
                                         std::chrono::day{static_cast<unsigned>(t.day)}};
  if (!date.ok() || t.hour > 23 || t.minute > 59 || t.second > 59) {
    return fail(ErrorCode::parse_error, "no such date or time: '" + std::string(text) + "'");
  }
  return unix_from_civil(t);
}

Result<UnixSeconds> parse_rfc3339_any(std::string_view text) {
  constexpr std::size_t kSecondsEnd = 19;  // "2026-03-01T12:00:00"
  constexpr std::size_t kMostDigits = 18;
  const auto bad = [&] {
    return fail(ErrorCode::parse_error, "not an RFC 3339 time: '" + std::string(text.substr(0, 80)) + "'");
  };
  if (text.size() <= kSecondsEnd || (text[10] != 'T' && text[10] != 't')) return bad();
  std::string plain(text.substr(0, kSecondsEnd));
  plain[10] = 'T';
  const UnixSeconds local = TRY(parse_rfc3339(plain + "Z"));
  std::string_view rest = text.substr(kSecondsEnd);
  if (rest.front() == '.') {
    const std::size_t end = rest.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1 || end - 1 > kMostDigits) return bad();
    rest.remove_prefix(end);
  }
  if (rest == "Z" || rest == "z") return local;
  int hours = 0;
  int minutes = 0;
  const bool offset = rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' &&
                      read_digits(rest, 1, 2, &hours) && read_digits(rest, 4, 2, &minutes) && hours <= 23 &&
                      minutes <= 59;
  if (!offset) return bad();
  const std::int64_t ahead = hours * 3600L + minutes * 60L;
  const UnixSeconds time = rest[0] == '+' ? local - ahead : local + ahead;
  // An offset can lead out of the years that can be written down again.
  if (time < unix_from_civil({0, 1, 1, 0, 0, 0}) || time > unix_from_civil({9999, 12, 31, 23, 59, 59})) return bad();
  return time;
}

Result<std::int64_t> parse_duration(std::string_view text, std::int64_t bare_unit) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid_argument, "not a duration: '" + std::string(text) + "'",
                "write a positive number, or one with a unit: 90d, 12h, 30m, 45s");
  };
  std::int64_t unit = bare_unit;
  std::string_view digits = text;
  if (!text.empty()) {
    switch (text.back()) {
      case 'd':
        unit = kSecondsPerDay;
        digits.remove_suffix(1);
        break;
      case 'h':
        unit = 3600;
        digits.remove_suffix(1);
        break;
      case 'm':
        unit = 60;
        digits.remove_suffix(1);
        break;
      case 's':
        unit = 1;
        digits.remove_suffix(1);
        break;
      default: break;
    }
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value <= 0) return bad();
  if (value > kLongestDuration / unit) return bad();
  return value * unit;
}

}  // namespace lockstep
