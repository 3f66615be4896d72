#include "dns/exchange.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

namespace lockstep::dns {

namespace {

using std::chrono::milliseconds;

class Socket {
 public:
  explicit Socket(int number) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string text_of(const ServerAddress& server) { return "the name server " + server.host + " port " + server.port; }

// One connection, with one deadline for everything that is done on it.
class Connection {
 public:
  Connection(Clock& clock, const ServerAddress& server, milliseconds timeout)
      : clock_(clock), server_(server), deadline_(clock.monotonic() + timeout) {}

  Result<std::string> ask(std::string_view message) {
    const Socket socket = TRY(connect());
    const std::string length{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size() & 0xffU)};
    TRY(send(socket, length + std::string(message)));
    const std::string size = TRY(receive(socket, 2));
    const auto count =
        static_cast<std::size_t>(static_cast<unsigned char>(size[0]) << 8U | static_cast<unsigned char>(size[1]));
    return receive(socket, count);
  }

 private:
  Result<Socket> connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int why = ::getaddrinfo(server_.host.c_str(), server_.port.c_str(), &hints, &list);
    if (why != 0) return fail(ErrorCode::io_error, "cannot find " + text_of(server_) + ": " + ::gai_strerror(why));
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
    for (const addrinfo* each = list;; each = each->ai_next) {
      auto connected = connect_to(*each);
      if (connected || each->ai_next == nullptr) return connected;
    }
  }

  Result<Socket> connect_to(const addrinfo& address) {
    Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) return failed(errno, "reach");
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) return failed(errno, "reach");
    TRY(wait(socket, POLLOUT, "reach"));
    int why = 0;
    socklen_t size = sizeof why;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &why, &size) != 0) why = errno;
    if (why != 0) return failed(why, "reach");
    return socket;
  }

  Status send(const Socket& socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        TRY(wait(socket, POLLOUT, "write to"));
      } else if (errno != EINTR) {
        return failed(errno, "write to");
      }
    }
    return {};
  }

  Result<std::string> receive(const Socket& socket, std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t done = 0; done < count;) {
      const ssize_t got = ::recv(socket.get(), bytes.data() + done, count - done, 0);
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (got == 0) {
        return fail(ErrorCode::io_error, text_of(server_) + " closed the connection without an answer",
                    "look at its log; it must take DNS over TCP");
      } else if (errno == EAGAIN) {
        TRY(wait(socket, POLLIN, "read from"));
      } else if (errno != EINTR) {
        return failed(errno, "read from");
      }
    }
    return bytes;
  }

  Status wait(const Socket& socket, short events, const char* verb) {
    for (;;) {
      const milliseconds left = deadline_ - clock_.monotonic();
      if (left.count() <= 0) return failed(ETIMEDOUT, verb);
      pollfd watched{socket.get(), events, 0};
      constexpr milliseconds kLongest{60'000};
      const int count = ::poll(&watched, 1, static_cast<int>(std::min(left, kLongest).count()));
      if (count > 0) return {};
      if (count < 0 && errno != EINTR) return failed(errno, verb);
    }
  }

  [[nodiscard]] std::unexpected<Error> failed(int why, const char* verb) const {
    Error error = system_error(why, std::string("cannot ") + verb + " " + text_of(server_));
    error.hint = "check the address, and that the server takes DNS over TCP from here";
    return fail(std::move(error));
  }

  Clock& clock_;
  const ServerAddress& server_;
  milliseconds deadline_;
};

}  // namespace

Result<ServerAddress> parse_server(const std::string& text) {
  ServerAddress out{text, "53"};
  const std::size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const bool bare_ipv6 = !bracketed && colon != std::string::npos && text.find(':') != colon;
  if (colon != std::string::npos && !bare_ipv6 && !text.ends_with(']')) {
    out.host = text.substr(0, colon);
    out.port = text.substr(colon + 1);
  }
  if (bracketed && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  unsigned port = 0;
  const char* end = out.port.data() + out.port.size();
  const auto [stop, error] = std::from_chars(out.port.data(), end, port);
  const bool plain = std::ranges::all_of(out.host, [](char c) { return c > ' ' && c < 0x7f && c != '[' && c != ']'; });
  if (error != std::errc() || stop != end || port == 0 || port > 65535 || out.host.empty() || !plain) {
    return fail(ErrorCode::invalid_argument, "'" + text.substr(0, 80) + "' is not the address of a name server",
                "write ADDRESS, ADDRESS:PORT or [IPv6]:PORT");
  }
  return out;
}

Result<std::string> exchange(Clock& clock, const ServerAddress& server, std::string_view message,
                             milliseconds timeout) {
  LOCKSTEP_CHECK(message.size() <= 0xffff);
  return Connection(clock, server, timeout).ask(message);
}

}  // namespace lockstep::dns
