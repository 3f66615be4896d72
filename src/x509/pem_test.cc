// PEM, and the one object that a file is to hold.
#include "x509/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "x509/pem_input.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string{c};
  return out;
}

std::string block(std::string_view label, std::string_view body) {
  return "-----BEGIN " + std::string(label) + "-----\n" + std::string(body) + "\n-----END " + std::string(label) +
         "-----\n";
}

std::string error_of(std::string_view text) {
  const auto parsed = parse_pem(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, ErrorCode::parse_error);
  return parsed.error().message;
}

TEST(Pem, WritesLinesOf64Characters) {
  EXPECT_EQ(encode_pem("X", "abc"), "-----BEGIN X-----\nYWJj\n-----END X-----\n");
  EXPECT_EQ(encode_pem("X", ""), "-----BEGIN X-----\n-----END X-----\n");
  EXPECT_EQ(encode_pem("X", std::string(48, 'a')).size(),
            std::string("-----BEGIN X-----\n-----END X-----\n").size() + 65);
  EXPECT_EQ(encode_pem("X", std::string(49, 'a')).size(),
            std::string("-----BEGIN X-----\n-----END X-----\n").size() + 65 + 5);
}

TEST(Pem, RandomBytesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::size_t length = 0; length < 300; ++length) {
    std::string bytes(length, '\0');
    for (char& c : bytes) c = static_cast<char>(random() & 0xffU);
    const std::string text = encode_pem("CERTIFICATE", bytes);
    for (const std::string& form : {text, with_crlf(text)}) {
      const auto blocks = parse_pem(form);
      ASSERT_TRUE(blocks) << length;
      ASSERT_EQ(blocks->size(), 1U);
      EXPECT_EQ(blocks->front().label, "CERTIFICATE");
      EXPECT_EQ(blocks->front().der, bytes);
    }
  }
}

TEST(Pem, TextBetweenBlocksIsIgnored) {
  const auto blocks = parse_pem("subject=CN = a\n\n" + encode_pem("A", "1") + "junk: \xff\n" + encode_pem("B C", "22") +
                                "----- the end\n");
  ASSERT_TRUE(blocks);
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[0].label, "A");
  EXPECT_EQ((*blocks)[0].der, "1");
  EXPECT_EQ((*blocks)[1].label, "B C");
  EXPECT_EQ((*blocks)[1].der, "22");
  EXPECT_TRUE(parse_pem("").value().empty());
  EXPECT_TRUE(parse_pem("nothing here").value().empty());
}

TEST(Pem, BrokenBlocksAreRefused) {
  EXPECT_THAT(error_of("-----BEGIN X-----\nYWJj\n"), HasSubstr("'X' has no END line"));
  EXPECT_THAT(error_of("-----BEGIN X-----\nYWJj\n-----END Y-----\n"), HasSubstr("'X' has no END line"));
  EXPECT_THAT(error_of("-----BEGIN X"), HasSubstr("BEGIN line that does not end"));
  EXPECT_THAT(error_of("-----BEGIN " + std::string(100, 'x') + "-----\n"), HasSubstr("BEGIN line"));
  EXPECT_THAT(error_of(block("X", "YWJj!")), HasSubstr("not Base64"));
  EXPECT_THAT(error_of(block("X", "YWJ")), HasSubstr("wrong length"));
  EXPECT_THAT(error_of(block("X", "YW=j")), HasSubstr("wrong length"));
  EXPECT_THAT(error_of(block("X", "====")), HasSubstr("wrong length"));
  EXPECT_THAT(error_of(block("X", "Y===")), HasSubstr("wrong length"));
  EXPECT_THAT(error_of(block("X", "YW==YWJj")), HasSubstr("wrong length"));
  EXPECT_THAT(error_of(block("X", "YWJ\xff")), HasSubstr("not Base64"));
  EXPECT_THAT(error_of("-----BEGIN X-----\nYWJj\n" + block("X", "YWJj")), HasSubstr("not Base64"));
}

TEST(Pem, EveryTruncationIsRefusedOrHasNoBlock) {
  const std::string text = encode_pem("CERTIFICATE", std::string(100, 'c'));
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    const auto blocks = parse_pem(text.substr(0, length));
    EXPECT_TRUE(!blocks || blocks->empty()) << length;
  }
}

