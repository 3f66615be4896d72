#include "x509/asn1_time.h"

#include <gtest/gtest.h>

#include <random>

namespace lockstep::x509 {
namespace {

der::Element element_of(const std::string& whole) {
  der::Reader reader(whole);
  der::Element element;
  EXPECT_TRUE(reader.read(element) && reader.at_end());
  return element;
}

Result<UnixSeconds> decode(std::uint8_t tag, std::string_view text) {
  const std::string whole = der::encode(tag, text);
  return decode_time(element_of(whole));
}

struct Known {
  const char* rfc3339;
  std::uint8_t tag;
  const char* text;
};

TEST(Asn1Time, TheYear2050ChangesTheForm) {
  const Known cases[] = {
      {"1950-01-01T00:00:00Z", der::kUtcTime, "500101000000Z"},
      {"1970-01-01T00:00:00Z", der::kUtcTime, "700101000000Z"},
      {"1999-12-31T23:59:59Z", der::kUtcTime, "991231235959Z"},
      {"2000-02-29T00:00:00Z", der::kUtcTime, "000229000000Z"},
      {"2026-03-01T12:34:56Z", der::kUtcTime, "260301123456Z"},
      {"2049-12-31T23:59:59Z", der::kUtcTime, "491231235959Z"},
      {"2050-01-01T00:00:00Z", der::kGeneralizedTime, "20500101000000Z"},
      {"2052-02-29T00:00:00Z", der::kGeneralizedTime, "20520229000000Z"},
      {"9999-12-31T23:59:59Z", der::kGeneralizedTime, "99991231235959Z"},
      {"1949-12-31T23:59:59Z", der::kGeneralizedTime, "19491231235959Z"},
  };
  for (const Known& known : cases) {
    const UnixSeconds time = parse_rfc3339(known.rfc3339).value();
    EXPECT_EQ(encode_time(time), der::encode(known.tag, known.text)) << known.rfc3339;
    EXPECT_EQ(decode(known.tag, known.text).value(), time) << known.rfc3339;
  }
}

TEST(Asn1Time, GeneralizedTimeBefore2050IsRead) {
  // Other tools write it, RFC 5280 or not.
  EXPECT_EQ(decode(der::kGeneralizedTime, "20260301123456Z").value(), parse_rfc3339("2026-03-01T12:34:56Z").value());
}

TEST(Asn1Time, RandomTimesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<UnixSeconds> any(-62167219200, 253402300799);
  for (int round = 0; round < 2000; ++round) {
    const UnixSeconds time = any(random);
    const std::string whole = encode_time(time);
    EXPECT_EQ(decode_time(element_of(whole)).value(), time);
  }
}

TEST(Asn1Time, WrongTimesAreRefused) {
  const std::pair<std::uint8_t, const char*> cases[] = {
      {der::kUtcTime, ""},
      {der::kUtcTime, "260301123456"},
      {der::kUtcTime, "2603011234Z"},
      {der::kUtcTime, "260301123456z"},
      {der::kUtcTime, "260301123456+0000"},
      {der::kUtcTime, "261301123456Z"},
      {der::kUtcTime, "260001123456Z"},
      {der::kUtcTime, "260230123456Z"},
      {der::kUtcTime, "260229000000Z"},
      {der::kUtcTime, "260301240000Z"},
      {der::kUtcTime, "260301126000Z"},
      {der::kUtcTime, "260301120060Z"},
      {der::kUtcTime, "26030112345 Z"},
      {der::kUtcTime, "2603011234-1Z"},
      {der::kUtcTime, "20260301123456Z"},
      {der::kGeneralizedTime, "260301123456Z"},
      {der::kGeneralizedTime, "20260301123456.0Z"},
      {der::kGeneralizedTime, "21000229000000Z"},
      {der::kGeneralizedTime, "2026030112345"},
      {der::kUtf8String, "260301123456Z"},
  };
  for (const auto& [tag, text] : cases) {
    const auto decoded = decode(tag, text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::parse_error);
  }
}

}  // namespace
}  // namespace lockstep::x509
