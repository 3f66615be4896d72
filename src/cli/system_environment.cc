#include "cli/system_environment.h"

#include <fcntl.h>
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

namespace {

// A standard descriptor that is closed would be given to the first file that is opened, and text meant for people would
// end up in a key or a lock. One that can only be read makes writing to it fail, as it does when it is closed.
void occupy_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDONLY));
  }
}

}  // namespace

void prepare_process() {
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then EFBIG from write, and cleaned up after
  umask(077);
  crypto::initialize_library();
}

}  // namespace lockstep::cli
