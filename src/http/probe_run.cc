#include "http/probe_run.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

namespace lockstep::http {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kMostHeaderBytes = 16U * 1024U;
constexpr int kMostCertificates = 16;
constexpr std::chrono::milliseconds kGoodBye{1'000};

// This side's own shortage says nothing about the endpoint.
bool is_ours(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space || error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::address_not_available;
}

std::string seconds_text(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

std::string words_for(const error_code& error) {
  if (error == asio::error::connection_refused) return "connection refused";
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return "connection reset";
  if (error == asio::error::host_unreachable) return "no route to the host";
  if (error == asio::error::network_unreachable) return "the network cannot be reached";
  if (error == asio::error::timed_out) return "no answer";
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) return "the connection was closed";
  if (error.category() == asio::error::get_ssl_category()) {
    const char* reason = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
    return reason == nullptr ? "it failed" : reason;
  }
  return error.message();
}

}  // namespace

ProbeRun::ProbeRun(const ProbeSurroundings& around, ProbeTarget target, std::shared_ptr<ProbeTicket> ticket)
    : around_(around),
      target_(std::move(target)),
      ticket_(std::move(ticket)),
      waiting_for_("no address for the name"),
      deadline_(around.context),
      share_(around.context),
      socket_(around.context),
      buffer_(kMostHeaderBytes) {}

// Only memory that ran out ends a run before its time; the one who asked must not wait for ever.
ProbeRun::~ProbeRun() {
  if (ticket_->settled.exchange(true)) return;
  around_.mailbox->post([ticket = ticket_] { ticket->done({.error = "the check broke off", .ours = true}); });
}

void ProbeRun::start() {
  deadline_.expires_after(target_.deadline);
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->on_deadline();
  });
  error_code not_an_address;
  const auto address = asio::ip::make_address(target_.host, not_an_address);
  if (!not_an_address) {
    endpoints_.emplace_back(address, target_.port);
    began_ = around_.clock.monotonic();
    return connect_next();
  }
  around_.names.resolve(target_.host, [weak = weak_from_this(), mailbox = around_.mailbox](const Resolved& resolved) {
    mailbox->post([weak, resolved] {
      if (const auto self = weak.lock()) self->on_resolved(resolved);
    });
  });
}

void ProbeRun::on_resolved(const Resolved& resolved) {
  if (over_) return;
  result_.ours = resolved.ours;
  if (!resolved.error.empty()) return finish(resolved.error);
  for (const std::string& text : resolved.addresses) {
    error_code not_an_address;
    const auto address = asio::ip::make_address(text, not_an_address);
    if (!not_an_address) endpoints_.emplace_back(address, target_.port);
  }
  if (endpoints_.empty()) return finish("the name has no address");
  began_ = around_.clock.monotonic();
  connect_next();
}

void ProbeRun::connect_next() {
  waiting_for_ = "no answer";
  error_code ignored;  // that it was not open
  socket_.close(ignored);
  const tcp::endpoint endpoint = endpoints_[next_++];
  share_used_up_ = false;
  if (next_ < endpoints_.size()) {
    // An address that swallows everything must leave time for the others.
    share_.expires_after(target_.deadline / static_cast<int>(endpoints_.size()));
    share_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self || self->over_) return;
      self->share_used_up_ = true;
      error_code closed;
      self->socket_.close(closed);
    });
  }
  socket_.async_connect(endpoint, [self = shared_from_this()](error_code error) { self->on_connected(error); });
}

void ProbeRun::on_connected(const error_code& error) {
  share_.cancel();
  if (over_) return;
  if (error || share_used_up_) {
    if (next_ < endpoints_.size()) return connect_next();
    return fail_by(error);
  }
  note_latency();
  if (target_.kind == ProbeKind::tcp) return finish("");
  error_code ignored;  // the request would only come later
  socket_.set_option(tcp::no_delay(true), ignored);
  shake_hands();
}

