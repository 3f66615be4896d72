#include "testing/sim_core.h"

#include <algorithm>

namespace lockstep::testing::sim {

Verdict Core::ask(std::string_view kind, const std::string& path, bool mutates) {
  std::shared_ptr<OperationHook> hook;
  Operation operation{0, std::string(kind), path, mutates};
  {
    const std::lock_guard lock(hook_mutex_);
    operation.index = operations_++;
    hook = hook_;
  }
  // Outside of every mutex, because hooks look at the state.
  return hook ? (*hook)(operation) : Verdict{};
}

std::unexpected<Error> Core::failed(std::string_view kind, const std::string& path, int error) {
  return fail(system_error(error, "cannot " + std::string(kind) + " '" + path + "'"));
}

Status Core::sync(const std::string& path, Number number) {
  const Status status = call("fsync", path, true, [this, number] { return state.sync(number); });
  // State::sync never fails, so the error is an injected one.
  if (!status) {
    const std::lock_guard lock(mutex);
    state.fail_sync(number);
  }
  return status;
}

void Core::set_hook(OperationHook hook) {
  const std::lock_guard lock(hook_mutex_);
  hook_ = hook ? std::make_shared<OperationHook>(std::move(hook)) : nullptr;
  operations_ = 0;
}

std::uint64_t Core::operation_count() {
  const std::lock_guard lock(hook_mutex_);
  return operations_;
}

std::size_t Core::room(Number file, std::uint64_t offset, std::size_t count) const {
  if (!capacity) return count;
  std::uint64_t used = 0;
  for (const auto& [number, inode] : state.inodes()) {
    const auto open = open_.find(number);
    if (inode->link_count > 0 || (open != open_.end() && open->second > 0)) used += inode->content.size();
  }
  const std::uint64_t size = state.inode(file).content.size();
  const std::uint64_t free = *capacity > used ? *capacity - used : 0;
  const std::uint64_t end = std::max(offset, size + free);  // what is there may always be written again
  return static_cast<std::size_t>(std::min<std::uint64_t>(count, end - offset));
}

bool Core::try_lock(Number number, const void* holder, fs::LockKind kind) {
  Lock& lock = locks_[number];
  // As the kernel does it: changing the kind gives up the old lock first, and does not take it back.
  lock.shared.erase(holder);
  if (lock.exclusive == holder) lock.exclusive = nullptr;
  if (lock.exclusive != nullptr) return false;
  if (kind == fs::LockKind::shared) {
    lock.shared.insert(holder);
    return true;
  }
  if (!lock.shared.empty()) return false;
  lock.exclusive = holder;
  return true;
}

void Core::opened(Number number) {
  const std::lock_guard lock(mutex);
  ++open_[number];
}

void Core::closed(Number number, const void* holder) {
  const std::lock_guard lock(mutex);
  if (--open_[number] == 0) open_.erase(number);
  const auto held = locks_.find(number);
  if (held == locks_.end()) return;
  held->second.shared.erase(holder);
  if (held->second.exclusive == holder) held->second.exclusive = nullptr;
  if (held->second.shared.empty() && held->second.exclusive == nullptr) locks_.erase(held);
}

void Core::begin_writing(Number number) {
  const std::lock_guard lock(mutex);
  ++writers[number];
}

void Core::end_writing(Number number) {
  const std::lock_guard lock(mutex);
  if (--writers[number] == 0) writers.erase(number);
}

}  // namespace lockstep::testing::sim
