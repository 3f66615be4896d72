// One probe on its way. Only probe.cc and its parts include this header; it brings Boost. Everything runs in the
// prober's thread.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/mailbox.h"
#include "http/name_pool.h"
#include "http/probe.h"

namespace lockstep::http {

// What all probes share.
struct ProbeSurroundings {
  Clock& clock;
  boost::asio::io_context& context;
  boost::asio::ssl::context& tls;
  NamePool& names;
  std::shared_ptr<Mailbox> mailbox;
};

// Whoever sets `settled` first decides: the one who asked has let go, or the result is told.
struct ProbeTicket {
  std::atomic<bool> settled = false;
  std::function<void(ProbeResult)> done;
};

class ProbeRun : public std::enable_shared_from_this<ProbeRun> {
 public:
  ProbeRun(const ProbeSurroundings& around, ProbeTarget target, std::shared_ptr<ProbeTicket> ticket);
  ProbeRun(const ProbeRun&) = delete;
  ProbeRun& operator=(const ProbeRun&) = delete;
  ~ProbeRun();

  void start();
  void abort();

 private:
  using error_code = boost::system::error_code;
  using tcp = boost::asio::ip::tcp;

  void on_resolved(const Resolved& resolved);
  void connect_next();
  void on_connected(const error_code& error);
  void shake_hands();
  void on_handshake(const error_code& error);
  void report_peer();
  void ask();
  void on_answer(const error_code& error);
  void on_deadline();
  void note_latency() { result_.latency = around_.clock.monotonic() - began_; }
  void fail_by(const error_code& error);
  void finish(std::string error);
  void say_good_bye();

  ProbeSurroundings around_;
  ProbeTarget target_;
  std::shared_ptr<ProbeTicket> ticket_;
  ProbeResult result_;
  std::chrono::milliseconds began_{};  // to connect
  const char* waiting_for_;            // in words, for when it does not come
  bool over_ = false;
  bool lingering_ = false;
  bool share_used_up_ = false;  // of the address that is being tried
  std::vector<tcp::endpoint> endpoints_;
  std::size_t next_ = 0;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer share_;
  tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<tcp::socket&>> tls_;
  std::string request_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::empty_body>> parser_;
};

}  // namespace lockstep::http
