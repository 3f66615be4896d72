#include "base/clock.h"

#include <gtest/gtest.h>

#include <random>

namespace lockstep {
namespace {

struct Known {
  const char* text;
  UnixSeconds time;
};

TEST(Rfc3339, KnownTimesBothWays) {
  // The numbers are those of `date -u -d TEXT +%s`.
  const Known cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59Z", -1},
      {"2000-02-29T00:00:00Z", 951782400},
      {"2000-03-01T00:00:00Z", 951868800},
      {"2026-03-01T12:00:00Z", 1772366400},
      {"2038-01-19T03:14:08Z", 2147483648},
      {"2049-12-31T23:59:59Z", 2524607999},
      {"2050-01-01T00:00:00Z", 2524608000},
      {"2100-03-01T00:00:00Z", 4107542400},
      {"9999-12-31T23:59:59Z", 253402300799},
      {"0000-01-01T00:00:00Z", -62167219200},
  };
  for (const Known& known : cases) {
    EXPECT_EQ(format_rfc3339(known.time), known.text);
    const auto parsed = parse_rfc3339(known.text);
    ASSERT_TRUE(parsed) << known.text;
    EXPECT_EQ(*parsed, known.time) << known.text;
  }
}

TEST(Rfc3339, RandomTimesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<UnixSeconds> any(-62167219200, 253402300799);
  for (int round = 0; round < 2000; ++round) {
    const UnixSeconds time = any(random);
    EXPECT_EQ(parse_rfc3339(format_rfc3339(time)).value(), time);
    EXPECT_EQ(unix_from_civil(civil_from_unix(time)), time);
  }
}

TEST(Rfc3339, RefusesEveryOtherForm) {
  for (const char* text : {
           "",
           "2026-03-01",
           "2026-03-01T12:00:00",
           "2026-03-01T12:00:00z",
           "2026-03-01t12:00:00Z",
           "2026-03-01 12:00:00Z",
           "2026-03-01T12:00:00+0",
           "2026-03-01T12:00:00.0Z",
           "2026-3-01T12:00:00ZZ",
           "+026-03-01T12:00:00Z",
           "2026-03-01T12:00: 0Z",
           " 2026-03-01T12:00:00Z",
           "2026-03-01T12:00:00Z\n",
       }) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::parse_error);
  }
}

TEST(Rfc3339, RefusesDaysAndTimesThatDoNotExist) {
  for (const char* text : {
           "2026-00-01T00:00:00Z",
           "2026-13-01T00:00:00Z",
           "2026-01-00T00:00:00Z",
           "2026-01-32T00:00:00Z",
           "2026-04-31T00:00:00Z",
           "2026-02-29T00:00:00Z",
           "2100-02-29T00:00:00Z",
           "2026-01-01T24:00:00Z",
           "2026-01-01T00:60:00Z",
           "2026-01-01T00:00:60Z",
       }) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_rfc3339("2000-02-29T23:59:59Z"));
}

TEST(Civil, FieldsOfATimeBeforeTheEpoch) {
  const CivilTime civil = civil_from_unix(-1);
  EXPECT_EQ(civil.year, 1969);
  EXPECT_EQ(civil.month, 12);
  EXPECT_EQ(civil.day, 31);
  EXPECT_EQ(civil.hour, 23);
  EXPECT_EQ(civil.minute, 59);
  EXPECT_EQ(civil.second, 59);
}

TEST(Duration, UnitsAndBareNumbers) {
  EXPECT_EQ(parse_duration("90d", 1).value(), 90 * 86400);
  EXPECT_EQ(parse_duration("12h", 1).value(), 12 * 3600);
  EXPECT_EQ(parse_duration("30m", 1).value(), 30 * 60);
  EXPECT_EQ(parse_duration("45s", 86400).value(), 45);
  EXPECT_EQ(parse_duration("365", 86400).value(), 365 * 86400);
  EXPECT_EQ(parse_duration("7", 1).value(), 7);
}

TEST(Duration, AThousandYearsIsTheLimit) {
  EXPECT_EQ(parse_duration("366000d", 1).value(), 366000LL * 86400);
  EXPECT_FALSE(parse_duration("366001d", 1));
  EXPECT_FALSE(parse_duration("366001", 86400));
  EXPECT_FALSE(parse_duration("9223372036854775807d", 1));
  EXPECT_FALSE(parse_duration("9223372036854775808", 1));
}

TEST(Duration, RefusesTheRest) {
  for (const char* text : {"", "d", "0", "0d", "-1d", "+1d", "1 d", " 1d", "1d ", "1w", "1D", "1.5d", "1dd", "0x10"}) {
    const auto parsed = parse_duration(text, 1);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(parsed.error().hint.empty());
  }
}

// The forms of RFC 3339 section 5.8, and what is none.
TEST(Clock, WhatOthersWriteAsRfc3339) {
  EXPECT_EQ(parse_rfc3339_any("1985-04-12T23:20:50.52Z").value(), parse_rfc3339("1985-04-12T23:20:50Z").value());
  EXPECT_EQ(parse_rfc3339_any("1996-12-19T16:39:57-08:00").value(), parse_rfc3339("1996-12-20T00:39:57Z").value());
  // What would be a year before 0000 or after 9999 elsewhere cannot be written down.
  EXPECT_FALSE(parse_rfc3339_any("0000-01-01T00:00:00+00:01").has_value());
  EXPECT_FALSE(parse_rfc3339_any("9999-12-31T23:59:59-00:01").has_value());
  EXPECT_EQ(format_rfc3339(parse_rfc3339_any("0000-01-01T00:01:00+00:01").value()), "0000-01-01T00:00:00Z");
  EXPECT_EQ(parse_rfc3339_any("1937-01-01t12:00:27.87+00:20").value(), parse_rfc3339("1937-01-01T11:40:27Z").value());
  for (const char* text : {"", "1985-04-12", "1985-04-12T23:20:50", "1985-04-12T23:20:50.Z", "1985-04-12 23:20:50Z",
                           "1985-04-12T23:20:50+1:00", "1985-04-12T23:20:50+24:00", "1985-02-30T00:00:00Z",
                           "1985-04-12T23:20:50Zx", "1985-04-12T23:20:50.1234567890123456789Z"})
    EXPECT_FALSE(parse_rfc3339_any(text).has_value()) << text;
}

}  // namespace
}  // namespace lockstep
