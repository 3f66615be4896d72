// A runtime whose clock stands still, unless it is slept on, and whose names are the same in every run.
#pragma once

#include <chrono>

#include "durable/runtime.h"
#include "testing/manual_clock.h"

namespace lockstep::testing {

struct Machine {
  explicit Machine(fs::FileSystem& files, std::chrono::milliseconds lock_wait = std::chrono::milliseconds(10))
      : runtime{files, clock, random, lock_wait} {}
  ManualClock clock;
  SeededRandom random{7};
  durable::Runtime runtime;
};

}  // namespace lockstep::testing
