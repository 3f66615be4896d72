#include "http/listening_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace lockstep::http {

namespace {

struct HostAndPort {
  std::string host;  // empty: all addresses
  bool ipv6 = false;
  std::string port;
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::unexpected<Error> malformed(const std::string& address) {
  return fail(ErrorCode::invalid_argument, "'" + address.substr(0, 80) + "' is not an address to listen on",
              "write ADDRESS:PORT, [IPv6]:PORT, :PORT or PORT, with an IP address and a port up to 65535");
}

bool is_port(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= 65535;
}

bool is_ipv4(const std::string& text) {
  // getaddrinfo also takes "127.1" and "0x7f000001": nobody means these.
  in_addr parsed{};
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1;
}

Result<HostAndPort> split(const std::string& address) {
  if (address.find('\0') != std::string::npos) return malformed(address);
  const std::size_t colon = address.rfind(':');
  HostAndPort out;
  out.port = colon == std::string::npos ? address : address.substr(colon + 1);
  if (!is_port(out.port)) return malformed(address);
  if (colon == std::string::npos || colon == 0) return out;
  out.host = address.substr(0, colon);
  if (out.host.starts_with('[') && out.host.ends_with(']') && out.host.size() > 2) {
    out.host = out.host.substr(1, out.host.size() - 2);
    out.ipv6 = true;
    return out;
  }
  if (!is_ipv4(out.host)) return malformed(address);
  return out;
}

Result<Addresses> resolve(const std::string& address, const HostAndPort& parts, bool ipv6) {
  addrinfo hints{};
  hints.ai_family = ipv6 ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* list = nullptr;
  const char* host = parts.host.empty() ? nullptr : parts.host.c_str();
  if (::getaddrinfo(host, parts.port.c_str(), &hints, &list) != 0) return malformed(address);
  return Addresses(list);
}

std::unexpected<Error> cannot_listen(int why, const std::string& address) {
  Error error = system_error(why, "cannot listen on '" + address + "'");
  if (why == EADDRINUSE) {
    error.code = ErrorCode::already_exists;
    error.hint = "another program has that port: stop it, or choose another address or port";
  } else if (why == EACCES || why == EPERM) {
    error.hint = "ports below 1024 need root or CAP_NET_BIND_SERVICE: grant it, or choose a higher port";
  } else if (why == EADDRNOTAVAIL) {
    error.code = ErrorCode::invalid_argument;
    error.hint = "choose an address that an interface of this machine has, or :PORT for all of them";
  }
  return fail(std::move(error));
}

struct Bound {
  std::uint16_t port = 0;
  std::string host;  // empty: all addresses
  bool loopback = false;
};

Result<Bound> bound_address(int descriptor, const std::string& address) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return cannot_listen(errno, address);
  }
  Bound bound;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof four);
    bound.port = ntohs(four.sin_port);
    bound.loopback = (ntohl(four.sin_addr.s_addr) >> 24U) == IN_LOOPBACKNET;
    if (four.sin_addr.s_addr != INADDR_ANY && ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size()) != nullptr)
      bound.host = text.data();
  } else {
    sockaddr_in6 six{};
    std::memcpy(&six, &storage, sizeof six);
    bound.port = ntohs(six.sin6_port);
    bound.loopback = IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    if (!IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr) &&
        ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size()) != nullptr)
      bound.host = text.data();
  }
  return bound;
}

bool lacks_ipv6(const Error& error) {
  return error.system_errno == EAFNOSUPPORT || error.system_errno == EADDRNOTAVAIL;
}

}  // namespace

class SocketOpener {
 public:
  static Result<ListeningSocket> open(const std::string& address, const HostAndPort& parts, bool ipv6) {
    const Addresses addresses = TRY(resolve(address, parts, ipv6));
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    ListeningSocket socket(::socket(addresses->ai_family, type, 0), ipv6);
    if (socket.descriptor() < 0) return cannot_listen(errno, address);
    // A restart must not wait for the connections of the run before to be forgotten.
    TRY(set(socket, address, SOL_SOCKET, SO_REUSEADDR, 1));
    if (ipv6) TRY(set(socket, address, IPPROTO_IPV6, IPV6_V6ONLY, parts.host.empty() ? 0 : 1));
    if (::bind(socket.descriptor(), addresses->ai_addr, addresses->ai_addrlen) != 0 ||
        ::listen(socket.descriptor(), SOMAXCONN) != 0) {
      return cannot_listen(errno, address);
    }
    Bound bound = TRY(bound_address(socket.descriptor(), address));
    socket.port_ = bound.port;
    socket.host_ = std::move(bound.host);
    socket.loopback_ = bound.loopback;
    return socket;
  }

 private:
  static Status set(const ListeningSocket& socket, const std::string& address, int level, int option, int value) {
    if (::setsockopt(socket.descriptor(), level, option, &value, sizeof value) != 0) {
      return cannot_listen(errno, address);
    }
    return {};
  }
};

Result<ListeningSocket> ListeningSocket::open(const std::string& address) {
  const HostAndPort parts = TRY(split(address));
  if (!parts.host.empty()) return SocketOpener::open(address, parts, parts.ipv6);
  auto both = SocketOpener::open(address, parts, true);
  if (both || !lacks_ipv6(both.error())) return both;
  return SocketOpener::open(address, parts, false);
}

ListeningSocket::~ListeningSocket() {
  // Nothing was written to it: closing has nothing to report.
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace lockstep::http
