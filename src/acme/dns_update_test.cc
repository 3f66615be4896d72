// What needs no name server; tests/dns_update_test.py has the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/challenge_fixture.h"
#include "acme/solvers.h"

namespace lockstep::acme {
namespace {

using ::testing::HasSubstr;

constexpr const char* kKey =
    "key \"acme\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWE=\";\n};\n";

DnsUpdateOptions options() {
  DnsUpdateOptions out;
  out.server = "127.0.0.1:1";
  EXPECT_TRUE(read_dns_key(kKey, "key", &out));
  return out;
}

TEST(DnsUpdate, TakesTheKeyOfAFile) {
  const DnsUpdateOptions read = options();
  EXPECT_EQ(read.key_name, "acme");
  EXPECT_EQ(read.algorithm, "hmac-sha256");
  EXPECT_EQ(read.secret.reveal(), "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWE=");
  DnsUpdateOptions bad;
  EXPECT_THAT(read_dns_key("key {", "/etc/acme.key", &bad).error().message, HasSubstr("/etc/acme.key, line 1: "));
}

TEST(DnsUpdate, SaysBeforeAnyOrderWhatIsWrong) {
  testing::ManualClock clock;
  EXPECT_TRUE(make_dns_update(clock, options()));
  DnsUpdateOptions server = options();
  server.server = "a:b";
  EXPECT_EQ(make_dns_update(clock, std::move(server)).error().code, ErrorCode::invalid_argument);
  DnsUpdateOptions key = options();
  key.algorithm = "hmac-md5";
  EXPECT_EQ(make_dns_update(clock, std::move(key)).error().code, ErrorCode::invalid_argument);
}

TEST(DnsUpdate, IsNotForAddresses) {
  testing::ManualClock clock;
  const auto solver = make_dns_update(clock, options());
  ASSERT_TRUE(solver);
  EXPECT_EQ((*solver)->challenge_type(), "dns-01");
  ChallengeTask task = make_task();
  task.type = IdentifierType::ip;
  EXPECT_EQ((*solver)->present(task).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE((*solver)->clean_up(task));
}

}  // namespace
}  // namespace lockstep::acme
