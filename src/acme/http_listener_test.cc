#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "acme/challenge_fixture.h"
#include "acme/solvers.h"
#include "http/loopback_fixture.h"

namespace lockstep::acme {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string get(const std::string& port, const std::string& target, const std::string& method = "GET") {
  const http::LoopbackClient client(static_cast<std::uint16_t>(std::stoi(port)));
  EXPECT_TRUE(client.send(method + " " + target + " HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"));
  return client.read_to_end();
}

TEST(HttpListener, AnswersForAsLongAsTheProofIsThere) {
  const std::string port = free_port();
  const auto solver = make_http_listener("127.0.0.1:" + port);
  ASSERT_TRUE(solver) << solver.error().message;
  EXPECT_EQ((*solver)->challenge_type(), "http-01");
  const ChallengeTask task = make_task();
  const std::string path = "/.well-known/acme-challenge/";
  EXPECT_THAT(get(port, path + task.token), StartsWith("HTTP/1.1 404"));
  ASSERT_TRUE((*solver)->present(task));
  EXPECT_THAT(get(port, path + task.token), EndsWith("\r\n\r\n" + task.key_authorization));
  EXPECT_THAT(get(port, path + task.token), HasSubstr("Content-Type: application/octet-stream\r\n"));
  EXPECT_THAT(get(port, path + task.token + "?x"), EndsWith(task.key_authorization));
  EXPECT_THAT(get(port, path + task.token, "HEAD"), StartsWith("HTTP/1.1 200"));
  for (const std::string& other : {std::string("/"), path, path + "other", path + task.token + "/", "/" + task.token}) {
    EXPECT_THAT(get(port, other), StartsWith("HTTP/1.1 404")) << other;
  }
  EXPECT_THAT(get(port, path + task.token, "POST"), StartsWith("HTTP/1.1 404"));
  ASSERT_TRUE((*solver)->clean_up(make_task("another")));
  EXPECT_THAT(get(port, path + task.token), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE((*solver)->clean_up(task));
  ASSERT_TRUE((*solver)->clean_up(task));
  EXPECT_THAT(get(port, path + task.token), StartsWith("HTTP/1.1 404"));
}

TEST(HttpListener, ServesSeveralOrdersAtOnce) {
  const std::string port = free_port();
  const auto solver = make_http_listener("127.0.0.1:" + port);
  ASSERT_TRUE(solver);
  std::vector<std::jthread> orders;
  for (int order = 0; order < 4; ++order) {
    orders.emplace_back([&, order] {
      for (int round = 0; round < 25; ++round) {
        const ChallengeTask task = make_task("t" + std::to_string(order) + "-" + std::to_string(round));
        EXPECT_TRUE((*solver)->present(task));
        EXPECT_THAT(get(port, "/.well-known/acme-challenge/" + task.token), EndsWith(task.key_authorization));
        EXPECT_TRUE((*solver)->clean_up(task));
      }
    });
  }
}

TEST(HttpListener, SaysBeforeAnyOrderThatThePortIsTaken) {
  const std::string port = free_port();
  const auto first = make_http_listener("127.0.0.1:" + port);
  ASSERT_TRUE(first);
  const auto second = make_http_listener("127.0.0.1:" + port);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
  EXPECT_THAT(second.error().message, StartsWith("http-01: cannot listen on '127.0.0.1:" + port + "'"));
  EXPECT_THAT(second.error().hint, HasSubstr("--webroot DIR"));
}

}  // namespace
}  // namespace lockstep::acme
