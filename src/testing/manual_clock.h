// A clock and a random source that tests set by hand.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace lockstep::testing {

// Stands still until moved; sleeping moves it.
class ManualClock : public Clock {
 public:
  explicit ManualClock(UnixSeconds start = 1'772'366'400) : milliseconds_(start * 1000) {}  // 2026-03-01T12:00:00Z
  UnixSeconds now() override { return milliseconds_.load() / 1000; }
  std::chrono::milliseconds monotonic() override { return std::chrono::milliseconds(milliseconds_.load()); }
  void sleep_for(std::chrono::milliseconds duration) override { milliseconds_ += duration.count(); }
  void advance(std::int64_t seconds) { milliseconds_ += seconds * 1000; }

 private:
  std::atomic<std::int64_t> milliseconds_;
};

// A repeatable sequence (splitmix64): the same seed gives the same names.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<unsigned char> out) override;
  std::uint64_t next();

 private:
  std::atomic<std::uint64_t> state_;
};

}  // namespace lockstep::testing
