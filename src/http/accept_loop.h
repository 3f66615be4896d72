// The thread of a small server, and its taking of connections for as long as it has places for them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"
#include "http/listening_socket.h"

// Boost stays in the implementations.
namespace boost::asio {
class io_context;
}

namespace lockstep::http {

// Held by a connection for as long as it has its socket open; letting go of the last copy makes the place free.
using Place = std::shared_ptr<void>;

// Connections that find no place wait in the kernel's queue. Everything is called in the server's own thread.
class AcceptLoop {
 public:
  // `accepted` takes over the descriptor, which is non-blocking and close-on-exec.
  using Accepted = std::function<void(int descriptor, Place place)>;

  AcceptLoop(boost::asio::io_context& context, ListeningSocket socket, std::size_t places, Accepted accepted);
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;
  // After the thread has ended, and before the context is destroyed.
  ~AcceptLoop();

  void start();
  // Takes no more connections. In the server's thread, or when it has ended.
  void stop();
  // True when the next connection has to wait.
  [[nodiscard]] bool full() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// The thread that runs a context; signals are left to the other threads. Destroying it stops the context and waits.
class ServerThread {
 public:
  static Result<std::unique_ptr<ServerThread>> start(boost::asio::io_context& context);
  virtual ~ServerThread() = default;
};

}  // namespace lockstep::http
