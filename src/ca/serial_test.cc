#include "ca/serial.h"

#include <gtest/gtest.h>

namespace lockstep::ca {
namespace {

TEST(Serial, IsWrittenWithAnEvenNumberOfLowerCaseDigits) {
  EXPECT_EQ(serial_to_hex(1), "01");
  EXPECT_EQ(serial_to_hex(0xff), "ff");
  EXPECT_EQ(serial_to_hex(0x100), "0100");
  EXPECT_EQ(serial_to_hex(kLargestSerial), "7fffffffffffffff");
}

TEST(Serial, IsReadInAnyFormAPersonWrites) {
  for (const char* text : {"2", "02", "0002", "00000000000000000000000002"}) EXPECT_EQ(parse_serial(text).value(), 2U);
  EXPECT_EQ(parse_serial("aB").value(), 0xabU);
  EXPECT_EQ(parse_serial("7fffffffffffffff").value(), kLargestSerial);
}

TEST(Serial, RefusesWhatIsNone) {
  for (const char* text :
       {"", "0", "00", "-1", "+1", " 1", "1 ", "0x1", "g", "1g", "8000000000000000", "10000000000000000", "1\n"}) {
    const auto parsed = parse_serial(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Serial, AnErrorShowsAtMostTheBeginningOfALongText) {
  EXPECT_LT(parse_serial(std::string(10'000, 'x')).error().message.size(), 200U);
}

TEST(Counter, IsExactlyOneNumberAndANewline) {
  EXPECT_EQ(parse_counter("02\n", "serial").value(), 2U);
  EXPECT_EQ(parse_counter("0100\n", "serial").value(), 0x100U);
  for (const char* content :
       {"", "\n", "02", "2\n", "002\n", "0002\n", "FF\n", "02\n\n", " 02\n", "02 \n", "00\n", "02\n03\n", "zz\n"}) {
    const auto parsed = parse_counter(content, "serial");
    ASSERT_FALSE(parsed) << content;
    EXPECT_EQ(parsed.error().code, ErrorCode::damaged);
    EXPECT_EQ(parsed.error().message, "'serial' does not hold one number in hexadecimal");
  }
}

TEST(Counter, EveryWidthComesBackAsItWasWritten) {
  for (unsigned bit = 0; bit < 63; ++bit) {
    const Serial serial = Serial{1} << bit;
    EXPECT_EQ(parse_counter(serial_to_hex(serial) + "\n", "serial").value(), serial);
  }
}

}  // namespace
}  // namespace lockstep::ca
