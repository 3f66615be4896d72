// The system's clock and randomness, for the top of a program to hand down.
#pragma once

#include "base/clock.h"
#include "base/random.h"

namespace lockstep {

class SystemClock : public Clock {
 public:
  UnixSeconds now() override;
  std::chrono::milliseconds monotonic() override;
  void sleep_for(std::chrono::milliseconds duration) override;
};

// The kernel's generator, getrandom(2).
class SystemRandom : public Random {
 public:
  void fill(std::span<unsigned char> out) override;
};

}  // namespace lockstep
