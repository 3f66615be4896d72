#include "acme/objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/order.h"
#include "base/hex.h"

namespace lockstep::acme {
namespace {

using ::testing::HasSubstr;

constexpr const char* kDirectory = R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o",
  "revokeCert":"https://ca/r","keyChange":"https://ca/k","renewalInfo":"https://ca/ari","other":{"x":[1]},
  "meta":{"termsOfService":"https://ca/tos","externalAccountRequired":true,"profiles":{"classic":"as ever","short":"six days"}}})";

TEST(AcmeDirectory, EverythingInIt) {
  const Directory directory = parse_directory(kDirectory, {}).value();
  EXPECT_EQ(directory.new_order, "https://ca/o");
  EXPECT_EQ(directory.renewal_info, "https://ca/ari");
  EXPECT_TRUE(directory.external_account_required);
  EXPECT_EQ(directory.terms_of_service, "https://ca/tos");
  EXPECT_EQ(directory.profiles.at("short"), "six days");
}

TEST(AcmeDirectory, WhatIsNone) {
  const char* const bodies[] = {
      "",
      "[]",
      "null",
      "<html>",
      R"({"newNonce":"https://ca/n"})",
      R"({"newNonce":1,"newAccount":"https://ca/a","newOrder":"https://ca/o"})",
      R"({"newNonce":"http://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o"})",
      R"({"newNonce":"https://ca/n","newNonce":"https://ca/m","newAccount":"https://ca/a","newOrder":"https://ca/o"})",
      R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o","meta":[]})"};
  for (const char* body : bodies) {
    const auto directory = parse_directory(body, {});
    ASSERT_FALSE(directory.has_value()) << body;
    EXPECT_EQ(directory.error().code, ErrorCode::acme_bad_answer) << body;
  }
}

TEST(AcmeDirectory, WhatIsShownAndKeptOfItIsBounded) {
  std::string profiles;
  for (int i = 0; i < 1000; ++i) profiles += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\":\"x\"";
  const std::string body =
      R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o","meta":{"termsOfService":)"
      R"("https://ca/tos\u001b[2Jgone","profiles":{")" +
      std::string(300, 'n') + R"(":"long",)" + profiles + "}}}";
  const Directory directory = parse_directory(body, {}).value();
  EXPECT_EQ(directory.terms_of_service, "https://ca/tos [2Jgone");
  EXPECT_EQ(directory.profiles.size(), 64U);
  for (const auto& [name, description] : directory.profiles) EXPECT_LT(name.size(), 300U);
}

TEST(AcmeOrder, WordsWithControlCharactersAreNoWords) {
  EXPECT_FALSE(parse_account(R"({"status":"valid\u001b[31m"})").has_value());
  EXPECT_FALSE(
      parse_authorization(R"({"status":"pending","identifier":{"type":"dns","value":"a\nb"},"challenges":[]})", {})
          .has_value());
}

TEST(AcmeProblem, AThousandPartsAreOneLineThatCanBeKept) {
  std::string parts;
  for (int i = 0; i < 1000; ++i)
    parts += std::string(i == 0 ? "" : ",") + R"({"detail":")" + std::string(500, 'x') + "\"}";
  const Problem problem = parse_problem(R"({"detail":"no","subproblems":[)" + parts + "]}", 400);
  EXPECT_LT(problem.text().size(), 8192U);
  EXPECT_THAT(problem.text(), HasSubstr("; and 992 more"));
}

