// A connection that has become a stream of events: it writes what is queued for the client, and reads only to notice
// that the client has gone. Only server.cc includes this header; it brings Boost. Everything runs in the server's
// thread.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <exception>
#include <vector>

#include "http/event_queue.h"
#include "http/session_common.h"

namespace lockstep::http {

template <class Stream>
class StreamSession : public std::enable_shared_from_this<StreamSession<Stream>> {
  using error_code = boost::system::error_code;
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

 public:
  StreamSession(Stream stream, Place place, Service& service)
      : place_(std::move(place)), service_(service), stream_(std::move(stream)), deadline_(stream_.get_executor()) {}
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;
  ~StreamSession() {
    service_.streams.erase(this);
    if (queue_) queue_->mark_gone();
  }

  void start(const std::function<void(std::shared_ptr<EventStream>)>& begin) {
    const std::weak_ptr<StreamSession> weak = this->weak_from_this();
    queue_ = std::make_shared<EventQueue>(service_.limits.stream_bytes, [weak, mailbox = service_.mailbox] {
      return mailbox->post([weak] {
        if (const auto self = weak.lock()) self->write();
      });
    });
    service_.streams.emplace(this, [queue = queue_] { queue->close(); });
    bound_what_the_kernel_keeps();
    read();
    if (service_.draining) return queue_->close();
    try {
      begin(queue_);
    } catch (const std::exception&) {
      queue_->close();  // nobody has it
    }
  }

 private:
  static constexpr int kKernelBytes = 128 * 1024;
  static constexpr int kUnacknowledged = 30'000;  // milliseconds
  static constexpr std::size_t kMostBuffers = 16;

  boost::beast::tcp_stream& tcp() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  // None of these can fail in a way that matters: each only makes an end come sooner, or a frame.
  void bound_what_the_kernel_keeps() {
    const int socket = tcp().socket().native_handle();
    const int on = 1;
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kKernelBytes, sizeof kKernelBytes));
    static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    // A client whose machine is gone says nothing: what it does not acknowledge ends the connection.
    static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledged, sizeof kUnacknowledged));
  }

  // What a client says while it listens means nothing; its end does. The pending read is what keeps this object.
  void read() {
    stream_.async_read_some(boost::asio::buffer(unheard_),
                            [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (!error) return self->read();
                              self->abort();
                            });
  }

  void write() {
    if (ending_) return;
    if (queue_->wish() == EventQueue::Wish::abort) return abort();
    if (writing_) return;
    if (frames_.empty()) {
      frames_ = queue_->take();
      offset_ = 0;
    }
    if (frames_.empty()) {
      if (queue_->wish() == EventQueue::Wish::end) end();
      return;
    }
    std::vector<boost::asio::const_buffer> buffers;
    std::size_t skip = offset_;
    for (std::size_t i = 0; i < frames_.size() && i < kMostBuffers; ++i) {
      buffers.push_back(boost::asio::buffer(*frames_[i]) + skip);
      skip = 0;
    }
    writing_ = true;
    // For each step and not for all: a long frame may take a slow line its time.
    arm_deadline();
    stream_.async_write_some(buffers, [self = this->shared_from_this()](error_code error, std::size_t count) {
      self->writing_ = false;
      if (error) return self->abort();
      self->deadline_.cancel();
      self->forget(count);
      self->write();
    });
  }

  void forget(std::size_t count) {
    queue_->written(count);
    offset_ += count;
    while (!frames_.empty() && offset_ >= frames_.front()->size()) {
      offset_ -= frames_.front()->size();
      frames_.pop_front();
    }
  }

  void arm_deadline() {
    deadline_.expires_after(service_.limits.request);
    deadline_.async_wait([weak = this->weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->abort();
    });
  }

  // Says good-bye; the read sees the client's end, or the deadline ends it.
  void end() {
    ending_ = true;
    arm_deadline();
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->stop_sending(); });
    } else {
      stop_sending();
    }
  }

  void stop_sending() {
    error_code gone;
    tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, gone);
    if (gone) abort();
  }

  // Ends everything that is under way, and with the last of it this object.
  void abort() {
    ending_ = true;
    deadline_.cancel();
    error_code ignored;  // whether it was still open does not matter
    tcp().socket().close(ignored);
    queue_->mark_gone();
  }

  Place place_;  // first, so that it is given back when the socket has been closed
  Service& service_;
  Stream stream_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<EventQueue> queue_;
  std::deque<EventStream::Frame> frames_;  // being written
  std::size_t offset_ = 0;                 // into the first of them
  std::array<char, 64> unheard_{};
  bool writing_ = false;
  bool ending_ = false;
};

}  // namespace lockstep::http
