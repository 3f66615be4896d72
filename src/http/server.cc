#include "http/server.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "http/accept_loop.h"

namespace lockstep::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = beast::http::request_parser<beast::http::string_body>;
using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;
using Serializer = beast::http::response_serializer<beast::http::string_body>;
using beast::http::field;

// What is common to all connections of a server; used in its thread only.
struct Service {
  Handler handler;
  ServerLimits limits;
  const AcceptLoop* loop = nullptr;
};

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

ServerResponse plain(int status, std::string text) { return {.status = status, .body = std::move(text) + "\n"}; }

// The answer to what could not be read as a request; nothing when there is nobody to answer (the client has gone or
// time is up).
std::optional<ServerResponse> answer_to(const error_code& why) {
  using beast::http::error;
  if (why == error::header_limit || why == error::buffer_overflow) return plain(431, "the header is too large");
  if (why == error::body_limit) return plain(413, "the body is too large");
  if (why == error::end_of_stream || why == error::partial_message) return std::nullopt;
  if (why.category() != make_error_code(error::bad_method).category()) return std::nullopt;
  return plain(400, "this is not an HTTP/1.1 request");
}

// Path and query: clients of a proxy send the whole URL (RFC 9112 section 3.2.2). Empty for anything else.
std::string target_of(const Request& request) {
  std::string target = to_string(request.target());
  constexpr std::string_view kScheme = "http://";
  if (beast::iequals(request.target().substr(0, kScheme.size()), {kScheme.data(), kScheme.size()})) {
    const std::size_t path = target.find_first_of("/?", kScheme.size());
    target = path == std::string::npos ? "/" : target.substr(path);
    if (target.front() == '?') target.insert(0, "/");
  }
  return target.starts_with('/') ? target : std::string();
}

ServerResponse call_handler(const Handler& handler, const Request& request) {
  using beast::http::verb;
  const bool known = request.method() == verb::get || request.method() == verb::head || request.method() == verb::post;
  if (!known) return plain(405, "GET, HEAD and POST are answered here");
  // RFC 9112 section 3.2: exactly one in HTTP/1.1.
  if (request.count(field::host) > 1 || (request.version() >= 11 && request.count(field::host) == 0)) {
    return plain(400, "one Host header is needed");
  }
  std::string target = target_of(request);
  if (target.empty()) return plain(400, "the target must be a path");
  try {
    return handler({.method = to_string(request.method_string()),
                    .target = std::move(target),
                    .host = to_string(request[field::host]),
                    .body = request.body()});
  } catch (const std::exception&) {
    // What it says may be meant for nobody outside.
    return plain(500, "internal error");
  }
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Place place, const Service& service)
      : place_(std::move(place)),
        service_(service),
        stream_(std::move(socket)),
        buffer_(service.limits.header_bytes + kSlack) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(service_.limits.header_bytes));
    parser_->body_limit(service_.limits.body_bytes);
    // One deadline for all of it, so that sending a byte now and then wins nothing.
    stream_.expires_after(service_.limits.request);
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

 private:
  static constexpr std::size_t kSlack = 4096;  // the buffer also holds what follows the header

  void on_read(const error_code& error) {
    if (!error) {
      const Request& request = parser_->get();
      const ServerResponse answer = call_handler(service_.handler, request);
      // With a place for nobody else, an idle connection would keep others out.
      const bool keep = request.keep_alive() && answer.status != 400 && !service_.loop->full();
      return write(answer, keep, request.method() == beast::http::verb::head);
    }
    const auto answer = answer_to(error);
    if (answer) write(*answer, false, false);
  }

  void write(const ServerResponse& answer, bool keep_alive, bool header_only) {
    response_.emplace(static_cast<beast::http::status>(answer.status), 11U);
    response_->set(field::content_type, answer.content_type);
    if (answer.status == 405) response_->set(field::allow, "GET, HEAD, POST");
    response_->body() = answer.body;
    response_->keep_alive(keep_alive);
    response_->prepare_payload();
    serializer_.emplace(*response_);
    stream_.expires_after(service_.limits.request);
    auto done = [self = shared_from_this(), keep_alive](error_code error, std::size_t) {
      if (!error) self->on_written(keep_alive);
    };
    if (header_only) {
      beast::http::async_write_header(stream_, *serializer_, std::move(done));
    } else {
      beast::http::async_write(stream_, *serializer_, std::move(done));
    }
  }

  void on_written(bool keep_alive) {
    if (keep_alive) return read();
    error_code gone;
    stream_.socket().shutdown(tcp::socket::shutdown_send, gone);
    if (gone) return;
    stream_.expires_after(service_.limits.request);
    discard();
  }

  // Closing while bytes of the client are unread resets the connection, and it may never see the answer (RFC 9112
  // section 9.6): they are read, as long as the deadline allows.
  void discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kSlack), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->discard();
    });
  }

  Place place_;  // first, so that it is given back when the socket has been closed
  const Service& service_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  std::optional<Serializer> serializer_;
};

class BeastServer final : public Server {
 public:
  BeastServer(ListeningSocket socket, Handler handler, const ServerLimits& limits)
      : port_(socket.port()),
        protocol_(socket.ipv6() ? tcp::v6() : tcp::v4()),
        service_{std::move(handler), limits, nullptr},
        loop_(context_, std::move(socket), limits.connections,
              [this](int descriptor, Place place) { take(descriptor, std::move(place)); }) {
    service_.loop = &loop_;
  }

  Status start() {
    loop_.start();
    thread_ = TRY(ServerThread::start(context_));
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

 private:
  void take(int descriptor, Place place) {
    tcp::socket socket(context_);
    error_code refused;
    socket.assign(protocol_, descriptor, refused);
    if (refused) {
      ::close(descriptor);
      return;
    }
    std::make_shared<Session>(std::move(socket), std::move(place), service_)->read();
  }

  std::uint16_t port_;
  tcp protocol_;
  asio::io_context context_{1};
  Service service_;
  AcceptLoop loop_;
  std::unique_ptr<ServerThread> thread_;  // last: it has ended before anything else is destroyed
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const std::string& address, Handler handler,
                                               const ServerLimits& limits) {
  ListeningSocket socket = TRY(ListeningSocket::open(address));
  auto server = std::make_unique<BeastServer>(std::move(socket), std::move(handler), limits);
  TRY(server->start());
  return server;
}

}  // namespace lockstep::http