TEST(Pem, BlocksAreLimited) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += encode_pem("X", "a");
  EXPECT_EQ(parse_pem(text).value().size(), 64U);
  EXPECT_EQ(parse_pem(text + encode_pem("X", "a")).error().code, ErrorCode::too_large);
  EXPECT_EQ(parse_pem(text, 63).error().code, ErrorCode::too_large);
}

TEST(Pem, HugeInputsAreReadInOneGo) {
  const std::string large(4U << 20U, 'x');
  EXPECT_EQ(parse_pem(encode_pem("X", large)).value().front().der, large);
  EXPECT_TRUE(parse_pem(std::string(8U << 20U, '-')).value().empty());
  std::string begins;
  for (int i = 0; i < 200'000; ++i) begins += "-----BEGIN X-----\n";
  EXPECT_FALSE(parse_pem(begins));
}

TEST(Pem, HeadersOfOldKeysDoNotGetInTheWay) {
  const auto blocks = parse_pem(block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nYWJj"));
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->front().label, "RSA PRIVATE KEY");
  EXPECT_EQ(blocks->front().der, "abc");
}

Result<std::string> certificate_in(std::string_view text) {
  return single_der(text, {kPemCertificate, "certificate", "file.pem"});
}

std::string input_error(std::string_view text) {
  const auto der = certificate_in(text);
  EXPECT_FALSE(der) << text;
  if (der) return {};
  EXPECT_EQ(der.error().code, ErrorCode::parse_error);
  EXPECT_THAT(der.error().message, StartsWith("failed to parse certificate from file.pem: "));
  return der.error().message;
}

TEST(PemInput, OneObjectInEitherForm) {
  const std::string der("\x30\x01x", 3);
  EXPECT_EQ(certificate_in(encode_pem(kPemCertificate, der)).value(), der);
  EXPECT_EQ(certificate_in(der).value(), der);
  EXPECT_EQ(certificate_in(with_crlf("comment\n" + encode_pem(kPemCertificate, der))).value(), der);
  // A key beside it is no harm.
  EXPECT_EQ(certificate_in(encode_pem(kPemPrivateKey, "k") + encode_pem(kPemCertificate, der)).value(), der);
}

TEST(PemInput, TextBeforeTheBlockMayBeginWithADigit) {
  const std::string der("\x30\x01x", 3);
  EXPECT_EQ(certificate_in("0 s:CN = a\n" + encode_pem(kPemCertificate, der)).value(), der);
}

TEST(PemInput, ErrorsSayWhatItIsInstead) {
  EXPECT_THAT(input_error(""), HasSubstr("it is empty"));
  EXPECT_THAT(input_error("junk"), HasSubstr("neither PEM nor DER"));
  EXPECT_THAT(input_error(std::string(100, '\0')), HasSubstr("neither PEM nor DER"));
  EXPECT_THAT(input_error(encode_pem(kPemRequest, "x")), HasSubstr("holds a certificate request, not a certificate"));
  EXPECT_THAT(input_error(encode_pem(kPemCrl, "x")), HasSubstr("holds a CRL"));
  EXPECT_THAT(input_error(encode_pem("EC PRIVATE KEY", "x")), HasSubstr("holds a private key"));
  EXPECT_THAT(input_error(encode_pem("ENCRYPTED PRIVATE KEY", "x")), HasSubstr("holds a private key"));
  EXPECT_THAT(input_error(encode_pem("A\x1b[2J", "x")), HasSubstr("holds a 'A?[2J'"));
  EXPECT_THAT(input_error(encode_pem(kPemCertificate, "x") + encode_pem(kPemCertificate, "x")),
              HasSubstr("holds 2 of them"));
  EXPECT_THAT(input_error("-----BEGIN CERTIFICATE-----\nYWJj\n"), HasSubstr("no END line"));
}

TEST(PemInput, ASynonymIsTheSameThing) {
  const ExpectedInput expected{kPemRequest, "request", "r", "NEW CERTIFICATE REQUEST"};
  EXPECT_EQ(single_der(encode_pem("NEW CERTIFICATE REQUEST", "x"), expected).value(), "x");
  EXPECT_THAT(single_der(encode_pem(kPemCertificate, "x"), expected).error().message,
              HasSubstr("failed to parse CSR from r: it holds a certificate, not a request"));
}

}  // namespace
}  // namespace lockstep::x509
