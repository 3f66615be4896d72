// A bound, listening TCP socket from an address as an operator writes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace lockstep::http {

class ListeningSocket {
 public:
  // "ADDRESS:PORT", "[IPv6]:PORT", ":PORT" (all addresses, both families) or "PORT" (the same); port 0 takes a free
  // one. Addresses are numbers, not names. Non-blocking and close-on-exec. Errors: invalid_argument (also an address
  // that this machine does not have), permission_denied (a port below 1024), already_exists (the port is taken).
  static Result<ListeningSocket> open(const std::string& address);

  ListeningSocket(ListeningSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        ipv6_(other.ipv6_),
        port_(other.port_),
        host_(std::move(other.host_)),
        loopback_(other.loopback_) {}
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Gives up ownership of the descriptor.
  int release() { return std::exchange(descriptor_, -1); }
  // The family of the socket and of the connections that come in by it.
  [[nodiscard]] bool ipv6() const { return ipv6_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // The address without its port, as "127.0.0.1" or "::1"; empty for all addresses.
  [[nodiscard]] const std::string& host() const { return host_; }
  // Only programs of this machine reach it.
  [[nodiscard]] bool loopback() const { return loopback_; }

 private:
  ListeningSocket(int descriptor, bool ipv6) : descriptor_(descriptor), ipv6_(ipv6) {}

  int descriptor_;
  bool ipv6_;
  std::uint16_t port_ = 0;
  std::string host_;
  bool loopback_ = false;

  friend class SocketOpener;
};

}  // namespace lockstep::http
