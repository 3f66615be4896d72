#include "cli/system_environment.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

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

TerminalSize DescriptorOutput::terminal_size() const {
  winsize window{};
  // A terminal that does not know its size, such as a serial line, says zero.
  if (ioctl(descriptor_, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {.columns = window.ws_col, .rows = window.ws_row};
}

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

namespace {

std::atomic<bool> stop_asked{false};
std::atomic<bool> reload_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the flags are set in signal handlers");

void ask_to_stop(int signal) {
  // Whoever asks a second time does not want to wait for the answer or the hook under way: as without a handler.
  if (!stop_asked.exchange(true)) return;
  static_cast<void>(std::signal(signal, SIG_DFL));
  static_cast<void>(raise(signal));
}
void ask_to_reload(int) { reload_asked.store(true); }

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  static_cast<void>(sigaction(signal, &action, nullptr));
}

}  // namespace

void catch_signals() {
  handle(SIGTERM, ask_to_stop);
  handle(SIGINT, ask_to_stop);
  handle(SIGHUP, ask_to_reload);
}

std::atomic<bool>* stop_flag() { return &stop_asked; }
std::atomic<bool>* reload_flag() { return &reload_asked; }

void notify_service_manager(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return;
  // There is nobody to tell that the service manager does not listen.
  static_cast<void>(sendto(socket_fd, state.data(), state.size(), MSG_NOSIGNAL,
                           reinterpret_cast<const sockaddr*>(&address),
                           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length)));
  close(socket_fd);
}

}  // namespace lockstep::cli
