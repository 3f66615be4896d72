#include "http/event_queue.h"

#include <utility>

namespace lockstep::http {

bool EventQueue::send(Frame frame) {
  const std::lock_guard lock(mutex_);
  if (gone_ || wish_ != Wish::go_on) return false;
  const bool too_slow = waiting_ > most_bytes_;
  if (too_slow) {
    wish_ = Wish::abort;
    frames_.clear();  // those being written are the writer's
  } else {
    waiting_ += frame->size();
    frames_.push_back(std::move(frame));
  }
  if (!woken_) woken_ = wake_();
  return woken_ && !too_slow;
}

void EventQueue::close() {
  const std::lock_guard lock(mutex_);
  if (gone_ || wish_ != Wish::go_on) return;
  wish_ = Wish::end;
  if (!woken_) woken_ = wake_();
}

void EventQueue::on_closed(std::function<void()> told) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      told_ = std::move(told);
      return;
    }
  }
  told();
}

std::deque<EventStream::Frame> EventQueue::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return std::exchange(frames_, {});
}

void EventQueue::written(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  waiting_ -= bytes;
}

EventQueue::Wish EventQueue::wish() const {
  const std::lock_guard lock(mutex_);
  return wish_;
}

void EventQueue::mark_gone() {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(gone_, true)) return;
    frames_.clear();
    told = std::exchange(told_, {});
  }
  if (told) told();
}

}  // namespace lockstep::http
