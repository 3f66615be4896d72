#include "base/system.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace lockstep {

UnixSeconds SystemClock::now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::chrono::milliseconds SystemClock::monotonic() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

void SystemClock::sleep_for(std::chrono::milliseconds duration) { std::this_thread::sleep_for(duration); }

void SystemRandom::fill(std::span<unsigned char> out) {
  // Requests of up to 256 bytes are never cut short and never fail once the generator is seeded.
  constexpr std::size_t kWhole = 256;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t count = std::min(kWhole, out.size() - done);
    const ssize_t got = getrandom(out.data() + done, count, 0);
    if (got < 0 && errno == EINTR) continue;
    LOCKSTEP_CHECK(got > 0);
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace lockstep
