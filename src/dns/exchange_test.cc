#include "dns/exchange.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/system.h"

namespace lockstep::dns {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(ServerAddress, InEveryForm) {
  const struct {
    const char* text;
    const char* host;
    const char* port;
  } cases[] = {{"192.0.2.1", "192.0.2.1", "53"},
               {"192.0.2.1:5353", "192.0.2.1", "5353"},
               {"[2001:db8::1]:54", "2001:db8::1", "54"},
               {"[2001:db8::1]", "2001:db8::1", "53"},
               {"2001:db8::1", "2001:db8::1", "53"},
               {"ns1.example.com", "ns1.example.com", "53"},
               {"ns1.example.com:54", "ns1.example.com", "54"}};
  for (const auto& each : cases) {
    const auto server = parse_server(each.text);
    ASSERT_TRUE(server) << each.text;
    EXPECT_EQ(server->host, each.host);
    EXPECT_EQ(server->port, each.port);
  }
  for (const char* bad : {"", ":53", "a:", "a:0", "a:65536", "a:5x", "[::1", "[]:53", "a b", "[::1]:x", "a\n"}) {
    const auto server = parse_server(bad);
    ASSERT_FALSE(server) << bad;
    EXPECT_EQ(server.error().code, ErrorCode::invalid_argument);
  }
}

// A server that does with its first connection what the test wants.
class Exchange : public ::testing::Test {
 protected:
  Exchange() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listening_, 8), 0);
    EXPECT_EQ(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    server_ = {"127.0.0.1", std::to_string(ntohs(address.sin_port))};
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override { ::close(listening_); }

  // Reads a request of five octets and answers with the bytes as they are, then closes.
  Result<std::string> ask(const std::string& answer) {
    const std::jthread thread([&] {
      const int connection = ::accept(listening_, nullptr, nullptr);
      std::array<char, 7> request{};
      EXPECT_EQ(::recv(connection, request.data(), request.size(), MSG_WAITALL), 7);
      EXPECT_EQ(std::string(request.data(), request.size()), std::string("\0\5hello", 7));
      EXPECT_EQ(::send(connection, answer.data(), answer.size(), 0), static_cast<ssize_t>(answer.size()));
      ::close(connection);
    });
    return exchange(clock_, server_, "hello", milliseconds(30'000));
  }

  SystemClock clock_;
  int listening_;
  ServerAddress server_;
};

TEST_F(Exchange, GivesTheAnswerOfItsLength) {
  EXPECT_EQ(*ask(std::string("\0\5world!", 8)), "world");
  EXPECT_EQ(*ask(std::string("\0\0", 2)), "");
}

TEST_F(Exchange, NoticesAnAnswerThatEndsEarly) {
  for (const std::string& part : {std::string(), std::string("\0", 1), std::string("\0\5wor", 5)}) {
    const auto answer = ask(part);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("closed the connection"));
  }
}

TEST_F(Exchange, GivesUpWhenTimeIsUp) {
  // The kernel takes the connection; nobody ever answers.
  const auto answer = exchange(clock_, server_, "hello", milliseconds(100));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("cannot read from the name server 127.0.0.1 port " + server_.port));
}

TEST_F(Exchange, NamesAServerThatIsNotThere) {
  ::close(listening_);
  const auto answer = exchange(clock_, server_, "hello", milliseconds(30'000));
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace lockstep::dns
