#include "http/name_pool.h"

#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace lockstep::http {

namespace {

using Waiting = std::vector<std::function<void(const Resolved&)>>;

constexpr std::size_t kMostThreads = 16;
constexpr std::size_t kMostNames = 4096;  // that wait
constexpr std::size_t kMostAddresses = 8;

std::string words_for(int why) {
  switch (why) {
    case EAI_NONAME:
    case EAI_NODATA: return "the name is not known";
    case EAI_AGAIN: return "no name server answers";
    default: return std::string("the name was not resolved: ") + ::gai_strerror(why);
  }
}

Resolved look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int why = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (why != 0) return {.addresses = {}, .error = words_for(why), .ours = why == EAI_MEMORY};
  Resolved resolved;
  for (const addrinfo* one = found; one != nullptr && resolved.addresses.size() < kMostAddresses; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      resolved.addresses.emplace_back(text.data());
  }
  ::freeaddrinfo(found);
  if (resolved.addresses.empty()) resolved.error = "the name has no address";
  return resolved;
}

}  // namespace

struct NamePool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::string> names;           // that no thread has taken yet
  std::map<std::string, Waiting> waiting;  // by name, those being looked up included
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool closed = false;
};

NamePool::NamePool() : state_(std::make_shared<State>()) {}

NamePool::~NamePool() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->waiting.clear();
  state_->wake.notify_all();
}

void NamePool::resolve(const std::string& name, std::function<void(const Resolved&)> done) {
  bool taken = true;
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->waiting.find(name);
    if (found != state_->waiting.end()) {
      found->second.push_back(std::move(done));
      return;
    }
    if (state_->idle <= state_->names.size() && state_->threads < kMostThreads) {
      // Signals are for others; a new thread has the mask of the one that makes it.
      sigset_t all;
      sigset_t before;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &before);
      try {
        std::thread([state = state_] { work(state); }).detach();
        ++state_->threads;
      } catch (const std::system_error&) {
        taken = state_->threads > 0;  // else nobody would ever come
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    taken = taken && state_->names.size() < kMostNames;
    if (taken) {
      state_->waiting[name].push_back(std::move(done));
      state_->names.push_back(name);
      state_->wake.notify_one();
    }
  }
  if (!taken) done({.addresses = {}, .error = "too many names wait to be resolved", .ours = true});
}

void NamePool::work(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    ++state->idle;
    state->wake.wait(lock, [&] { return state->closed || !state->names.empty(); });
    --state->idle;
    if (state->closed) return;
    const std::string name = std::move(state->names.front());
    state->names.pop_front();
    lock.unlock();
    const Resolved resolved = look_up(name);
    lock.lock();
    const auto waiting = state->waiting.extract(name);
    lock.unlock();
    // Empty when the pool has been closed meanwhile.
    if (!waiting.empty()) {
      for (const auto& done : waiting.mapped()) done(resolved);
    }
    lock.lock();
  }
}

}  // namespace lockstep::http
