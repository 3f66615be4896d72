// DER: what is read, what is refused, and that reading and writing are each other's inverse.
#include "crypto/der.h"

#include <gtest/gtest.h>

#include <random>

#include "base/hex.h"

namespace lockstep::der {
namespace {

std::string bytes(std::string_view hex) { return hex_decode(hex).value(); }

bool reads(std::string_view input) {
  Reader reader(input);
  Element element;
  return reader.read(element);
}

TEST(DerReader, ReadsElementsInOrder) {
  const std::string input = bytes(
      "020105"
      "3003"
      "0101ff"
      "0500");
  Reader reader(input);
  Element element;
  ASSERT_TRUE(reader.next_is(kInteger));
  ASSERT_TRUE(reader.read(element));
  EXPECT_EQ(element.tag, kInteger);
  EXPECT_EQ(element.content, bytes("05"));
  EXPECT_EQ(element.whole, bytes("020105"));
  ASSERT_TRUE(reader.read(element));
  EXPECT_EQ(element.tag, kSequence);
  EXPECT_EQ(element.whole, bytes("30030101ff"));
  EXPECT_FALSE(reader.at_end());
  ASSERT_TRUE(reader.read(element));
  EXPECT_EQ(element.tag, kNull);
  EXPECT_TRUE(element.content.empty());
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.next_is(kNull));
  EXPECT_FALSE(reader.read(element));
}

TEST(DerReader, CopiesNothing) {
  const std::string input = bytes("0402abcd");
  Reader reader(input);
  Element element;
  ASSERT_TRUE(reader.read(element));
  EXPECT_EQ(element.content.data(), input.data() + 2);
}

TEST(DerReader, AFailureMovesNothing) {
  const std::string input = bytes("0205aa");
  Reader reader(input);
  Element element;
  EXPECT_FALSE(reader.read(element));
  EXPECT_FALSE(reader.at_end());
  EXPECT_TRUE(reader.next_is(kInteger));
}

TEST(DerReader, OnlyTheShortestLengthIsAccepted) {
  const std::string content(200, 'x');
  EXPECT_TRUE(reads(bytes("0481c8") + content));
  EXPECT_FALSE(reads(bytes("048200c8") + content));                // leading zero
  EXPECT_FALSE(reads(bytes("04817f") + std::string(127, 'x')));    // fits the short form
  EXPECT_FALSE(reads(bytes("048105") + "xxxxx"));                  // fits the short form
  EXPECT_TRUE(reads(bytes("048180") + std::string(128, 'x')));     // does not
  EXPECT_FALSE(reads(bytes("04820080") + std::string(128, 'x')));  // two octets for one
  EXPECT_TRUE(reads(bytes("04820100") + std::string(256, 'x')));
}

TEST(DerReader, IndefiniteAndAbsurdLengthsAreRefused) {
  EXPECT_FALSE(reads(bytes("3080") + bytes("0500") + bytes("0000")));
  EXPECT_FALSE(reads(bytes("04ff")));
  EXPECT_FALSE(reads(bytes("0488ffffffffffffffff") + "x"));
  EXPECT_FALSE(reads(bytes("0488fffffffffffffff6") + "x"));  // header and length together pass 2^64
  EXPECT_FALSE(reads(bytes("0489010000000000000000") + "x"));
  EXPECT_FALSE(reads(bytes("0484ffffffff") + "x"));
}

TEST(DerReader, TagsOfSeveralOctetsAreRefused) {
  EXPECT_FALSE(reads(bytes("1f0100")));
  EXPECT_FALSE(reads(bytes("bf8101020500")));
  EXPECT_FALSE(reads(bytes("ff0000")));
}

TEST(DerReader, EveryTruncationIsRefused) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128}, std::size_t{255},
                                   std::size_t{256}, std::size_t{70000}}) {
    const std::string whole = encode(kOctetString, std::string(length, 'c'));
    ASSERT_TRUE(reads(whole));
    const std::size_t step = length > 1000 ? 997 : 1;
    for (std::size_t cut = 0; cut < whole.size(); cut += cut < 16 ? 1 : step) {
      EXPECT_FALSE(reads(std::string_view(whole).substr(0, cut))) << length << " cut at " << cut;
    }
    EXPECT_FALSE(reads(std::string_view(whole).substr(0, whole.size() - 1)));
  }
}

