#include "fs/directory_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "fs/posix_descriptor.h"

namespace lockstep::fs {

namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE;
constexpr std::size_t kBufferBytes = 64U * 1024U;

class InotifyWatch final : public DirectoryWatch {
 public:
  explicit InotifyWatch(posix::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Status add(const std::string& directory) {
    if (::inotify_add_watch(descriptor_.get(), directory.c_str(), kEvents | IN_ONLYDIR) < 0)
      return posix::failed("watch", directory);
    return {};
  }

  Result<bool> wait(const std::set<std::string>& names, std::chrono::milliseconds longest) override {
    pollfd waiting{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(longest.count()));
    if (ready < 0 && errno != EINTR) return fail(system_error(errno, "cannot wait for changed files"));
    if (ready <= 0) return false;
    alignas(inotify_event) std::array<char, kBufferBytes> buffer{};
    const ssize_t count = posix::uninterrupted([&] { return ::read(descriptor_.get(), buffer.data(), buffer.size()); });
    if (count < 0 && errno == EAGAIN) return false;
    if (count < 0) return fail(system_error(errno, "cannot read which files were changed"));
    bool ours = false;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = buffer.data() + at + sizeof(event);
      if ((event.mask & IN_Q_OVERFLOW) != 0) ours = true;
      if (event.len > 0 && names.contains(std::string(name, ::strnlen(name, event.len)))) ours = true;
      at += sizeof(event) + event.len;
    }
    return ours;
  }

 private:
  posix::Descriptor descriptor_;
};

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::open(const std::vector<std::string>& directories) {
  posix::Descriptor descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (descriptor.get() < 0) return fail(system_error(errno, "cannot watch files"));
  auto watch = std::make_unique<InotifyWatch>(std::move(descriptor));
  for (const std::string& directory : directories) TRY(watch->add(directory));
  return watch;
}

}  // namespace lockstep::fs
