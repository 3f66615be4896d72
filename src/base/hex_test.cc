#include "base/hex.h"

#include <gtest/gtest.h>

#include <random>

namespace lockstep {
namespace {

TEST(Hex, WritesLowerCase) {
  EXPECT_EQ(hex_encode(""), "");
  EXPECT_EQ(hex_encode(std::string_view("\x00\x0f\xf0\xAB\xff", 5)), "000ff0abff");
}

TEST(Hex, ReadsBothCases) {
  EXPECT_EQ(hex_decode("00aBCdEf").value(), std::string("\x00\xab\xcd\xef", 4));
  EXPECT_EQ(hex_decode("").value(), "");
}

TEST(Hex, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  EXPECT_EQ(hex_decode(hex_encode(bytes)).value(), bytes);
}

TEST(Hex, RandomBytesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 100, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() & 0xffU);
    const std::string text = hex_encode(bytes);
    EXPECT_EQ(text.size(), bytes.size() * 2);
    EXPECT_EQ(hex_decode(text).value(), bytes);
  }
}

TEST(Hex, RefusesEveryOtherCharacterInBothPlaces) {
  const std::string_view digits = "0123456789abcdefABCDEF";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = digits.find(c) != std::string_view::npos;
    EXPECT_EQ(hex_decode(std::string{c, '0'}).has_value(), digit) << i;
    EXPECT_EQ(hex_decode(std::string{'0', c}).has_value(), digit) << i;
  }
}

TEST(Hex, RefusesOddLengths) {
  EXPECT_EQ(hex_decode("a").error().code, ErrorCode::parse_error);
  EXPECT_EQ(hex_decode("abc").error().code, ErrorCode::parse_error);
  EXPECT_EQ(hex_decode("0x1f ").error().code, ErrorCode::parse_error);
}

}  // namespace
}  // namespace lockstep
