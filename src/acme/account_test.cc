// What a CA says of accounts: its address is used for every request after it, and is kept.
#include "acme/account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace lockstep::acme {
namespace {

using ::testing::HasSubstr;

class OneAccount : public http::Client {
 public:
  Result<http::Response> send(const http::Request& request) override {
    const http::Headers nonce = {{"replay-nonce", "n"}};
    if (request.url.ends_with("/dir"))
      return http::Response{
          200, {}, R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o"})"};
    if (request.method == "HEAD") return http::Response{200, nonce, ""};
    http::Response response{201, nonce, R"({"status":"valid"})"};
    if (!location.empty()) response.headers.emplace_back("location", location);
    return response;
  }
  std::string location;
};

TEST(AcmeAccount, ItsAddressIsOneThatMayBeUsed) {
  OneAccount server;
  testing::ManualClock clock;
  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  for (const char* location : {"", "http://ca/1", "/1", "file:///etc/passwd", "https://ca/\x1b[2J"}) {
    server.location = location;
    Session session(server, clock, "https://ca/dir", {});
    const auto account = register_account(session, key, {});
    ASSERT_FALSE(account.has_value()) << location;
    EXPECT_EQ(account.error().code, ErrorCode::acme_bad_answer);
    EXPECT_THAT(account.error().message, HasSubstr("where the account is"));
  }
  server.location = "https://ca/1";
  Session session(server, clock, "https://ca/dir", {});
  EXPECT_EQ(register_account(session, key, {}).value().url, "https://ca/1");
}

}  // namespace
}  // namespace lockstep::acme
