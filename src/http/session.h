// One connection of a server, over plain TCP or over TLS: reads a request, has it answered, writes the answer, and
// begins again. Only server.cc includes this header; it brings Boost. Everything runs in the server's thread.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "http/header_scan.h"
#include "http/session_common.h"
#include "http/stream_session.h"

namespace lockstep::http {

template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
  using error_code = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using Serializer = boost::beast::http::response_serializer<boost::beast::http::string_body>;
  using field = boost::beast::http::field;
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

 public:
  template <class... TlsContext>
  Session(boost::asio::ip::tcp::socket socket, Place place, Service& service, std::string address,
          TlsContext&... context)
      : place_(std::move(place)),
        service_(service),
        address_(std::move(address)),
        deadline_(socket.get_executor()),
        stream_(std::move(socket), context...),
        buffer_(service.limits.header_bytes + kSlack) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { settle(); }

  void start() {
    if constexpr (kTls) {
      tcp().expires_after(service_.limits.request);
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](error_code error) {
                                if (!error) return self->on_handshake();
                                self->note_failure(error);
                              });
    } else {
      read();
    }
  }

 private:
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  static constexpr std::size_t kSlack = 4096;  // the buffer also holds what follows the header
  static constexpr std::size_t kMostPeerCertificates = 8;

  boost::beast::tcp_stream& tcp() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  void on_handshake() {
    if constexpr (kTls) {
      SSL* connection = stream_.native_handle();
      if (const X509* own = SSL_get0_peer_certificate(connection)) add_peer(own);
      const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(connection);
      for (int i = 0; i < sk_X509_num(sent) && peer_chain_.size() < kMostPeerCertificates; ++i)
        add_peer(sk_X509_value(sent, i));
    }
    read();
  }

  void add_peer(const X509* certificate) {
    unsigned char* der = nullptr;
    const int length = i2d_X509(certificate, &der);
    if (length > 0) peer_chain_.emplace_back(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
    OPENSSL_free(der);
  }

  void read() {
    scan_ = {};
    head_only_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(service_.limits.header_bytes));
    parser_->body_limit(service_.limits.body_bytes);
    // One deadline for all of it, so that sending a byte now and then wins nothing.
    tcp().expires_after(service_.limits.request);
    look_at_header();
  }

  // The header as it came, before the parser makes it pleasant.
  void look_at_header() {
    const auto data = buffer_.cdata();
    const std::string_view bytes(static_cast<const char*>(data.data()), data.size());
    const HeaderScan::State state = scan_.look(bytes);
    const bool too_large = state == HeaderScan::State::complete ? scan_.length() > service_.limits.header_bytes
                                                                : bytes.size() >= service_.limits.header_bytes;
    if (state != HeaderScan::State::malformed && too_large)
      return turn_away(plain_answer(431, "the header is too large"), false);
    if (state == HeaderScan::State::malformed)
      return turn_away(plain_answer(400, "this is not an HTTP/1.1 request: " + scan_.reason()), false);
    if (state == HeaderScan::State::complete) return parse_header();
    stream_.async_read_some(buffer_.prepare(buffer_.max_size() - buffer_.size()),
                            [self = this->shared_from_this()](error_code error, std::size_t count) {
                              if (error) return self->note_failure(error);
                              self->buffer_.commit(count);
                              self->look_at_header();
                            });
  }

  void parse_header() {
    error_code error;
    const std::size_t used = parser_->put(boost::asio::buffer(buffer_.cdata(), scan_.length()), error);
    if (error == boost::beast::http::error::need_more) error = {};
    if (error) return on_read(error);
    buffer_.consume(used);
    // Whoever asks waits with the body until he is told to send it (RFC 9110 section 10.1.1).
    const auto& head = parser_->get();
    const bool asked = boost::beast::iequals(head[boost::beast::http::field::expect], "100-continue");
    if (!asked || head.version() < 11 || parser_->is_done()) return read_body();
    boost::asio::async_write(stream_, boost::asio::buffer(kContinue),
                             [self = this->shared_from_this()](error_code failed, std::size_t) {
                               if (failed) return self->note_failure(failed);
                               self->read_body();
                             });
  }

  void read_body() {
    boost::beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code failed, std::size_t) { self->on_read(failed); });
  }

  void on_read(const error_code& error) {
    if (error) {
      const auto answer = answer_to(error);
      if (answer) return turn_away(*answer, false);
      return note_failure(error);
    }
    ServerRequest request;
    const auto refused = accept_request(parser_->get(), service_.limits, &request);
    head_only_ = parser_->get().method() == boost::beast::http::verb::head;
    if (refused) return turn_away(*refused, refused->status != 400 && may_stay());
    request.address = address_;
    request.peer_chain = peer_chain_;
    have_answered(request);
  }

  void turn_away(const ServerResponse& answer, bool keep_alive) {
    note(answer.status, answer.body.substr(0, answer.body.find('\n')));
    write(answer, keep_alive, head_only_);
  }

  void note(int status, std::string what) const {
    if (service_.unanswered) service_.unanswered({address_, status, std::move(what)});
  }

  // A client that has gone, or is idle, without having begun a request is nothing to speak of.
  void note_failure(const error_code& error) const {
    const bool left = error == boost::asio::error::eof || error == boost::asio::error::connection_reset ||
                      error == boost::asio::error::operation_aborted ||
                      error == boost::asio::ssl::error::stream_truncated;
    if ((left || served_) && buffer_.size() == 0) return;
    note(0, error == boost::beast::error::timeout ? "the request did not come in time" : error.message());
  }

  // With a place for nobody else, an idle connection would keep others out.
  [[nodiscard]] bool may_stay() const {
    return parser_->get().keep_alive() && !service_.listener->full() && !service_.draining;
  }

  // The answer may come from another thread: it only ever touches the ticket, and this object in its own thread.
  void have_answered(const ServerRequest& request) {
    ++service_.busy;
    counted_ = true;
    tcp().expires_never();
    const auto ticket = std::make_shared<std::atomic<bool>>(false);  // true once the request is answered
    const auto respond = [weak = this->weak_from_this(), ticket, mailbox = service_.mailbox](ServerResponse response) {
      if (ticket->exchange(true)) return false;
      return mailbox->post([weak, response = std::move(response)] {
        if (const auto self = weak.lock()) self->finish(response);
      });
    };
    ServerResponse late;
    try {
      late = service_.handler(request, respond);
    } catch (const std::exception&) {
      // What it says may be meant for nobody outside.
      if (!ticket->exchange(true)) finish(plain_answer(500, "internal error"));
      return;
    }
    // The wait also keeps this object while nothing else of the connection is under way.
    deadline_.expires_after(service_.limits.answer);
    deadline_.async_wait([self = this->shared_from_this(), ticket, late = std::move(late)](error_code error) {
      if (!error && !ticket->exchange(true)) self->finish(late);
    });
  }

  void finish(const ServerResponse& answer) {
    deadline_.cancel();
    if (answer.stream && !head_only_) stream_to_ = answer.stream;
    write(answer, answer.status != 400 && may_stay(), head_only_);
  }

  void write(const ServerResponse& answer, bool keep_alive, bool header_only) {
    const bool sound = std::ranges::all_of(answer.headers, [](const auto& header) {
      return is_field_value(header.first) && is_field_value(header.second);
    });
    if (!sound || !is_field_value(answer.content_type)) {
      stream_to_ = {};
      return write(plain_answer(500, "internal error"), false, header_only);
    }
    response_.emplace(static_cast<boost::beast::http::status>(answer.status), 11U);
    response_->set(field::content_type, answer.content_type);
    for (const auto& [name, value] : answer.headers) response_->set(name, value);
    if (answer.status == 405 && response_->count(field::allow) == 0)
      response_->set(field::allow, service_.limits.methods);
    keep_alive = keep_alive && !answer.stream;  // a stream's length is not known: it ends with its connection
    response_->keep_alive(keep_alive);
    if (!answer.stream) {
      response_->body() = answer.body;
      response_->prepare_payload();
    }
    serializer_.emplace(*response_);
    tcp().expires_after(service_.limits.request);
    auto done = [self = this->shared_from_this(), keep_alive](error_code error, std::size_t) {
      self->settle();
      if (!error) self->on_written(keep_alive);
    };
    if (header_only || answer.stream) {
      boost::beast::http::async_write_header(stream_, *serializer_, std::move(done));
    } else {
      boost::beast::http::async_write(stream_, *serializer_, std::move(done));
    }
  }

  // The request that was being answered is out of the way, whether its answer arrived or not.
  void settle() {
    if (!std::exchange(counted_, false)) return;
    if (--service_.busy == 0 && service_.idle) std::exchange(service_.idle, {})();
  }

  void on_written(bool keep_alive) {
    served_ = true;
    if (stream_to_) return become_stream();
    if (keep_alive) return read();
    if constexpr (kTls) {
      tcp().expires_after(service_.limits.request);
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->end(); });
    } else {
      end();
    }
  }

  // The connection goes on as one that only writes; what reading requests took is given back with this object.
  void become_stream() {
    tcp().expires_never();
    std::make_shared<StreamSession<Stream>>(std::move(stream_), std::move(place_), service_)->start(stream_to_);
  }

  void end() {
    error_code gone;
    tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, gone);
    if (gone) return;
    tcp().expires_after(service_.limits.request);
    discard();
  }

  // Closing while bytes of the client are unread resets the connection, and it may never see the answer (RFC 9112
  // section 9.6): they are read, as long as the deadline allows.
  void discard() {
    buffer_.clear();
    tcp().async_read_some(buffer_.prepare(kSlack), [self = this->shared_from_this()](error_code error, std::size_t) {
      if (!error) self->discard();
    });
  }

  Place place_;  // first, so that it is given back when the socket has been closed
  Service& service_;
  std::string address_;
  boost::asio::steady_timer deadline_;  // of the handler
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  std::vector<std::string> peer_chain_;
  HeaderScan scan_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  std::optional<Serializer> serializer_;
  std::function<void(std::shared_ptr<EventStream>)> stream_to_;  // set: the answer being written begins a stream
  bool head_only_ = false;
  bool served_ = false;   // a request was answered before
  bool counted_ = false;  // among the service's busy ones
};

}  // namespace lockstep::http
