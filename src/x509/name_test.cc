// Names: RFC 4514 text and DER, both ways.
#include "x509/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/hex.h"
#include "crypto/der.h"
#include "x509/name_text.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;

std::string text_of(std::string_view text) {
  const auto name = Name::parse_text(text);
  EXPECT_TRUE(name) << text << ": " << name.error().message;
  return name ? name->to_text() : std::string();
}

std::string error_of(std::string_view text) {
  const auto name = Name::parse_text(text);
  EXPECT_FALSE(name) << text;
  if (name) return {};
  EXPECT_EQ(name.error().code, ErrorCode::invalid_argument);
  return name.error().message;
}

// The text of a name with one CN of that DER string.
std::string text_of_value(std::uint8_t tag, std::string_view content) {
  const std::string attribute =
      der::encode(der::kSequence,
                  {der::encode(der::kObjectId, der::encode_object_id("2.5.4.3").value()), der::encode(tag, content)});
  const auto text = name_to_text(der::encode(der::kSequence, der::encode(der::kSet, attribute)));
  EXPECT_TRUE(text);
  return text ? *text : std::string();
}

TEST(NameText, TheOrderAsWrittenIsTheOrderInDer) {
  const auto name = Name::parse_text("CN=api,O=Ex");
  ASSERT_TRUE(name);
  EXPECT_EQ(hex_encode(name->der()),
            "301b"
            "310c300a06035504030c03617069"
            "310b3009060355040a0c024578");
  EXPECT_EQ(name->to_text(), "CN=api,O=Ex");
}

TEST(NameText, TextThatStaysAsItIs) {
  for (const char* text : {
           "CN=api.example.com",
           "CN=a,O=b,OU=c,L=d,ST=e,C=DE,STREET=f,DC=g,UID=h",
           "emailAddress=a@b.example,CN=x",
           "serialNumber=0123-AB",
           "CN=a+OU=b,O=c",
           "CN=with space inside",
           "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h",
           "CN=\\#begins",
           "CN=in#side",
           "CN=a=b",
           "CN=\\ edges\\ ",
           "CN=\\ ",
           "CN=\\0a\\0d\\1b",
           "CN=caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91",
           "1.2.3.4=#0c0161",
       }) {
    EXPECT_EQ(text_of(text), text);
  }
}

TEST(NameText, WaysOfWritingTheSame) {
  EXPECT_EQ(text_of("cn=a,o=b"), "CN=a,O=b");
  EXPECT_EQ(text_of("EMAILADDRESS=a@b"), "emailAddress=a@b");
  EXPECT_EQ(text_of("2.5.4.3=a"), "CN=a");
  EXPECT_EQ(text_of(" CN = a , O = b "), "CN=a,O=b");
  EXPECT_EQ(text_of("CN=caf\\c3\\A9"), "CN=caf\xc3\xa9");
  EXPECT_EQ(text_of("CN=\\41"), "CN=A");
  EXPECT_EQ(text_of("CN=a\\20"), "CN=a\\ ");
  EXPECT_EQ(text_of("CN=a\\=b"), "CN=a=b");
  EXPECT_EQ(text_of("CN=#0c0568656c6c6f"), "CN=hello");
  EXPECT_EQ(text_of("1.2.3.4=a"), "1.2.3.4=#0c0161");
}

TEST(NameText, PartsOfOneSetStandInDerOrder) {
  const auto one = Name::parse_text("CN=a+OU=b");
  const auto other = Name::parse_text("OU=b+CN=a");
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->der(), other->der());
}

TEST(NameText, TheEmptyName) {
  for (const char* text : {"", "   "}) {
    const auto name = Name::parse_text(text);
    ASSERT_TRUE(name);
    EXPECT_TRUE(name->empty());
    EXPECT_EQ(hex_encode(name->der()), "3000");
  }
  EXPECT_EQ(Name().der(), Name::parse_der(std::string("\x30\x00", 2)).value().der());
}

