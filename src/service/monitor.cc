#include "service/monitor.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "service/watch_list.h"

namespace lockstep::service {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{60'000};

// Results of checks on their way from the prober's thread. It outlives both sides.
struct Inbox {
  struct Finished {
    std::string id;
    std::uint64_t run;
    http::ProbeResult result;
  };
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Finished> finished;
  bool changed = false;  // what is watched
  bool stopping = false;
};

class RunningMonitor final : public Monitor {
 public:
  RunningMonitor(http::Prober& prober, Clock& clock, MonitorListener listener, const MonitorOptions& options,
                 double offset)
      : prober_(prober), clock_(clock), listener_(std::move(listener)), list_(options, offset) {}
  ~RunningMonitor() override {
    {
      const std::lock_guard lock(inbox_->mutex);
      inbox_->stopping = true;
    }
    inbox_->wake.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return fail(ErrorCode::resource_exhausted, "cannot start the thread that watches servers",
                  "raise the limit on processes (ulimit -u)");
    }
    return {};
  }

  void apply(std::vector<Endpoint> endpoints) override {
    {
      const std::lock_guard round(round_mutex_);
      const std::lock_guard lock(list_mutex_);
      for (const std::string& id : list_.apply(std::move(endpoints), now())) handles_.erase(id);
    }
    {
      const std::lock_guard lock(inbox_->mutex);
      inbox_->changed = true;
    }
    inbox_->wake.notify_all();
  }

  [[nodiscard]] std::vector<ServerStatus> statuses() const override {
    const std::lock_guard lock(list_mutex_);
    return list_.statuses();
  }
  [[nodiscard]] std::optional<ServerStatus> status(const std::string& id) const override {
    const std::lock_guard lock(list_mutex_);
    return list_.status(id);
  }
  [[nodiscard]] MonitorSummary summary() const override {
    const std::lock_guard lock(list_mutex_);
    return list_.summary();
  }
  [[nodiscard]] std::string metrics() const override {
    const std::lock_guard lock(list_mutex_);
    return list_.metrics();
  }

 private:
  [[nodiscard]] Moment now() const { return {.monotonic = clock_.monotonic(), .wall = clock_.now()}; }

  // Until the next check is due, or for ever in pieces.
  [[nodiscard]] milliseconds wait() const {
    const std::lock_guard lock(list_mutex_);
    const auto next = list_.next();
    if (!next) return kLongestWait;
    return std::clamp(*next - clock_.monotonic(), milliseconds(0), kLongestWait);
  }

  void run() {
    while (true) {
      const milliseconds longest = wait();
      std::deque<Inbox::Finished> finished;
      {
        std::unique_lock lock(inbox_->mutex);
        inbox_->wake.wait_for(lock, longest,
                              [this] { return inbox_->stopping || inbox_->changed || !inbox_->finished.empty(); });
        if (inbox_->stopping) return;
        inbox_->changed = false;
        finished.swap(inbox_->finished);
      }
      const std::lock_guard round(round_mutex_);
      for (const Inbox::Finished& one : finished) take(one);
      start_due();
    }
  }

  void take(const Inbox::Finished& one) {
    std::optional<WatchList::Told> told;
    {
      const std::lock_guard lock(list_mutex_);
      told = list_.finish(one.id, one.run, one.result, now());
      const auto handle = handles_.find(one.id);
      if (handle != handles_.end() && handle->second.run == one.run) handles_.erase(handle);
    }
    if (!told) return;
    if (told->change.certificate && listener_.certificate_changed) listener_.certificate_changed(told->status);
    if (told->change.status && listener_.status_changed) listener_.status_changed(told->status);
  }

  void start_due() {
    while (true) {
      std::optional<WatchList::Start> next;
      {
        const std::lock_guard lock(list_mutex_);
        next = list_.start_next(now());
      }
      if (!next) return;
      handles_[next->id] = {next->run, prober_.probe(next->target, [inbox = inbox_, id = next->id,
                                                                    run = next->run](http::ProbeResult result) {
                              {
                                const std::lock_guard lock(inbox->mutex);
                                inbox->finished.push_back({id, run, std::move(result)});
                              }
                              inbox->wake.notify_all();
                            })};
    }
  }

  struct Check {
    std::uint64_t run = 0;
    http::Prober::Handle handle;
  };

  http::Prober& prober_;
  Clock& clock_;
  MonitorListener listener_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::mutex round_mutex_;                          // first: a round of the thread, or a change of what is watched
  mutable std::mutex list_mutex_;                   // then: never held while anybody is told
  WatchList list_;                                  // by list_mutex_
  std::unordered_map<std::string, Check> handles_;  // by round_mutex_: the checks that are under way
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::start(http::Prober& prober, Clock& clock, Random& random,
                                                MonitorListener listener, const MonitorOptions& options) {
  constexpr double kWhole = 18446744073709551616.0;  // 2^64
  const double offset = static_cast<double>(random_bits(random)) / kWhole;
  auto monitor = std::make_unique<RunningMonitor>(prober, clock, std::move(listener), options, offset);
  TRY(monitor->start());
  return monitor;
}

}  // namespace lockstep::service
