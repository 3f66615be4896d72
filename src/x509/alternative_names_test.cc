#include "x509/alternative_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/der.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;

std::string shown(std::string_view text) {
  const auto name = parse_alternative_name(text);
  EXPECT_TRUE(name) << text;
  return name ? to_text(*name) : std::string();
}

std::string dns_of(std::size_t length) {
  std::string name;
  while (name.size() + 2 <= length) name += "a.";
  while (name.size() < length) name += 'a';
  if (name.ends_with('.')) name.back() = 'a';
  return name;
}

TEST(AlternativeNames, ReadsEachForm) {
  EXPECT_EQ(shown("DNS:api.example.com"), "DNS:api.example.com");
  EXPECT_EQ(shown("dns:*.example.com"), "DNS:*.example.com");
  EXPECT_EQ(shown("DNS:localhost"), "DNS:localhost");
  EXPECT_EQ(shown("DNS:_srv.a-b.1"), "DNS:_srv.a-b.1");
  EXPECT_EQ(shown("IP:192.0.2.1"), "IP:192.0.2.1");
  EXPECT_EQ(shown("ip:2001:DB8:0:0:0:0:0:1"), "IP:2001:db8::1");
  EXPECT_EQ(shown("IP:::ffff:192.0.2.1"), "IP:::ffff:192.0.2.1");
  EXPECT_EQ(shown("URI:https://example.com/a?b=c"), "URI:https://example.com/a?b=c");
  EXPECT_EQ(shown("uri:urn:x:y"), "URI:urn:x:y");
  EXPECT_EQ(shown("email:a@example.com"), "email:a@example.com");
  EXPECT_EQ(shown("EMAIL:a@b"), "email:a@b");
}

TEST(AlternativeNames, WithoutATypeItIsMisused) {
  for (const char* text : {"", "example.com", ":x", "DNSS:a", "RID:1.2.3", "dirName:x", " DNS:a"}) {
    const auto name = parse_alternative_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, ErrorCode::usage) << text;
    EXPECT_THAT(name.error().hint, HasSubstr("DNS:name"));
  }
}

TEST(AlternativeNames, WrongValuesAreRefused) {
  for (const char* text : {
           "DNS:",
           "DNS:.",
           "DNS:a..b",
           "DNS:.a",
           "DNS:a.",
           "DNS:-a",
           "DNS:a-.b",
           "DNS:a b",
           "DNS: a",
           "DNS:a\n",
           "DNS:*",
           "DNS:*.",
           "DNS:*a.b",
           "DNS:a.*.b",
           "DNS:*.*.b",
           "DNS:caf\xc3\xa9.example",
           "DNS:a/b",
           "DNS:a:443",
           "IP:",
           "IP:1.2.3",
           "IP:1.2.3.4.5",
           "IP:1.2.3.256",
           "IP:01.2.3.4",
           "IP:1.2.3.4/24",
           "IP: 1.2.3.4",
           "IP:::1%eth0",
           "IP:[::1]",
           "IP:1::2::3",
           "IP:example.com",
           "URI:",
           "URI:no-scheme",
           "URI:http://a b",
           "URI:http://caf\xc3\xa9",
           "email:",
           "email:a",
           "email:@b",
           "email:a@",
           "email:a b@c",
       }) {
    const auto name = parse_alternative_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, ErrorCode::invalid_argument) << text;
  }
  EXPECT_FALSE(parse_alternative_name(std::string_view("DNS:a\0.b", 8)));
  EXPECT_FALSE(parse_alternative_name(std::string_view("IP:1.2.3.4\0x", 12)));
}

TEST(AlternativeNames, LengthsHaveLimits) {
  EXPECT_TRUE(parse_alternative_name("DNS:" + std::string(63, 'a') + ".b"));
  EXPECT_FALSE(parse_alternative_name("DNS:" + std::string(64, 'a') + ".b"));
  EXPECT_TRUE(parse_alternative_name("DNS:" + dns_of(253)));
  EXPECT_FALSE(parse_alternative_name("DNS:" + dns_of(254)));
  EXPECT_TRUE(parse_alternative_name("URI:a:" + std::string(2046, 'x')));
  const auto huge = parse_alternative_name("URI:a:" + std::string(100000, 'x'));
  ASSERT_FALSE(huge);
  EXPECT_LT(huge.error().message.size(), 300U) << "the error quotes all of it";
}

TEST(AlternativeNames, DerOfEachForm) {
  std::vector<AlternativeName> names;
  for (const char* text : {"DNS:a.b", "IP:192.0.2.1", "URI:x:y", "email:a@b"}) {
    names.push_back(parse_alternative_name(text).value());
  }
  EXPECT_EQ(hex_encode(encode_alternative_names(names).value()),
            "3015"
            "8203612e62"
            "8704c0000201"
            "8603783a79"
            "8103614062");
}

TEST(AlternativeNames, ComeBackFromDer) {
  std::vector<AlternativeName> names;
  for (const char* text : {"DNS:*.example.com", "IP:10.0.0.1", "IP:2001:db8::1", "URI:https://e.example/",
                           "email:x@e.example", "DNS:*.example.com"}) {
    names.push_back(parse_alternative_name(text).value());
  }
  const std::string encoded = encode_alternative_names(names).value();
  const auto decoded = decode_alternative_names(encoded);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(to_text((*decoded)[i]), to_text(names[i]));
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_FALSE(decode_alternative_names(encoded.substr(0, length))) << length;
  }
}

TEST(AlternativeNames, OtherFormsAreKeptAsWhatTheyAre) {
  // registeredID, directoryName
  const auto decoded = decode_alternative_names(hex_decode("300788022a03a4013000").value().substr(0, 9));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ(to_text((*decoded)[0]), "other:form 8");
  EXPECT_EQ(to_text((*decoded)[1]), "other:form 4");
}

TEST(AlternativeNames, WrongDerIsRefused) {
  for (const char* wrong : {
           "", "3100",
           "30028201",        // cut
           "30058703010203",  // an address of three octets
           "300587030102",    // cut
           "30028700",        // an address of none
           "30028200",        // no name at all
           "300482026100",    // a NUL behind the name
           "3004820261200a",  // trailing
           "30048202c3a9",    // not ASCII
           "3004820a6120",    // length beyond
           "300581036120"
           "62",  // a space
       }) {
    EXPECT_FALSE(decode_alternative_names(hex_decode(wrong).value())) << wrong;
  }
  EXPECT_TRUE(decode_alternative_names(hex_decode("3000").value()).value().empty());
}

}  // namespace
}  // namespace lockstep::x509
