#include "x509/asn1_time.h"

#include <array>
#include <cstdio>

namespace lockstep::x509 {

std::string encode_time(UnixSeconds time) {
  const CivilTime t = civil_from_unix(time);
  std::array<char, 96> text{};
  const bool short_form = t.year >= 1950 && t.year < 2050;
  const int length = short_form ? std::snprintf(text.data(), text.size(), "%02d%02d%02d%02d%02d%02dZ", t.year % 100,
                                                t.month, t.day, t.hour, t.minute, t.second)
                                : std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02dZ", t.year, t.month,
                                                t.day, t.hour, t.minute, t.second);
  return der::encode(short_form ? der::kUtcTime : der::kGeneralizedTime,
                     std::string_view(text.data(), static_cast<std::size_t>(length)));
}

Result<UnixSeconds> decode_time(const der::Element& element) {
  const std::string_view text = element.content;
  const bool is_short = element.tag == der::kUtcTime && text.size() == 13;
  const bool is_long = element.tag == der::kGeneralizedTime && text.size() == 15;
  if (!is_short && !is_long) return fail(ErrorCode::parse_error, "a time that is neither UTCTime nor GeneralizedTime");
  std::string year(text.substr(0, is_short ? 2 : 4));
  if (is_short) year.insert(0, text[0] >= '5' ? "19" : "20");
  const std::string_view rest = text.substr(is_short ? 2 : 4);
  const auto part = [&](std::size_t at) { return std::string(rest.substr(at, 2)); };
  const std::string formatted = year + "-" + part(0) + "-" + part(2) + "T" + part(4) + ":" + part(6) + ":" + part(8) +
                                std::string(rest.substr(10));
  return parse_rfc3339(formatted);
}

}  // namespace lockstep::x509
