#include "cli/system_environment.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "crypto/library.h"

namespace lockstep::cli {

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

Status DescriptorOutput::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error(errno, "cannot write the output"));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

bool DescriptorOutput::is_terminal() const { return isatty(descriptor_) == 1; }

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  umask(077);
  crypto::initialize_library();
}

}  // namespace lockstep::cli