TEST(AcmeOrder, AnOrderAndItsParts) {
  const Order order =
      parse_order(
          R"({"status":"pending","identifiers":[{"type":"dns","value":"*.a.example"},{"type":"ip","value":"192.0.2.1"}],
    "authorizations":["https://ca/z/1","https://ca/z/2"],"finalize":"https://ca/f","expires":"2026-01-01T00:00:00Z"})",
          {})
          .value();
  EXPECT_EQ(order.status, OrderStatus::pending);
  EXPECT_EQ(order.identifiers[0].value, "*.a.example");
  EXPECT_EQ(order.identifiers[1].type, IdentifierType::ip);
  EXPECT_EQ(order.authorizations.size(), 2U);
  EXPECT_FALSE(parse_order(R"({"status":"valid","identifiers":[],"authorizations":[],"finalize":"https://ca/f"})", {})
                   .has_value())
      << "valid, and no certificate";
  EXPECT_FALSE(parse_order(R"({"status":"odd","identifiers":[],"authorizations":[],"finalize":"https://ca/f"})", {})
                   .has_value());
  EXPECT_FALSE(
      parse_order(R"({"status":"ready","identifiers":[],"authorizations":["http://ca/z"],"finalize":"https://ca/f"})",
                  {})
          .has_value());
}

// A token becomes a file's name: nothing but its alphabet is taken.
TEST(AcmeAuthorization, TokensAreOfTheirAlphabet) {
  const auto with = [](const std::string& token) {
    return parse_authorization(R"({"status":"pending","identifier":{"type":"dns","value":"a.example"},"challenges":[
      {"type":"http-01","url":"https://ca/c","status":"pending","token":")" +
                                   token + "\"}]}",
                               {});
  };
  EXPECT_TRUE(with("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0").has_value());
  for (const char* token : {"../../etc/passwd", "a/b", "a.b", "a b", "a\\n"})
    EXPECT_FALSE(with(token).has_value()) << token;
  EXPECT_FALSE(with(std::string(600, 'a')).has_value());
}

TEST(AcmeProblem, EveryTypeOfRfc8555HasItsMeaning) {
  const std::pair<const char*, ErrorCode> types[] = {{"accountDoesNotExist", ErrorCode::acme_account_unknown},
                                                     {"alreadyRevoked", ErrorCode::already_revoked},
                                                     {"badCSR", ErrorCode::acme_refused},
                                                     {"badNonce", ErrorCode::acme_unavailable},
                                                     {"badPublicKey", ErrorCode::acme_refused},
                                                     {"badRevocationReason", ErrorCode::acme_refused},
                                                     {"badSignatureAlgorithm", ErrorCode::acme_refused},
                                                     {"caa", ErrorCode::challenge_failed},
                                                     {"compound", ErrorCode::acme_refused},
                                                     {"connection", ErrorCode::challenge_failed},
                                                     {"dns", ErrorCode::challenge_failed},
                                                     {"externalAccountRequired", ErrorCode::acme_refused},
                                                     {"incorrectResponse", ErrorCode::challenge_failed},
                                                     {"invalidContact", ErrorCode::acme_refused},
                                                     {"malformed", ErrorCode::acme_refused},
                                                     {"orderNotReady", ErrorCode::acme_unavailable},
                                                     {"rateLimited", ErrorCode::acme_rate_limited},
                                                     {"rejectedIdentifier", ErrorCode::acme_refused},
                                                     {"serverInternal", ErrorCode::acme_unavailable},
                                                     {"tls", ErrorCode::challenge_failed},
                                                     {"unauthorized", ErrorCode::acme_refused},
                                                     {"unsupportedContact", ErrorCode::acme_refused},
                                                     {"unsupportedIdentifier", ErrorCode::acme_refused},
                                                     {"userActionRequired", ErrorCode::acme_refused}};
  for (const auto& [type, code] : types) {
    const Problem problem =
        parse_problem(std::string(R"({"type":"urn:ietf:params:acme:error:)") + type + R"(","detail":"why"})", 400);
    const Error error = problem_error(problem, "cannot do it");
    EXPECT_EQ(error.code, code) << type;
    EXPECT_THAT(error.message, HasSubstr("cannot do it: why (" + std::string(type) + ")"));
  }
}

TEST(AcmeProblem, WhateverAServerSends) {
  EXPECT_EQ(problem_error(parse_problem("<html>busy</html>", 503), "x").code, ErrorCode::acme_unavailable);
  EXPECT_EQ(problem_error(parse_problem("", 404), "x").code, ErrorCode::acme_order_lost);
  EXPECT_EQ(problem_error(parse_problem("[1]", 403), "x").code, ErrorCode::acme_refused);
  const Problem problem = parse_problem(
      R"({"type":"about:blank","detail":"a\u0007\nb","subproblems":[{"type":"urn:ietf:params:acme:error:caa",
    "detail":"no","identifier":{"type":"dns","value":"a.example"}},7]})",
      400);
  EXPECT_EQ(problem.text(), "a  b (about:blank); a.example: no");
}

