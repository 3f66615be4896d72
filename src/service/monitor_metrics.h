// What the monitor tells a Prometheus server about its own work.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace lockstep::service {

class MonitorMetrics {
 public:
  void count_check(bool succeeded) { ++(succeeded ? succeeded_ : failed_); }
  void count_own_failure() { ++own_failures_; }
  void count_skipped() { ++skipped_; }
  void count_change() { ++changes_; }
  void observe_lateness(std::chrono::milliseconds lateness);
  void append_to(std::string* text) const;

 private:
  static constexpr std::array<std::int64_t, 11> kBounds = {1,   5,   10,   25,   50,    100,
                                                           250, 500, 1000, 5000, 30'000};  // milliseconds

  std::uint64_t succeeded_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t own_failures_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t changes_ = 0;
  std::array<std::uint64_t, kBounds.size() + 1> late_{};
  std::int64_t lateness_ = 0;  // milliseconds, of all
};

}  // namespace lockstep::service
