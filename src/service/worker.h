// One thread that does one thing after the other: everything that writes, and what reads slowly.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace lockstep::service {

class Worker {
 public:
  // Error: resource_exhausted when there is no thread to be had.
  static Result<std::unique_ptr<Worker>> start(std::size_t queue);
  // Does what was taken, and ends the thread.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // False when too much waits already. Safe from any thread.
  bool take(std::function<void()> job);

 private:
  explicit Worker(std::size_t queue) : most_(queue) {}
  void run();

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lockstep::service
