// What waits for one client of a stream, between the threads that send and the server's thread that writes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "http/server.h"

namespace lockstep::http {

class EventQueue final : public EventStream {
 public:
  // `wake` has the writer look at the queue, in the server's thread; it may be called from any and must not block.
  // False: there is no server any more.
  EventQueue(std::size_t most_bytes, std::function<bool()> wake) : most_bytes_(most_bytes), wake_(std::move(wake)) {}

  bool send(Frame frame) override;
  void close() override;
  void on_closed(std::function<void()> told) override;

  // For the writer: what is to be written next, in order. They count as waiting until written() says otherwise.
  std::deque<Frame> take();
  void written(std::size_t bytes);
  enum class Wish { go_on, end, abort };  // end: when everything is written; abort: at once, the client does not read
  [[nodiscard]] Wish wish() const;
  // The connection is gone. Idempotent.
  void mark_gone();

 private:
  mutable std::mutex mutex_;
  const std::size_t most_bytes_;
  const std::function<bool()> wake_;
  std::deque<Frame> frames_;
  std::size_t waiting_ = 0;  // bytes, those being written included
  bool woken_ = false;       // the writer has yet to come for what is there
  bool gone_ = false;
  Wish wish_ = Wish::go_on;
  std::function<void()> told_;
};

}  // namespace lockstep::http
