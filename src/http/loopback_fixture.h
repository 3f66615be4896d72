// A client of plain sockets on the loopback, for tests of servers: it can be as slow and as rude as a test needs.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep::http {

class LoopbackClient {
 public:
  explicit LoopbackClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_GE(socket_, 0);
    // Long enough for the slowest machine: it ends a test that would hang.
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    EXPECT_EQ(::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;
  ~LoopbackClient() { close(); }

  [[nodiscard]] int descriptor() const { return socket_; }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // False when the other side has closed the connection.
  [[nodiscard]] bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Everything up to the end of the connection.
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    while (read_some(all)) {
    }
    return all;
  }

  // Until `ending` has come; what has come when the connection ends before.
  [[nodiscard]] std::string read_until(std::string_view ending) const {
    std::string all;
    while (!all.ends_with(ending) && read_some(all)) {
    }
    return all;
  }

  // Nothing has come so far.
  [[nodiscard]] bool silent() const {
    std::array<char, 1> one{};
    return ::recv(socket_, one.data(), one.size(), MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

 private:
  bool read_some(std::string& all) const {
    std::array<char, 4096> piece{};
    const ssize_t count = ::recv(socket_, piece.data(), piece.size(), 0);
    EXPECT_FALSE(count < 0 && errno == EAGAIN) << "no answer and no end";
    if (count <= 0) return false;
    all.append(piece.data(), static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
};

}  // namespace lockstep::http
