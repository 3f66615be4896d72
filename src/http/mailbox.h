// A way into the thread of a context for other threads. Only implementations include this header; it brings Boost.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <mutex>

namespace lockstep::http {

// What work for the thread of a context goes through when it comes from others: the context may be gone by then.
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& context) : context_(&context) {}
  void close() {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
  }
  // False when nobody takes it any more.
  bool post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (context_ == nullptr) return false;
    boost::asio::post(*context_, std::move(work));
    return true;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* context_;
};

}  // namespace lockstep::http
