#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "issuing/documents.h"
#include "issuing/rate_limit.h"
#include "testing/authority.h"
#include "x509/pem.h"

namespace lockstep::issuing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

std::string csr_pem() {
  const std::string der =
      x509::make_request(x509::Name::parse_text("CN=pump").value(), {}, testing::make_key()).value();
  return x509::encode_pem(x509::kPemRequest, der);
}

TEST(RateLimit, LetsABurstThroughAndThenTheRate) {
  RateLimit limit(2, 3);
  const milliseconds start{1000};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("a", start));
  EXPECT_EQ(limit.take("a", start), 1);
  EXPECT_FALSE(limit.take("b", start));  // another address
  EXPECT_FALSE(limit.take("a", start + milliseconds(500)));
  EXPECT_TRUE(limit.take("a", start + milliseconds(500)));
  RateLimit slow(0.1, 1);
  EXPECT_FALSE(slow.take("a", start));
  EXPECT_EQ(slow.take("a", start), 10);
  RateLimit none(0, 0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(none.take("a", start));
}

TEST(Documents, ReadAnApplication) {
  const nlohmann::json body = {{"csr", csr_pem()}, {"reason", "enroll"}, {"token", "secret"}, {"name", "pump"}};
  const auto parsed = parse_application(body.dump(), "client");
  ASSERT_TRUE(parsed.application) << parsed.refusal.body;
  EXPECT_EQ(parsed.application->name, "pump");
  EXPECT_EQ(parsed.application->token_hash, "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
  EXPECT_EQ(parsed.application->client_der, "client");
  nlohmann::json renewal = {{"csr", csr_pem()}, {"reason", "proactive"}};
  EXPECT_TRUE(parse_application(renewal.dump(), "client").application);
  renewal["token"] = "x";
  EXPECT_EQ(parse_application(renewal.dump(), "client").refusal.status, 400);
}

TEST(Documents, AnswerEachKind) {
  ca::Answer answer{.kind = ca::Answer::Kind::issued, .id = "i", .serial = 0x1a, .certificate = "PEM"};
  EXPECT_EQ(answer_of(answer).status, 201);
  const auto document = nlohmann::json::parse(answer_of(answer).body);
  EXPECT_EQ(document, (nlohmann::json{
                          {"schema", 1}, {"id", "i"}, {"status", "issued"}, {"serial", "1a"}, {"certificate", "PEM"}}));
  answer.kind = ca::Answer::Kind::repeated;
  EXPECT_EQ(answer_of(answer).status, 200);
  answer.kind = ca::Answer::Kind::not_found;
  EXPECT_EQ(answer_of(answer).status, 404);
  answer.kind = ca::Answer::Kind::refused;
  for (const auto& [kind, status] : {std::pair{ca::RefusalKind::malformed, 400},
                                     {ca::RefusalKind::unauthenticated, 401},
                                     {ca::RefusalKind::forbidden, 403}}) {
    answer.refusal = {kind, "code", "message", "hint"};
    EXPECT_EQ(answer_of(answer).status, status);
    EXPECT_EQ(nlohmann::json::parse(answer_of(answer).body)["error"]["code"], "code");
  }
  EXPECT_EQ(pending_answer("i").status, 202);
  EXPECT_THAT(pending_answer("i").headers, ::testing::Contains(::testing::Pair("Retry-After", "2")));
}

TEST(Documents, AuditLinesAreOneLineWhateverComes) {
  const std::string line = audit_line({.time = testing::kTestTime,
                                       .address = "a",
                                       .client = "CN=\"x\n\xff\"",
                                       .name = std::string(5000, 'n'),
                                       .decision = "refused"});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_LT(line.size(), 2000U);
  EXPECT_EQ(nlohmann::json::parse(line)["decision"], "refused");
  EXPECT_THAT(line, Not(HasSubstr("serial")));
}

}  // namespace
}  // namespace lockstep::issuing