TEST(DerReader, ErrorsNameWhatWasExpected) {
  const std::string input = bytes("020105");
  Reader reader(input);
  EXPECT_EQ(reader.expect(kSequence, "the thing").error().message, "the thing has an unexpected type");
  EXPECT_EQ(reader.expect_end("the thing").error().message, "unexpected bytes at the end of the thing");
  ASSERT_TRUE(reader.expect(kInteger, "the thing"));
  EXPECT_TRUE(reader.expect_end("the thing"));
  EXPECT_EQ(reader.expect(kInteger, "the thing").error().message, "the thing is missing");
  Reader cut(std::string_view(input).substr(0, 2));
  const auto error = cut.expect(kInteger, "the thing").error();
  EXPECT_EQ(error.message, "the thing is malformed or cut short");
  EXPECT_EQ(error.code, ErrorCode::parse_error);
}

TEST(DerReader, ASingleElementHasNothingAfterIt) {
  EXPECT_EQ(parse_single(bytes("0402abcd"), kOctetString, "x").value(), bytes("abcd"));
  EXPECT_FALSE(parse_single(bytes("0402abcd00"), kOctetString, "x"));
  EXPECT_FALSE(parse_single(bytes("0402abcd"), kInteger, "x"));
  EXPECT_FALSE(parse_single("", kInteger, "x"));
}

Element integer(const std::string& whole) {
  Reader reader(whole);
  Element element;
  EXPECT_TRUE(reader.read(element));
  return element;
}

TEST(DerValues, Integers) {
  const std::string zero = bytes("020100");
  EXPECT_EQ(parse_unsigned(integer(zero), "n").value(), bytes("00"));
  const std::string high = bytes("02020080");
  EXPECT_EQ(parse_unsigned(integer(high), "n").value(), bytes("80"));
  for (const char* wrong : {"0200", "02020001", "0202ff80", "020180", "0202ff7f", "02020000"}) {
    const std::string whole = bytes(wrong);
    const auto parsed = parse_unsigned(integer(whole), "n");
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().code, ErrorCode::parse_error);
  }
  EXPECT_TRUE(is_minimal_integer(bytes("ff7f")));
  EXPECT_FALSE(is_minimal_integer(bytes("ff80")));
  EXPECT_FALSE(is_minimal_integer(""));
}

TEST(DerValues, Booleans) {
  const std::string yes = bytes("0101ff");
  const std::string no = bytes("010100");
  EXPECT_TRUE(parse_boolean(integer(yes), "b").value());
  EXPECT_FALSE(parse_boolean(integer(no), "b").value());
  for (const char* wrong : {"010101", "0100", "0102ffff"}) {
    const std::string whole = bytes(wrong);
    EXPECT_FALSE(parse_boolean(integer(whole), "b")) << wrong;
  }
}

TEST(DerValues, BitStrings) {
  const std::string whole = encode_bit_string("ab");
  EXPECT_EQ(parse_whole_octets(integer(whole), "s").value(), "ab");
  const std::string unused = bytes("030201fe");
  EXPECT_FALSE(parse_whole_octets(integer(unused), "s"));
  const std::string empty = bytes("0300");
  EXPECT_FALSE(parse_whole_octets(integer(empty), "s"));
}