TEST(AcmeProblem, HowLongToWaitIsKept) {
  http::Response response{.status = 429,
                          .headers = {{"retry-after", "3600"}},
                          .body = R"({"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"})"};
  const Error error = answer_error(response, "cannot place the order", 1'772'366'400);
  EXPECT_EQ(error.code, ErrorCode::acme_rate_limited);
  EXPECT_EQ(error.retry_after, 3600);
  EXPECT_THAT(error.hint, HasSubstr("2026-03-01T13:00:00Z"));
  response.status = 302;
  EXPECT_EQ(answer_error(response, "x", 0).code, ErrorCode::acme_bad_answer);
}

TEST(RenewalInformation, AWindowThatEndsBeforeItBeginsIsNone) {
  const auto window = [](const char* start, const char* end) {
    return parse_renewal_info(std::string(R"({"suggestedWindow":{"start":")") + start + R"(","end":")" + end + "\"}}")
        .value();
  };
  const auto good = window("2026-01-02T04:00:00.5Z", "2026-01-03T04:00:00+01:00");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(format_rfc3339(good->end), "2026-01-03T03:00:00Z");
  EXPECT_FALSE(window("2026-01-02T04:00:00Z", "2026-01-02T04:00:00Z").has_value());
  EXPECT_FALSE(window("2026-01-03T04:00:00Z", "2026-01-02T04:00:00Z").has_value());
  EXPECT_FALSE(parse_renewal_info("{}").has_value());
}

// It is kept in the certificate's state, which could not be read again.
TEST(RenewalInformation, AWindowThatCannotBeWrittenDownIsNoAnswer) {
  for (const char* start : {"0000-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z", "1969-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_renewal_info(std::string(R"({"suggestedWindow":{"start":")") + start +
                                    R"(","end":"2026-01-03T04:00:00Z"}})")
                     .has_value());
  }
  EXPECT_FALSE(
      parse_renewal_info(R"({"suggestedWindow":{"start":"2026-01-03T04:00:00Z","end":"9999-12-31T23:59:59-23:59"}})")
          .has_value());
}

// The example of RFC 9773 section 4.1.
TEST(RenewalInformation, IdentifierOfACertificate) {
  x509::Certificate certificate;
  certificate.serial = "008765";
  certificate.serial = "8765";
  certificate.authority_key_id = hex_decode("69885b6b8746402341b3e1c6e3e7b6a1d5a4b1b0").value();
  const std::string identifier = renewal_identifier(certificate);
  EXPECT_EQ(identifier.substr(identifier.find('.') + 1), "AIdl") << "the serial's leading zero octet is part of it";
  certificate.serial = "0123";
  EXPECT_EQ(renewal_identifier(certificate).substr(28), "ASM");
  certificate.authority_key_id.clear();
  EXPECT_EQ(renewal_identifier(certificate), "");
}

TEST(Revocation, Reasons) {
  EXPECT_EQ(revocation_reason("keyCompromise").value(), 1);
  EXPECT_EQ(revocation_reason("cessationOfOperation").value(), 5);
  EXPECT_THAT(revocation_reason("cACompromise").error().hint, HasSubstr("keyCompromise"));
}

}  // namespace
}  // namespace lockstep::acme
