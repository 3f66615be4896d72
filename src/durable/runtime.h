// What every durable operation needs from outside, handed in from the top.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/random.h"
#include "fs/file_system.h"

namespace lockstep::durable {

struct Runtime {
  fs::FileSystem& files;
  Clock& clock;
  Random& random;
  std::chrono::milliseconds lock_timeout{30'000};  // bound on waiting for another process
};

}  // namespace lockstep::durable