TEST(DerWriter, LengthsAtTheirBorders) {
  EXPECT_EQ(encode(kNull, ""), bytes("0500"));
  EXPECT_EQ(encode(kOctetString, std::string(127, 'x')).substr(0, 2), bytes("047f"));
  EXPECT_EQ(encode(kOctetString, std::string(128, 'x')).substr(0, 3), bytes("048180"));
  EXPECT_EQ(encode(kOctetString, std::string(255, 'x')).substr(0, 3), bytes("0481ff"));
  EXPECT_EQ(encode(kOctetString, std::string(256, 'x')).substr(0, 4), bytes("04820100"));
  EXPECT_EQ(encode(kOctetString, std::string(65536, 'x')).substr(0, 5), bytes("0483010000"));
  std::string header;
  append_header(header, kSequence, 0x0102030405060708);
  EXPECT_EQ(header, bytes("30880102030405060708"));
}

TEST(DerWriter, PartsFollowEachOther) {
  EXPECT_EQ(encode(kSequence, {"ab", "", "c"}), bytes("3003") + "abc");
  std::string out = "x";
  append(out, kOctetString, "y");
  EXPECT_EQ(out, "x" + bytes("0401") + "y");
}

TEST(DerWriter, UnsignedIntegersAreMinimal) {
  EXPECT_EQ(encode_unsigned(""), bytes("020100"));
  EXPECT_EQ(encode_unsigned(bytes("0000")), bytes("020100"));
  EXPECT_EQ(encode_unsigned(bytes("7f")), bytes("02017f"));
  EXPECT_EQ(encode_unsigned(bytes("80")), bytes("02020080"));
  EXPECT_EQ(encode_unsigned(bytes("000080")), bytes("02020080"));
  EXPECT_EQ(encode_unsigned(bytes("0100")), bytes("02020100"));
}

TEST(DerWriter, RandomTreesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> contents(random() % 5);
    std::string list;
    for (std::string& content : contents) {
      content.resize(random() % 400);
      for (char& c : content) c = static_cast<char>(random() & 0xffU);
      append(list, kOctetString, content);
    }
    const std::string whole = encode(kSequence, list);
    Reader reader(parse_single(whole, kSequence, "x").value());
    for (const std::string& content : contents) {
      EXPECT_EQ(reader.expect(kOctetString, "x").value().content, content);
    }
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(DerObjectId, KnownOnesBothWays) {
  const std::pair<const char*, const char*> cases[] = {
      {"2.5.4.3", "550403"},
      {"1.2.840.113549.1.1.11", "2a864886f70d01010b"},
      {"0.9.2342.19200300.100.1.25", "0992268993f22c640119"},
      {"1.3.101.112", "2b6570"},
      {"0.0", "00"},
      {"1.39", "4f"},
      {"2.0", "50"},
      {"2.999.3", "883703"},
      {"2.40", "78"},
      {"2.5.18446744073709551615", "5581ffffffffffffffff7f"},
  };
  for (const auto& [dotted, hex] : cases) {
    EXPECT_EQ(hex_encode(encode_object_id(dotted).value()), hex) << dotted;
    EXPECT_EQ(decode_object_id(bytes(hex)).value(), dotted);
  }
}

TEST(DerObjectId, WrongTextIsRefused) {
  for (const char* wrong : {"", "1", "2", ".", "1.", ".1", "1..2", "3.1", "1.40", "0.40", "01.2", "1.02", "1.2.x",
                            "1.2 ", " 1.2", "1.-2", "1.+2", "2.5.18446744073709551616", "2.18446744073709551615"}) {
    const auto encoded = encode_object_id(wrong);
    ASSERT_FALSE(encoded) << wrong;
    EXPECT_EQ(encoded.error().code, ErrorCode::invalid_argument);
  }
}

TEST(DerObjectId, WrongBytesAreRefused) {
  for (const char* wrong : {"", "80", "55048003", "5504ff", "55808001",
                            "5582808080808080808080"
                            "00",
                            "55ffffffffffffffffffff7f"}) {
    EXPECT_FALSE(decode_object_id(bytes(wrong))) << wrong;
  }
}

}  // namespace
}  // namespace lockstep::der
