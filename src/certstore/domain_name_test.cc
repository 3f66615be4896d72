// The names that a certificate folder may have: no text may ever lead out of the folder of folders.
#include "certstore/domain_name.h"

#include <gtest/gtest.h>

namespace lockstep::certstore {
namespace {

TEST(DomainName, AcceptsNamesWildcardsAndAddressesInOneForm) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(longest.size(), 253U);
  const std::pair<std::string, std::string> cases[] = {
      {"localhost", "localhost"},
      {"API.Example.COM", "api.example.com"},
      {"*.Example.com", "*.example.com"},
      {"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
      {"a1.2b.c-d", "a1.2b.c-d"},
      {"1.example", "1.example"},
      {"192.0.2.1", "192.0.2.1"},
      {"2001:DB8:0:0::1", "2001:db8::1"},
      {"::1", "::1"},
      {"abc.def", "abc.def"},  // hexadecimal digits and dots, and still a name
      {longest, longest},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_domain(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, expected);
  }
}

TEST(DomainName, RefusesEverythingElseAndShowsNoControlCharacters) {
  const std::string long_label(64, 'a');
  const std::string long_name =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(62, 'd');
  ASSERT_EQ(long_name.size(), 254U);
  for (const std::string& text : {std::string(),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("../x"),
                                  std::string("a/b"),
                                  std::string("/"),
                                  std::string("a..b"),
                                  std::string(".a"),
                                  std::string("a."),
                                  std::string("-a"),
                                  std::string("a-"),
                                  std::string("a.-b"),
                                  std::string("a_b"),
                                  std::string("a b"),
                                  std::string("a\tb"),
                                  std::string("a\nb"),
                                  std::string("a\0b", 3),
                                  std::string("a\x7f"),
                                  std::string("m\xc3\xbcnchen.de"),
                                  std::string("*"),
                                  std::string("*."),
                                  std::string("*.*.a"),
                                  std::string("a.*.b"),
                                  std::string("a*.b"),
                                  std::string("1.2.3"),
                                  std::string("1.2.3.4.5"),
                                  std::string("256.1.1.1"),
                                  std::string("a.1"),
                                  std::string("1"),
                                  std::string(":"),
                                  std::string("1::2::3"),
                                  std::string("::1%eth0"),
                                  std::string("[::1]"),
                                  std::string("01.02.03.04"),
                                  std::string("C:\\x"),
                                  std::string("~"),
                                  std::string("*.192.0.2.1"),
                                  long_label,
                                  long_name,
                                  std::string(100'000, 'a')}) {
    const auto parsed = parse_domain(text);
    ASSERT_FALSE(parsed) << text.substr(0, 100) << " became " << *parsed;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_LT(parsed.error().message.size(), 300U);
    for (const char c : parsed.error().message) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
  }
}

TEST(DomainName, EveryByteIsEitherHarmlessOrRefused) {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    EXPECT_EQ(parse_domain(std::string("ax") + c + "xa.org").has_value(), harmless || c == '.') << value;
  }
}

TEST(DomainName, FolderAndNameLeadToEachOther) {
  for (const char* name : {"localhost", "*.example.com", "192.0.2.1", "2001:db8::1"}) {
    const std::string folder = folder_name(name);
    EXPECT_EQ(folder.find('*'), std::string::npos);
    EXPECT_EQ(domain_of_folder(folder).value(), name);
  }
  EXPECT_EQ(folder_name("*.example.com"), "_wildcard.example.com");
  for (const char* folder : {"", ".", "..", ".hidden", "Localhost", "_wildcard", "_wildcard.", "_wildcard.a/b",
                             "_other.example", "*.example.com", "lost+found", "2001:DB8::1", "a.tmp~"}) {
    EXPECT_FALSE(domain_of_folder(folder)) << folder;
  }
}

}  // namespace
}  // namespace lockstep::certstore
