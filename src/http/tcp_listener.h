// A listening socket, the thread that serves it, and its connections as Boost's sockets: what every server here is
// built on. Only implementations include this header; it brings Boost.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "http/accept_loop.h"

namespace lockstep::http {

class TcpListener {
 public:
  // Called in the server's thread for each connection.
  using Accepted = std::function<void(boost::asio::ip::tcp::socket socket, Place place)>;

  TcpListener(ListeningSocket socket, std::size_t places, Accepted accepted);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  // Ends the thread and then every connection.
  ~TcpListener() = default;

  // Error: resource_exhausted when there is no thread to be had.
  Status start();
  // From the server's thread: no more connections are taken; those that are there go on.
  void stop_accepting() { loop_.stop(); }
  [[nodiscard]] bool full() const { return loop_.full(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  boost::asio::io_context& context() { return context_; }

 private:
  void take(int descriptor, Place place);

  std::uint16_t port_;
  boost::asio::ip::tcp protocol_;
  Accepted accepted_;
  boost::asio::io_context context_{1};
  AcceptLoop loop_;
  std::unique_ptr<ServerThread> thread_;  // last: it has ended before anything else is destroyed
};

}  // namespace lockstep::http
