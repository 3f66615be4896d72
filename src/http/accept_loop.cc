#include "http/accept_loop.h"

#include <signal.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace lockstep::http {

namespace asio = boost::asio;
using boost::system::error_code;

// Connections hold it by their places, so it lives until the last is gone.
class AcceptLoop::State : public std::enable_shared_from_this<State> {
 public:
  State(asio::io_context& context, ListeningSocket socket, std::size_t places, Accepted accepted)
      : listening_(context, socket.release()), pause_(context), places_(places), accepted_(std::move(accepted)) {}

  void stop() {
    stopped_ = true;
    error_code ignored;  // nothing is left to be done about a socket that does not close
    listening_.close(ignored);
  }

  [[nodiscard]] bool full() const { return taken_ >= places_; }

  void wait() {
    if (waiting_ || stopped_ || full()) return;
    waiting_ = true;
    listening_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
      self->waiting_ = false;
      if (error != asio::error::operation_aborted) self->accept();
    });
  }

 private:
  void accept() {
    while (!stopped_ && !full()) {
      const int descriptor = ::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (descriptor >= 0) {
        accepted_(descriptor, take_place());
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        return pause();
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return wait();
      }
      // Anything else is a connection that was gone before it was taken (accept(2), "Error handling").
    }
  }

  // The socket stays readable while descriptors are short: asking again at once would only burn the processor.
  void pause() {
    constexpr std::chrono::milliseconds kPause{100};
    waiting_ = true;
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      self->waiting_ = false;
      if (!error) self->wait();
    });
  }

  Place take_place() {
    ++taken_;
    return {nullptr, [self = shared_from_this()](void*) {
              --self->taken_;
              self->wait();
            }};
  }

  asio::posix::stream_descriptor listening_;
  asio::steady_timer pause_;
  std::size_t places_;
  Accepted accepted_;
  std::size_t taken_ = 0;
  bool waiting_ = false;
  bool stopped_ = false;
};

AcceptLoop::AcceptLoop(asio::io_context& context, ListeningSocket socket, std::size_t places, Accepted accepted)
    : state_(std::make_shared<State>(context, std::move(socket), places, std::move(accepted))) {}

AcceptLoop::~AcceptLoop() { state_->stop(); }

void AcceptLoop::start() { state_->wait(); }

void AcceptLoop::stop() { state_->stop(); }

bool AcceptLoop::full() const { return state_->full(); }

namespace {

class RunningThread final : public ServerThread {
 public:
  explicit RunningThread(asio::io_context& context) : context_(context), thread_([this] { run(); }) {}
  ~RunningThread() override {
    context_.stop();
    thread_.join();
  }

 private:
  void run() {
    while (!context_.stopped()) {
      try {
        context_.run();
      } catch (const std::exception&) {
        // What a connection threw (memory ran out) has ended that connection by unwinding; the others go on.
      }
    }
  }

  asio::io_context& context_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ServerThread>> ServerThread::start(asio::io_context& context) {
  // A new thread has the mask of the one that makes it. A signal that means the program must not end up here.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<std::unique_ptr<ServerThread>> started =
      fail(ErrorCode::resource_exhausted, "cannot start a server's thread", "raise the limit on processes (ulimit -u)");
  try {
    started = std::make_unique<RunningThread>(context);
  } catch (const std::system_error&) {
    // The error is there already.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace lockstep::http
