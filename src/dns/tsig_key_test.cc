#include "dns/tsig_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::dns {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kSecret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWE=";

std::string file_with(const std::string& body) { return "key \"acme.example.com\" {\n" + body + "\n};\n"; }

TEST(TsigKey, ReadsWhatTsigKeygenWrites) {
  const auto key =
      parse_tsig_key("key \"acme.example.com\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + kSecret + "\";\n};\n", "k");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->name, "acme.example.com");
  EXPECT_EQ(key->algorithm, "hmac-sha256");
  EXPECT_EQ(key->secret.reveal(), kSecret);
}

TEST(TsigKey, ReadsCommentsAnyOrderAndUnquotedWords) {
  const auto key = parse_tsig_key(
      "# one\n// two\n/* three\n */ key Acme. { secret " + kSecret + " ; /*x*/ algorithm \"HMAC-SHA512\" ; } ; # end",
      "k");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->name, "acme");
  EXPECT_EQ(key->algorithm, "hmac-sha512");
  EXPECT_EQ(key->secret.reveal(), kSecret);
}

TEST(TsigKey, SaysTheLineAndNeverTheSecret) {
  const struct {
    std::string text;
    std::string message;
  } cases[] = {
      {"", "k, line 1: 'key' was expected"},
      {kSecret, "k, line 1: 'key' was expected"},
      {"\nkey {", "k, line 2: the key's name was expected"},
      {"key \"a\" " + kSecret, "k, line 1: '{' was expected"},
      {file_with("algorithm hmac-sha256;"), "k, line 3: the key has no secret"},
      {file_with("secret \"" + kSecret + "\";"), "k, line 3: the key has no algorithm"},
      {file_with("secret \"" + kSecret + "\"\nalgorithm x;"), "k, line 3: ';' was expected"},
      {file_with("secret \"" + kSecret + "\n;"), "k, line 2: a quotation that does not end"},
      {file_with("secret " + kSecret + ";\nsecret " + kSecret + ";"), "k, line 3: 'secret' is there twice"},
      {file_with("algorithm hmac-sha256;\n" + kSecret + ";"), "k, line 3: 'algorithm', 'secret' or '}' was expected"},
      {file_with("secret ;"), "k, line 2: a value was expected"},
      {file_with("algorithm hmac-sha256; secret " + kSecret + ";") + "key \"b\" {};", "k, line 4: text after the key"},
      {"/* ", "k, line 1: a comment that does not end"},
      {"key \"a\" {\nalgorithm hmac-sha256;", "k, line 2: 'algorithm', 'secret' or '}' was expected"},
      {std::string("key \0 {", 7), "k, line 1: a character that does not belong here"},
  };
  for (const auto& each : cases) {
    const auto key = parse_tsig_key(each.text, "k");
    ASSERT_FALSE(key) << each.text;
    EXPECT_THAT(key.error().message, StartsWith(each.message));
    EXPECT_THAT(key.error().message + key.error().hint, Not(HasSubstr("c2Vjcm")));
  }
}

TEST(TsigKey, ReadsWhatKeymgrWrites) {
  const auto key = parse_tsig_key("# hmac-sha384:acme:" + kSecret + "\nkey:\n- id: acme\n  algorithm: hmac-sha384\n" +
                                      "  secret: \"" + kSecret + "\"\n",
                                  "k");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->name, "acme");
  EXPECT_EQ(key->algorithm, "hmac-sha384");
  EXPECT_EQ(key->secret.reveal(), kSecret);
  const struct {
    std::string rest;
    std::string message;
  } cases[] = {
      {"", "k, line 1: the key has no id, algorithm or secret"},
      {"- id: a\n  secret: " + kSecret, "k, line 3: the key has no id, algorithm or secret"},
      {"  secret: " + kSecret, "k, line 2: one key is read, and its '- id:' comes first"},
      {"- id: a\n- id: b", "k, line 3: one key is read, and its '- id:' comes first"},
      {"- secret: " + kSecret, "k, line 2: 'id', 'algorithm' or 'secret' was expected"},
      {"- id: a\n  " + kSecret, "k, line 3: 'id', 'algorithm' or 'secret' was expected"},
      {"- id: a\n  secret: " + kSecret + "\n  secret: " + kSecret, "k, line 4: 'secret' is there twice"},
      {"- id: a\n  algorithm:\n  secret: " + kSecret, "k: the TSIG key 'a' is for an algorithm that is not accepted"},
      {"- id: a\n  algorithm\n  secret: " + kSecret, "k: the TSIG key 'a' is for an algorithm that is not accepted"},
  };
  for (const auto& each : cases) {
    const auto bad = parse_tsig_key("key:\n" + each.rest, "k");
    ASSERT_FALSE(bad) << each.rest;
    EXPECT_THAT(bad.error().message, StartsWith(each.message));
    EXPECT_THAT(bad.error().message + bad.error().hint, Not(HasSubstr("c2Vjcm")));
  }
}

TEST(TsigKey, RefusesWhatCannotSign) {
  for (const std::string& body :
       {"algorithm hmac-md5; secret " + kSecret + ";", std::string("algorithm hmac-sha256; secret abc=;"),
        std::string("algorithm hmac-sha256; secret \"c2VjcmV0 c2VjcmV0 c2VjcmV0 c2Vj\";"),
        std::string("algorithm hmac-sha256; secret c2VjcmV0c2VjcmV0c2Vjc===;")}) {
    const auto key = parse_tsig_key(file_with(body), "k");
    ASSERT_FALSE(key) << body;
    EXPECT_EQ(key.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(key.error().message, StartsWith("k: the TSIG key 'acme.example.com' "));
    EXPECT_THAT(key.error().message + key.error().hint, Not(HasSubstr("c2Vjcm")));
  }
  const auto name = parse_tsig_key("key \"a..b\" { algorithm hmac-sha256; secret " + kSecret + "; };", "k");
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(parse_tsig_key(std::string(20'000, ' '), "k").error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace lockstep::dns