void ProbeRun::shake_hands() {
  waiting_for_ = "no TLS handshake";
  tls_.emplace(socket_, around_.tls);
  SSL* connection = tls_->native_handle();
  if (!target_.server_name.empty() && SSL_set_tlsext_host_name(connection, target_.server_name.c_str()) != 1) {
    ERR_clear_error();
    return finish("TLS: the name cannot be asked for");
  }
  if (target_.kind == ProbeKind::https) {
    constexpr std::string_view kHttp1 = "\x08http/1.1";
    // Zero is success here; without the offer most servers choose the same.
    static_cast<void>(SSL_set_alpn_protos(connection, reinterpret_cast<const unsigned char*>(kHttp1.data()),
                                          static_cast<unsigned>(kHttp1.size())));
  }
  tls_->async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this()](error_code error) { self->on_handshake(error); });
}

void ProbeRun::on_handshake(const error_code& error) {
  if (over_) return;
  report_peer();  // also of a handshake that failed later: the server may want a certificate from us
  if (error) {
    ERR_clear_error();
    return finish("TLS: " + words_for(error));
  }
  note_latency();
  if (target_.kind == ProbeKind::https) return ask();
  finish("");
}

void ProbeRun::report_peer() {
  SSL* connection = tls_->native_handle();
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(connection);
  for (int i = 0; i < sk_X509_num(chain) && i < kMostCertificates; ++i) {
    unsigned char* der = nullptr;
    const int length = i2d_X509(sk_X509_value(chain, i), &der);
    if (length > 0)
      result_.peer_chain.emplace_back(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
    OPENSSL_free(der);
  }
  result_.tls_version = SSL_get_version(connection);
}

// GET and not HEAD, which small servers do not know; nothing after the header is read.
void ProbeRun::ask() {
  waiting_for_ = "no answer to the request";
  const std::string& name = target_.server_name.empty() ? target_.host : target_.server_name;
  const bool ipv6 = name.find(':') != std::string::npos;
  request_ = "GET / HTTP/1.1\r\nHost: " + (ipv6 ? "[" + name + "]" : name) +
             (target_.port == 443 ? "" : ":" + std::to_string(target_.port)) +
             "\r\nUser-Agent: lockstep\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  parser_.emplace();
  parser_->header_limit(kMostHeaderBytes);
  parser_->skip(true);
  asio::async_write(*tls_, asio::buffer(request_), [self = shared_from_this()](error_code error, std::size_t) {
    if (self->over_) return;
    if (error) return self->fail_by(error);
    boost::beast::http::async_read_header(*self->tls_, self->buffer_, *self->parser_,
                                          [self](error_code failed, std::size_t) { self->on_answer(failed); });
  });
}

void ProbeRun::on_answer(const error_code& error) {
  constexpr int kServerErrors = 500;
  if (over_) return;
  if (error.category() == make_error_code(boost::beast::http::error::bad_method).category())
    return finish(error == boost::beast::http::error::end_of_stream ? "the connection was closed without an answer"
                                                                    : "the answer is not HTTP/1.1");
  if (error == boost::beast::error::timeout || error) return fail_by(error);
  result_.status = static_cast<int>(parser_->get().result_int());
  finish(result_.status < kServerErrors ? std::string() : "HTTP status " + std::to_string(result_.status));
}

void ProbeRun::on_deadline() {
  if (lingering_) return abort();
  if (over_) return;
  if (tls_ && result_.peer_chain.empty()) report_peer();
  finish(std::string(waiting_for_) + " within " + seconds_text(target_.deadline));
}

void ProbeRun::fail_by(const error_code& error) {
  ERR_clear_error();
  result_.ours = is_ours(error);
  finish(words_for(error));
}

void ProbeRun::finish(std::string error) {
  over_ = true;
  result_.error = std::move(error);
  const bool shut_down = result_.succeeded() && tls_.has_value();
  if (!shut_down) abort();
  if (!ticket_->settled.exchange(true)) ticket_->done(std::move(result_));
  if (shut_down) say_good_bye();
}

// Closing at once would reset the connection, for there are session tickets unread: servers write that into their logs.
void ProbeRun::say_good_bye() {
  lingering_ = true;
  deadline_.expires_after(kGoodBye);
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->abort();
  });
  tls_->async_shutdown([self = shared_from_this()](error_code) {
    ERR_clear_error();
    self->abort();
  });
}

void ProbeRun::abort() {
  over_ = true;
  deadline_.cancel();
  share_.cancel();
  error_code ignored;  // whether it was open does not matter
  socket_.close(ignored);
}

}  // namespace lockstep::http
