#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>

#include "http/loopback_fixture.h"

namespace lockstep::http {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr milliseconds kLong{30'000};

std::unique_ptr<Server> serve(Handler handler, const ServerLimits& limits = {.request = kLong}) {
  auto server = Server::listen("127.0.0.1:0", std::move(handler), limits);
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

ServerResponse echo(const ServerRequest& request) {
  return {.body = request.method + " " + request.target + " " + request.host + " " + request.body};
}

std::string ask(std::uint16_t port, std::string_view bytes) {
  const LoopbackClient client(port);
  static_cast<void>(client.send(bytes));  // a server may have said no before it has read everything
  return client.read_to_end();
}

TEST(Server, PassesTheRequestAndWritesTheAnswer) {
  const auto server = serve(echo);
  const std::string answer = ask(server->port(), "GET /a?b=c HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a?b=c me "));
}

TEST(Server, PassesABodyAndTheHandlersStatus) {
  const auto server = serve([](const ServerRequest& request) {
    return ServerResponse{.status = 404, .content_type = "application/json", .body = "[\"" + request.body + "\"]"};
  });
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  const std::string sized = ask(server->port(), head + "Content-Length: 3\r\n\r\nabc");
  EXPECT_THAT(sized, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(sized, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(sized, EndsWith("[\"abc\"]"));
  const std::string chunked =
      ask(server->port(), head + "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n");
  EXPECT_THAT(chunked, EndsWith("[\"def\"]"));
}

TEST(Server, AnswersHeadWithTheLengthAlone) {
  const auto server = serve(echo);
  const std::string answer = ask(server->port(), "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(Server, KeepsTheConnectionForMoreRequests) {
  const auto server = serve(echo);
  const LoopbackClient client(server->port());
  for (const std::string path : {"/1", "/2", "/3"}) {
    ASSERT_TRUE(client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_THAT(client.read_until("GET " + path + " a "), StartsWith("HTTP/1.1 200"));
  }
  // Two at once: answered one after the other.
  ASSERT_TRUE(client.send("GET /4 HTTP/1.1\r\nHost: a\r\n\r\nGET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const std::string both = client.read_to_end();
  EXPECT_THAT(both, HasSubstr("GET /4 a "));
  EXPECT_THAT(both, EndsWith("GET /5 a "));
}

TEST(Server, UnderstandsHttp10AndWholeUrls) {
  const auto server = serve(echo);
  EXPECT_THAT(ask(server->port(), "GET /old HTTP/1.0\r\n\r\n"), EndsWith("GET /old  "));
  const std::string tail = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(ask(server->port(), "GET http://a/p?q" + tail), EndsWith("GET /p?q a "));
  EXPECT_THAT(ask(server->port(), "GET HTTP://a?q" + tail), EndsWith("GET /?q a "));
  EXPECT_THAT(ask(server->port(), "GET http://a" + tail), EndsWith("GET / a "));
}

TEST(Server, RefusesWhatIsNoRequestOfItsKind) {
  const auto server = serve(echo);
  const auto status = [&](std::string_view bytes) { return ask(server->port(), bytes).substr(0, 12); };
  EXPECT_EQ(status("\x16\x03\x01\x02 a TLS greeting\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400");  // no Host
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET ftp://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "HTTP/1.1 405");
  EXPECT_EQ(status("DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "HTTP/1.1 405");
  const std::string both = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n";
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\n" + both + "\r\n0\r\n\r\n"), "HTTP/1.1 400");
}

TEST(Server, PassesEveryHeader) {
  const auto server = serve([](const ServerRequest& request) {
    ServerResponse answer;
    for (const auto& [name, value] : request.headers) answer.body += name + "=" + value + ";";
    answer.body += std::string(request.header("x-b")) + "," + std::string(request.header("X-B")) + ",";
    answer.body += request.header("if-match");
    return answer;
  });
  EXPECT_THAT(
      ask(server->port(),
          "GET / HTTP/1.1\r\nHOST: a\r\nX-B:  One two \r\nConnection: close\r\nx-B: 3\r\nIf-Match: \"v\"\r\n\r\n"),
      EndsWith("\r\n\r\nhost=a;x-b=One two;x-b=3;connection=close;if-match=\"v\";One two,,\"v\""));
}

TEST(Server, AnswersTheMethodsThatItIsToldTo) {
  const auto server = serve(echo, {.request = kLong, .methods = "GET, PUT, DELETE"});
  const std::string tail = " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
  EXPECT_THAT(ask(server->port(), "PUT" + tail), EndsWith("PUT / a x"));
  EXPECT_THAT(ask(server->port(), "DELETE" + tail), EndsWith("DELETE / a x"));
  for (const char* other : {"POST", "HEAD", "put", "GET,", "PUT, DELETE", "PATCH", "P"}) {
    const std::string answer = ask(server->port(), other + tail);
    EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 405 "), StartsWith("HTTP/1.1 400 "))) << other;
    if (answer.starts_with("HTTP/1.1 405 ")) {
      EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, PUT, DELETE\r\n")) << other;
    }
  }
}

TEST(Server, BoundsHeaderAndBody) {
  const auto server = serve(echo, {.header_bytes = 1000, .body_bytes = 1000, .request = kLong});
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  const std::string many(200'000, 'x');
  EXPECT_THAT(ask(server->port(), start + "X: " + many + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(server->port(), "GET /" + many), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(server->port(), start + "Content-Length: 200000\r\n\r\n" + many), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask(server->port(), start + "Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + many),
              StartsWith("HTTP/1.1 413 "));
  const std::string fits(1000, 'y');
  EXPECT_THAT(ask(server->port(), start + "Content-Length: 1000\r\n\r\n" + fits), EndsWith(fits));
}

TEST(Server, SaysThatABodyMayCome) {
  const auto server = serve(echo);
  const LoopbackClient client(server->port());
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n";
  ASSERT_TRUE(client.send(head + "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("ab"));
  EXPECT_THAT(client.read_to_end(), testing::AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("POST /x a ab")));
}

TEST(Server, WhatFollowsAnUnknownEncodingIsNoRequest) {
  const auto server = serve(echo);
  const std::string next = "GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::string answer =
      ask(server->port(), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n" + next);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, Not(HasSubstr("second")));
}

TEST(Server, AnswersAFailingHandlerWithoutItsWords) {
  const auto server = serve([](const ServerRequest&) -> ServerResponse { throw std::runtime_error("the secret"); });
  const std::string answer = ask(server->port(), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
}

// One byte whenever the server is still there: each comes in time, the whole never.
TEST(Server, CutsOffASlowClient) {
  const auto server = serve(echo, {.request = milliseconds(200)});
  const LoopbackClient slow(server->port());
  const LoopbackClient silent(server->port());
  EXPECT_THAT(silent.read_to_end(), IsEmpty());
  bool open = slow.send("GET / HTTP/1.1\r\nX: ");
  while (open) open = slow.send("x") && slow.silent();
  EXPECT_THAT(slow.read_to_end(), IsEmpty());
}

TEST(Server, CutsOffAnIdleConnectionAfterItsAnswer) {
  const auto server = serve(echo, {.request = milliseconds(200)});
  const LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.read_to_end(), EndsWith("GET /first a "));
}

TEST(Server, LetsConnectionsBeyondTheLimitWait) {
  std::mutex order_mutex;
  std::string order;
  const auto server = serve(
      [&](const ServerRequest& request) {
        const std::lock_guard lock(order_mutex);
        order += request.target;
        return echo(request);
      },
      {.connections = 2, .request = kLong});
  LoopbackClient first(server->port());
  LoopbackClient second(server->port());
  // The first keeps its place because another is free when it is answered.
  ASSERT_TRUE(first.send("GET /1 HTTP/1.1\r\nHost: a\r\n"));
  ASSERT_TRUE(second.send("GET /2 HTTP/1.1\r\nHost: a\r\n"));
  const LoopbackClient third(server->port());
  ASSERT_TRUE(third.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  ASSERT_TRUE(first.send("\r\n"));
  EXPECT_THAT(first.read_to_end(), HasSubstr("Connection: close"));  // full: it may not stay
  first.close();
  EXPECT_THAT(third.read_to_end(), EndsWith("GET /3 a "));
  ASSERT_TRUE(second.send("\r\n"));
  EXPECT_THAT(second.read_until("GET /2 a "), StartsWith("HTTP/1.1 200"));
  const std::lock_guard lock(order_mutex);
  EXPECT_EQ(order, "/1/3/2");
}

TEST(Server, StopsWithConnectionsOpen) {
  auto server = serve(echo);
  const LoopbackClient idle(server->port());
  ASSERT_TRUE(idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(idle.read_until("GET / a "), StartsWith("HTTP/1.1 200"));
  const LoopbackClient halfway(server->port());
  ASSERT_TRUE(halfway.send("GET / HT"));
  const std::uint16_t port = server->port();
  server.reset();
  EXPECT_THAT(idle.read_to_end(), IsEmpty());
  EXPECT_THAT(halfway.read_to_end(), IsEmpty());
  // The port is free again at once.
  EXPECT_TRUE(Server::listen("127.0.0.1:" + std::to_string(port), echo));
}

TEST(Server, DrainsWhatHasComeIn) {
  std::promise<Responder> taken;
  auto server = Server::listen_async(ListeningSocket::open("127.0.0.1:0").value(),
                                     [&](const ServerRequest&, Responder respond) {
                                       taken.set_value(std::move(respond));
                                       return ServerResponse{.status = 503};
                                     },
                                     {.request = kLong, .answer = kLong});
  ASSERT_TRUE(server);
  const LoopbackClient client((*server)->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const Responder respond = taken.get_future().get();
  auto drained = std::async(std::launch::async, [&] { (*server)->drain(kLong); });
  EXPECT_EQ(drained.wait_for(milliseconds(50)), std::future_status::timeout);
  EXPECT_TRUE(respond({.body = "late but in order"}));
  EXPECT_EQ(drained.wait_for(kLong), std::future_status::ready);
  EXPECT_THAT(client.read_to_end(), EndsWith("late but in order"));
  (*server)->drain(kLong);  // there is nothing left
}

TEST(Server, SaysThatAPortIsTaken) {
  const auto server = serve(echo);
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = Server::listen(address, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
  EXPECT_THAT(second.error().message, HasSubstr("'" + address + "'"));
  EXPECT_THAT(second.error().hint, HasSubstr("choose another address or port"));
}

TEST(Server, RefusesAddressesThatAreNone) {
  for (const char* bad : {"", ":", "x", "80x", "65536", "-1", "127.0.0.1", "127.0.0.1:", "127.1:80", "localhost:80",
                          "::1:80", "[]:80", "[::1", "[127.0.0.1]:80", "[::1]80", "1.2.3.4:80:80"}) {
    const auto server = Server::listen(bad, echo);
    ASSERT_FALSE(server) << bad;
    EXPECT_EQ(server.error().code, ErrorCode::invalid_argument) << bad;
    EXPECT_THAT(server.error().hint, HasSubstr("ADDRESS:PORT")) << bad;
  }
  const auto elsewhere = Server::listen("192.0.2.1:0", echo);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::invalid_argument);
}

TEST(Server, ListensOnEveryFamilyWhenNoAddressIsGiven) {
  for (const char* everywhere : {":0", "0"}) {
    const auto server = Server::listen(everywhere, echo);
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_THAT(ask((*server)->port(), "GET / HTTP/1.0\r\n\r\n"), EndsWith("GET /  "));
  }
}

bool answers_on_ipv6(std::uint16_t port) {
  const int client = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  const bool connected = ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(client);
  return connected;
}

TEST(Server, ListensOnIpv6) {
  const auto server = Server::listen("[::1]:0", echo);
  if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().message;
  EXPECT_TRUE(answers_on_ipv6((*server)->port()));
  const auto everywhere = Server::listen(":0", echo);
  ASSERT_TRUE(everywhere);
  EXPECT_TRUE(answers_on_ipv6((*everywhere)->port()));
}

}  // namespace
}  // namespace lockstep::http
