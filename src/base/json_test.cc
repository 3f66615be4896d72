// JSON from files that somebody may have edited: what is refused, and what errors say.
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lockstep {
namespace {

using ::testing::HasSubstr;

std::string nested(std::size_t depth, const std::string& inner) {
  return std::string(depth, '[') + inner + std::string(depth, ']');
}

TEST(Json, ReadsAnObject) {
  const auto parsed = parse_json(R"({"a":1,"b":[true,null,"x"],"c":{"a":2}})", "file.json");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at("a"), 1);
  EXPECT_EQ(parsed->at("b").size(), 3U);
  EXPECT_EQ(parsed->at("c").at("a"), 2);
}

TEST(Json, TwoEqualKeysInOneObjectAreRefused) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"x":{"a":1,"b":2,"a":3}})", R"([{"a":1},{"a":1,"a":2}])", R"({"a":1,"\u0061":2})"}) {
    const auto parsed = parse_json(text, "file.json");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::parse_error);
    EXPECT_EQ(parsed.error().message, "file.json: the key 'a' stands twice in one object");
  }
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":2},{"b":{"a":1},"a":2}])", "file.json"));
}

TEST(Json, DepthHasALimit) {
  EXPECT_TRUE(parse_json(nested(16, "1"), "x"));
  const auto deep = parse_json(nested(18, "1"), "x");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::too_large);
  EXPECT_THAT(deep.error().message, HasSubstr("nested deeper than 16"));
  EXPECT_TRUE(parse_json(nested(2, "1"), "x", {.bytes = 100, .depth = 2}));
  EXPECT_FALSE(parse_json(nested(4, "1"), "x", {.bytes = 100, .depth = 2}));
}

TEST(Json, AHostileDepthIsRefusedWithoutRunningOutOfStack) {
  const std::string arrays = nested(400'000, "");
  EXPECT_EQ(parse_json(arrays, "x").error().code, ErrorCode::too_large);
  std::string objects;
  for (int i = 0; i < 50'000; ++i) objects += "{\"a\":";
  objects += "1";
  objects.append(50'000, '}');
  EXPECT_EQ(parse_json(objects, "x").error().code, ErrorCode::too_large);
  EXPECT_FALSE(parse_json(std::string(500'000, '['), "x"));
}

TEST(Json, SizeHasALimit) {
  EXPECT_TRUE(parse_json("[1,2]", "x", {.bytes = 5, .depth = 16}));
  const auto large = parse_json("[1,2] ", "x", {.bytes = 5, .depth = 16});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::too_large);
  EXPECT_THAT(large.error().message, HasSubstr("6 bytes of JSON, the limit is 5"));
}

TEST(Json, WhatIsNotJsonIsRefusedWithItsPlace) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("{"), std::string("{\"a\":1,}"), std::string("[1] x"),
        std::string("{'a':1}"), std::string("// c\n1"), std::string("\"\xff\""), std::string("[1]\0", 4),
        std::string("NaN"), std::string("01"), std::string("\"a\nb\"")}) {
    const auto parsed = parse_json(text, "store/manifest.json");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::parse_error) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("store/manifest.json: not valid JSON"));
  }
  EXPECT_THAT(parse_json("[1,x]", "f").error().message, HasSubstr("at byte 4"));
}

TEST(Json, NoTruncationOfADocumentIsADocument) {
  const std::string text = R"({"name":"a\"b","list":[1,2.5,-3e2],"more":{"t":true,"n":null}})";
  ASSERT_TRUE(parse_json(text, "x"));
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(parse_json(text.substr(0, length), "x")) << length;
  }
}

TEST(Json, QuotedTextComesBack) {
  EXPECT_EQ(json_quote("a"), "\"a\"");
  EXPECT_EQ(json_quote("a\"\\\n\x01"), R"("a\"\\\n\u0001")");
  EXPECT_EQ(json_quote("\xff"), "\"\xEF\xBF\xBD\"");
  const std::string text = "caf\xc3\xa9 \t \"x\"";
  EXPECT_EQ(parse_json(json_quote(text), "x").value().get<std::string>(), text);
}

TEST(Json, OnlyWholeNumbersWithinTheLimitAreNumbers) {
  const auto value = [](const char* text) { return parse_json(text, "x").value(); };
  EXPECT_EQ(json_unsigned(value("7"), 7), 7U);
  EXPECT_EQ(json_unsigned(value("18446744073709551615"), UINT64_MAX), UINT64_MAX);
  for (const char* bad : {"8", "-1", "1.0", "4e24", "18446744073709551616", "\"7\"", "true", "null", "[7]"}) {
    EXPECT_THROW(json_unsigned(value(bad), 7), std::out_of_range) << bad;
  }
}

TEST(Json, OrderedKeepsTheOrderOfTheKeysAndIsAsStrict) {
  const auto value = parse_ordered_json(R"({"z":1,"a":{"y":2,"b":3}})", "it");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->dump(), R"({"z":1,"a":{"y":2,"b":3}})");
  EXPECT_FALSE(parse_ordered_json(R"({"a":1,"a":2})", "it"));
  EXPECT_FALSE(parse_ordered_json("[[[[]]]]", "it", {.bytes = 100, .depth = 2}));
}

}  // namespace
}  // namespace lockstep
