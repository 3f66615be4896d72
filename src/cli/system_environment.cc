#include "cli/system_environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "crypto/library.h"

namespace lockstep::cli {

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
