// What all handles of one simulated system share: the disk, the hook, open files and locks.
#pragma once

#include <mutex>
#include <set>
#include <type_traits>
#include <utility>

#include "testing/sim_file_system.h"

namespace lockstep::testing::sim {

class Core : public std::enable_shared_from_this<Core> {
 public:
  std::mutex mutex;  // over all that follows
  State state;
  std::optional<std::uint64_t> capacity;
  bool can_copy = true;
  bool can_clone = false;
  std::map<Number, std::size_t> writers;  // how many handles may write it
  std::function<void()> delayed;
  std::function<void()> before_delayed;

  // One call of the seam: asks the hook, then runs `body`, an Outcome<T>(), under the mutex. What the body captures
  // must outlive the handle, since a call that gives no value may be put off.
  template <class Body>
  auto call(std::string_view kind, const std::string& path, bool mutates, Body body)
      -> Result<typename std::invoke_result_t<Body>::value_type> {
    using Value = typename std::invoke_result_t<Body>::value_type;
    const Verdict verdict = ask(kind, path, mutates);
    if (verdict.action == Verdict::Action::fail) return failed(kind, path, verdict.error);
    std::unique_lock lock(mutex);
    if constexpr (std::is_void_v<Value>) {
      if (verdict.action == Verdict::Action::skip) return {};
      if (verdict.action == Verdict::Action::delay && mutates && !delayed) {
        delayed = [body] { static_cast<void>(body()); };
        return {};
      }
    }
    std::function<void()> late;
    if (mutates) late = std::exchange(delayed, nullptr);
    auto outcome = body();
    if (late) {
      lock.unlock();
      if (before_delayed) before_delayed();  // it looks at the state
      lock.lock();
      late();
    }
    if (!outcome) return failed(kind, path, outcome.error());
    if constexpr (std::is_void_v<Value>) {
      return {};
    } else {
      return std::move(*outcome);
    }
  }

  // fsync of a file or directory; an injected error is the disk's.
  Status sync(const std::string& path, Number number);

  void set_hook(OperationHook hook);
  std::uint64_t operation_count();

  // Under the mutex:
  // Bytes that a write of `count` at `offset` may still put down.
  [[nodiscard]] std::size_t room(Number file, std::uint64_t offset, std::size_t count) const;
  [[nodiscard]] bool try_lock(Number number, const void* holder, fs::LockKind kind);

  // A handle came or went.
  void opened(Number number);
  void closed(Number number, const void* holder);
  // One that may write.
  void begin_writing(Number number);
  void end_writing(Number number);

 private:
  struct Lock {
    std::set<const void*> shared;
    const void* exclusive = nullptr;
  };

  Verdict ask(std::string_view kind, const std::string& path, bool mutates);
  static std::unexpected<Error> failed(std::string_view kind, const std::string& path, int error);

  std::mutex hook_mutex_;
  std::shared_ptr<OperationHook> hook_;  // shared, so that a hook may keep state of its own
  std::uint64_t operations_ = 0;
  std::map<Number, std::size_t> open_;
  std::map<Number, Lock> locks_;
};

// Handles on an inode; `core` counts them. Not under the mutex.
std::unique_ptr<fs::File> make_file(std::shared_ptr<Core> core, Number number, std::string path, bool writable);
std::unique_ptr<fs::Directory> make_directory(std::shared_ptr<Core> core, Number number, std::string path);

}  // namespace lockstep::testing::sim
