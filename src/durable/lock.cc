#include "durable/lock.h"

#include <algorithm>
#include <cerrno>
#include <functional>

namespace lockstep::durable {

namespace {

using std::chrono::milliseconds;

// flock has no time limit of its own, and a signal to interrupt it would not be ours to take: ask again at growing
// intervals, short at first because a commit takes about a millisecond.
Status wait_for(Runtime& runtime, const std::string& path, const std::function<Result<bool>()>& attempt) {
  constexpr milliseconds kLongestPause{20};
  const milliseconds deadline = runtime.clock.monotonic() + runtime.lock_timeout;
  milliseconds pause{1};
  for (;;) {
    const bool locked = TRY(attempt());
    if (locked) return {};
    const milliseconds left = deadline - runtime.clock.monotonic();
    if (left <= milliseconds::zero()) {
      return fail(ErrorCode::lock_timeout,
                  "'" + path + "' is locked by another process; gave up after " +
                      std::to_string(runtime.lock_timeout.count()) + " ms",
                  "wait for the other command to end, or allow more time with --lock-timeout");
    }
    runtime.clock.sleep_for(std::min(pause, left));
    pause = std::min(pause * 2, kLongestPause);
  }
}

Result<std::unique_ptr<fs::File>> lock_opened(Runtime& runtime, std::unique_ptr<fs::File> file, fs::LockKind kind) {
  TRY(wait_for(runtime, file->path(), [&] { return file->try_lock(kind); }));
  const fs::Stat stat = TRY(file->stat());
  if (stat.link_count == 0) return std::unique_ptr<fs::File>();
  return file;
}

}  // namespace

Result<std::unique_ptr<fs::File>> lock_file(Runtime& runtime, fs::Directory& directory, const std::string& name) {
  std::unique_ptr<fs::File> file = TRY(directory.open_file(name, fs::OpenMode::create_or_open, 0600));
  return lock_opened(runtime, std::move(file), fs::LockKind::exclusive);
}

Result<std::unique_ptr<fs::File>> lock_file_shared(Runtime& runtime, fs::Directory& directory,
                                                   const std::string& name) {
  auto file = directory.open_file(name, fs::OpenMode::read);
  if (!file) {
    if (file.error().system_errno == ENOENT) return std::unique_ptr<fs::File>();
    return fail(std::move(file).error());
  }
  return lock_opened(runtime, std::move(*file), fs::LockKind::shared);
}

Status lock_directory(Runtime& runtime, fs::Directory& directory) {
  return wait_for(runtime, directory.path(), [&] { return directory.try_lock(fs::LockKind::exclusive); });
}

}  // namespace lockstep::durable
