// Nonces: kept from every answer, asked for only when there is none, and tried again when the server does not like
// them.
#include "acme/session.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "acme/order.h"
#include "base/base64.h"
#include "testing/authority.h"
#include "testing/manual_clock.h"

namespace lockstep::acme {
namespace {

class Scripted : public http::Client {
 public:
  Result<http::Response> send(const http::Request& request) override {
    if (request.url.ends_with("/dir"))
      return http::Response{
          200, {}, R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o"})"};
    if (request.method == "HEAD") {
      ++asked_for_nonces;
      return http::Response{200, {{"replay-nonce", fresh()}}, ""};
    }
    const auto body = nlohmann::json::parse(request.body);
    const auto header = nlohmann::json::parse(base64url_decode(body.at("protected").get<std::string>()).value());
    nonces.push_back(header.at("nonce").get<std::string>());
    ++posts;
    if (posts <= refused)
      return http::Response{
          400, {{"replay-nonce", fresh()}}, R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"old"})"};
    return http::Response{200, {{"replay-nonce", fresh()}}, "{}"};
  }
  std::string fresh() { return "nonce-" + std::to_string(++made); }

  int refused = 0;
  int posts = 0;
  int asked_for_nonces = 0;
  int made = 0;
  std::vector<std::string> nonces;
};

class Sessions : public ::testing::Test {
 protected:
  Scripted server;
  testing::ManualClock clock;
  Session session{server, clock, "https://ca/dir", {}};
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::ec256).value();
  Signer signer{.key = key, .account_url = "https://ca/acct"};
};

// Answers every download with the same chain and an address for another one that may not be asked for.
class OddAlternate : public http::Client {
 public:
  Result<http::Response> send(const http::Request& request) override {
    EXPECT_TRUE(http::check_url(request.url, false)) << request.url;
    if (request.url.ends_with("/dir"))
      return http::Response{
          200, {}, R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o"})"};
    if (request.method == "HEAD") return http::Response{200, {{"replay-nonce", "n"}}, ""};
    return http::Response{200, {{"replay-nonce", "n"}, {"link", "<https://ca\xd1\x97lt>;rel=\"alternate\""}}, pem};
  }
  std::string pem = x509::to_pem(testing::make_root("CN=Only").certificate);
};

TEST_F(Sessions, AnAlternateChainWhoseAddressMayNotBeUsedIsNone) {
  OddAlternate odd;
  Session with_odd{odd, clock, "https://ca/dir", {}};
  const auto chain = download_certificate(with_odd, signer, "https://ca/cert", "Preferred");
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_EQ(chain->certificates.size(), 1U);
}

TEST_F(Sessions, ANonceIsAskedForOnceAndKeptFromEveryAnswer) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(session.post("https://ca/x", "{}", signer, "x").has_value());
  EXPECT_EQ(server.asked_for_nonces, 1);
  for (std::size_t i = 0; i < server.nonces.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(server.nonces[i], server.nonces[j]);
}

TEST_F(Sessions, ARefusedNonceIsFollowedByTheFreshOne) {
  server.refused = 20;
  ASSERT_TRUE(session.post("https://ca/x", "{}", signer, "x").has_value());
  EXPECT_EQ(server.posts, 21);
  EXPECT_EQ(server.asked_for_nonces, 1);
}

TEST_F(Sessions, AServerThatRefusesEveryNonceIsGivenUp) {
  server.refused = 1'000'000;
  const auto answer = session.post("https://ca/x", "{}", signer, "cannot do it");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::acme_unavailable);
  EXPECT_LT(server.posts, 100);
}

TEST(Servers, NamesAndStaging) {
  EXPECT_EQ(directory_url_of("letsencrypt").value(), "https://acme-v02.api.letsencrypt.org/directory");
  EXPECT_EQ(directory_url_of("https://ca.internal/dir").value(), "https://ca.internal/dir");
  EXPECT_FALSE(directory_url_of("letsencript").has_value());
  EXPECT_TRUE(staging_of("https://acme-v02.api.letsencrypt.org/directory").has_value());
  EXPECT_FALSE(staging_of("https://ca.internal/dir").has_value());
}

}  // namespace
}  // namespace lockstep::acme