TEST(NameText, ErrorsSayWhatAndWhere) {
  EXPECT_THAT(error_of("api.example.com"), HasSubstr("'=' is missing (at character 1)"));
  EXPECT_THAT(error_of("CN=a,,O=b"), HasSubstr("at character 6"));
  EXPECT_THAT(error_of("CN=a,"), HasSubstr("'=' is missing"));
  EXPECT_THAT(error_of("CN=a,Q=b"), HasSubstr("unknown attribute 'Q'"));
  EXPECT_THAT(error_of("=a"), HasSubstr("unknown attribute ''"));
  EXPECT_THAT(error_of("CN="), HasSubstr("CN is empty"));
  EXPECT_THAT(error_of("CN=a,O=  ,C=DE"), HasSubstr("O is empty"));
  EXPECT_THAT(error_of("CN=a\"b"), HasSubstr("'\"' needs a backslash"));
  EXPECT_THAT(error_of("CN=a;O=b"), HasSubstr("';' needs a backslash"));
  EXPECT_THAT(error_of("CN=<a>"), HasSubstr("'<' needs a backslash"));
  EXPECT_THAT(error_of("CN=a\\"), HasSubstr("nothing follows the backslash"));
  EXPECT_THAT(error_of("CN=a\\x"), HasSubstr("a backslash needs"));
  EXPECT_THAT(error_of("CN=a\\4"), HasSubstr("a backslash needs"));
  EXPECT_THAT(error_of("CN=\\ff"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error_of("CN=\xc3"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error_of("CN=a\\00"), HasSubstr("NUL"));
  EXPECT_THAT(error_of("CN=#"), HasSubstr("not a value in DER"));
  EXPECT_THAT(error_of("CN=#0c"), HasSubstr("not a value in DER"));
  EXPECT_THAT(error_of("CN=#0c0261"), HasSubstr("not a value in DER"));
  EXPECT_THAT(error_of("CN=#0c016161"), HasSubstr("not a value in DER"));
  EXPECT_THAT(error_of("CN=#zz"), HasSubstr("not a value in DER"));
  EXPECT_THAT(error_of("1.2.=a"), HasSubstr("1.2."));
  EXPECT_THAT(error_of("9.9.9=a"), HasSubstr("9.9.9"));
}

TEST(NameText, CharactersThatAnAttributeMayNotHave) {
  EXPECT_THAT(error_of("C=D"), HasSubstr("two letters"));
  EXPECT_THAT(error_of("C=D\xc3\x89"), HasSubstr("C may only have"));
  EXPECT_THAT(error_of("serialNumber=a_b"), HasSubstr("serialNumber may only have"));
  EXPECT_THAT(error_of("DC=caf\xc3\xa9"), HasSubstr("DC must be ASCII"));
  EXPECT_THAT(error_of("emailAddress=\xc3\xa9@b"), HasSubstr("emailAddress must be ASCII"));
}

TEST(NameText, LengthsCountCharactersAndNotBytes) {
  std::string accented;
  for (int i = 0; i < 64; ++i) accented += "\xc3\xa9";
  EXPECT_EQ(text_of("CN=" + accented), "CN=" + accented);
  EXPECT_THAT(error_of("CN=" + accented + "x"), HasSubstr("CN has more than 64 characters"));
  text_of("L=" + std::string(128, 'l'));
  EXPECT_THAT(error_of("L=" + std::string(129, 'l')), HasSubstr("128"));
  EXPECT_THAT(error_of("C=DEU"), HasSubstr("2 characters"));
  EXPECT_THAT(error_of("1.2.3=" + std::string(5000, 'x')), HasSubstr("4096 bytes"));
}

TEST(NameDer, StringsOfOtherTools) {
  EXPECT_EQ(text_of_value(der::kPrintableString, "abc"), "CN=abc");
  EXPECT_EQ(text_of_value(der::kTeletexString, "caf\xe9"), "CN=caf\xc3\xa9");
  EXPECT_EQ(text_of_value(der::kBmpString, hex_decode("00e920ac").value()), "CN=\xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(text_of_value(der::kUniversalString, hex_decode("0001f511").value()), "CN=\xf0\x9f\x94\x91");
}

TEST(NameDer, WhatIsNoTextIsShownInHex) {
  EXPECT_EQ(text_of_value(der::kBmpString, "abc"), "CN=#1e03616263");                     // odd
  EXPECT_EQ(text_of_value(der::kBmpString, hex_decode("d800").value()), "CN=#1e02d800");  // a lone surrogate
  EXPECT_EQ(text_of_value(der::kUtf8String, "\xc0\xaf"), "CN=#0c02c0af");                 // overlong
  EXPECT_EQ(text_of_value(der::kIa5String, "\xe9"), "CN=#1601e9");                        // not ASCII
  EXPECT_EQ(text_of_value(der::kUtf8String, ""), "CN=#0c00");                             // would be no text
  EXPECT_EQ(text_of_value(der::kInteger, "\x05"), "CN=#020105");                          // no string
  EXPECT_EQ(text_of_value(der::kUniversalString, hex_decode("00110000").value()), "CN=#1c0400110000");
}

TEST(NameDer, ControlCharactersDoNotReachATerminal) {
  EXPECT_EQ(text_of_value(der::kUtf8String, "a\x1b[2Jb\n\x7f"), "CN=a\\1b[2Jb\\0a\\7f");
  EXPECT_EQ(text_of_value(der::kUtf8String,
                          "a\xc2\x9b"
                          "b"),
            "CN=a\\c2\\9bb");
  EXPECT_EQ(text_of_value(der::kTeletexString, "\x9b"), "CN=\\c2\\9b");
  EXPECT_EQ(text_of_value(der::kUtf8String, std::string_view("a\0b", 3)), "CN=a\\00b");
}

TEST(NameDer, WrongShapesAreRefused) {
  for (const char* wrong :
       {"", "30", "3100", "300100", "3002", "30023000", "30023100", "300431023000", "300731053003060155",
        "30093107300506015504ff", "3000aa", "300e310c300a06038055030c03617069", "300f310d300b06035504030c0361706900"}) {
    EXPECT_FALSE(Name::parse_der(hex_decode(wrong).value())) << wrong;
  }
  const std::string large = der::encode(der::kSequence, std::string(70000, 'x'));
  EXPECT_EQ(Name::parse_der(large).error().code, ErrorCode::too_large);
}

TEST(NameDer, EveryTruncationIsRefused) {
  const std::string whole = Name::parse_text("CN=a+OU=b,O=Example,C=DE").value().der();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(Name::parse_der(whole.substr(0, length))) << length;
  }
}

TEST(NameDer, BitFlipsAreRefusedOrGiveASafeText) {
  const Name name = Name::parse_text("CN=a+OU=b,O=Example,C=DE").value();
  for (std::size_t bit = 0; bit < name.der().size() * 8; ++bit) {
    std::string flipped = name.der();
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = Name::parse_der(flipped);
    if (!parsed) continue;
    EXPECT_NE(parsed->to_text() + parsed->der(), name.to_text() + name.der());
    EXPECT_TRUE(utf8_length(parsed->to_text())) << "bit " << bit;
    for (const char c : parsed->to_text()) EXPECT_FALSE(c >= 0 && c < 0x20) << "bit " << bit;
  }
}

TEST(NameText, RandomValuesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string_view characters = " ,+\"\\<>;=#aB\t\n\x01\x7f/";
  for (int round = 0; round < 2000; ++round) {
    std::string value(1 + random() % 20, '\0');
    for (char& c : value) c = characters[random() % characters.size()];
    const std::string text = text_of_value(der::kUtf8String, value);
    const auto again = Name::parse_text(text);
    ASSERT_TRUE(again) << text << ": " << again.error().message;
    EXPECT_EQ(again->to_text(), text);
    EXPECT_THAT(again->der(), HasSubstr(der::encode(der::kUtf8String, value)));
    EXPECT_EQ(text.find_first_of("\n\t\x01\x7f"), std::string::npos);
  }
}

TEST(NameText, RandomTextNeverBreaksTheParser) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string_view characters = "CNO=,+\\#\" ;0a1.\xc3\xa9";
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 16, '\0');
    for (char& c : text) c = characters[random() % characters.size()];
    const auto name = Name::parse_text(text);
    if (!name) continue;
    const auto again = Name::parse_text(name->to_text());
    ASSERT_TRUE(again) << text << " -> " << name->to_text();
    EXPECT_EQ(again->der(), name->der()) << text;
  }
}

TEST(Utf8, LengthsAndRefusals) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91"), 4U);
  for (const char* wrong : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "a\xc3z"}) {
    EXPECT_FALSE(utf8_length(wrong)) << hex_encode(wrong);
  }
}

}  // namespace
}  // namespace lockstep::x509
