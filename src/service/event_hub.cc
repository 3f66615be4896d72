#include "service/event_hub.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "base/metric_text.h"

namespace lockstep::service {

namespace {

using http::EventStream;
using nlohmann::json;

constexpr std::size_t kEpochLength = 10;
constexpr std::chrono::milliseconds kInitialShared{1'000};

// One event as it goes over the wire. Text from outside that is no UTF-8 is made so rather than thrown about.
std::string frame_of(const std::string& id, const json& event) {
  std::string text = id.empty() ? std::string() : "id: " + id + "\n";
  text += "data: " + event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
  return text;
}

EventStream::Frame shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

class RunningHub final : public EventHub {
 public:
  RunningHub(Clock& clock, std::string epoch, Initial initial, const EventHubOptions& options)
      : clock_(clock), epoch_(std::move(epoch)), initial_(std::move(initial)), options_(options) {}
  ~RunningHub() override {
    {
      const std::lock_guard lock(clients_->mutex);
      clients_->stopping = true;
    }
    clients_->wake.notify_all();
    if (thread_.joinable()) thread_.join();
    std::unordered_map<std::uint64_t, std::shared_ptr<EventStream>> streams;
    {
      const std::lock_guard lock(clients_->mutex);
      streams.swap(clients_->streams);
    }
    for (const auto& [number, stream] : streams) stream->close();  // may tell the list at once
  }

  Status start() {
    try {
      thread_ = std::thread([this] { beat(); });
    } catch (const std::system_error&) {
      return fail(ErrorCode::resource_exhausted, "cannot start the thread of heartbeats",
                  "raise the limit on processes (ulimit -u)");
    }
    return {};
  }

  void publish(const std::string& type, const json& data) override {
    json event = data;
    event["type"] = type;
    const std::lock_guard lock(clients_->mutex);
    ++last_;
    EventStream::Frame frame = shared(frame_of(id_of(last_), event));
    ring_.push_back(frame);
    if (ring_.size() > options_.kept) ring_.pop_front();
    send_to_all(frame);
  }

  [[nodiscard]] bool admits() const override { return clients() < options_.clients; }

  void attach(std::shared_ptr<EventStream> stream, const std::string& last_event_id) override {
    std::optional<Start> start;
    if (!may_resume(last_event_id)) start = starting_document();
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(clients_->mutex);
      // What was kept may be gone by now; then it begins like a new one, which needs no lock held.
      const std::optional<std::uint64_t> had = start ? std::optional(start->event) : number_of(last_event_id);
      if (clients_->stopping || clients_->streams.size() >= options_.clients || !had || !is_kept(*had)) {
        ++refused_;
        return stream->close();
      }
      const json connected{
          {"type", "connected"}, {"timestamp", format_rfc3339(clock_.now())}, {"lastEventId", id_of(last_)}};
      // Before `initial` there is nothing that could be gone on from.
      bool there = stream->send(shared(frame_of(start ? std::string() : last_event_id, connected)));
      if (start) there = there && stream->send(start->frame);
      const std::size_t missed = last_ - *had;
      for (std::size_t i = ring_.size() - missed; i < ring_.size(); ++i) there = there && stream->send(ring_[i]);
      if (!there) return stream->close();
      ++(start ? began_ : resumed_);
      number = ++clients_->number;
      clients_->streams.emplace(number, stream);
    }
    // Without the lock: it may be called at once. The hub may be gone by then, so only the list is held.
    stream->on_closed([clients = std::weak_ptr(clients_), number] {
      const auto list = clients.lock();
      if (!list) return;
      const std::lock_guard lock(list->mutex);
      list->streams.erase(number);
    });
  }

  [[nodiscard]] std::size_t clients() const override {
    const std::lock_guard lock(clients_->mutex);
    return clients_->streams.size();
  }

  [[nodiscard]] std::string metrics() const override {
    const std::lock_guard lock(clients_->mutex);
    std::string text;
    const auto one = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
      append_metric({name, type, help, {{"", static_cast<double>(value)}}}, &text);
    };
    one("lockstep_service_event_clients", "gauge", "Clients that listen to events.", clients_->streams.size());
    one("lockstep_service_events_total", "counter", "Events that were published.", last_);
    one("lockstep_service_event_clients_began_total", "counter", "Clients that began with everything.", began_);
    one("lockstep_service_event_clients_resumed_total", "counter", "Clients that got what they had missed.", resumed_);
    one("lockstep_service_event_clients_refused_total", "counter", "Clients beyond the limit.", refused_);
    one("lockstep_service_event_clients_dropped_total", "counter", "Clients that did not keep up.", dropped_);
    return text;
  }

 private:
  // Streams tell the list of their end, also when the hub is gone.
  struct Clients {
    std::mutex mutex;
    std::condition_variable wake;
    std::unordered_map<std::uint64_t, std::shared_ptr<EventStream>> streams;
    std::uint64_t number = 0;
    bool stopping = false;
  };
  // An `initial` event, and the last event that is surely in it.
  struct Start {
    EventStream::Frame frame;
    std::uint64_t event = 0;
    std::chrono::milliseconds made{};
  };

  [[nodiscard]] std::string id_of(std::uint64_t event) const { return epoch_ + "-" + std::to_string(event); }

  // Of an id that was given in this run.
  [[nodiscard]] std::optional<std::uint64_t> number_of(const std::string& id) const {
    constexpr std::size_t kMostDigits = 18;
    if (!id.starts_with(epoch_ + "-")) return std::nullopt;
    const std::string digits = id.substr(epoch_.size() + 1);
    const bool number = !digits.empty() && digits.size() <= kMostDigits &&
                        std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!number) return std::nullopt;
    return std::stoull(digits);
  }

  // Everything after that event can be given again. With the lock.
  [[nodiscard]] bool is_kept(std::uint64_t event) const { return event <= last_ && last_ - event <= ring_.size(); }

  bool may_resume(const std::string& last_event_id) {
    const auto number = number_of(last_event_id);
    const std::lock_guard lock(clients_->mutex);
    // With room for what is published until it is attached.
    return number && is_kept(*number) && (ring_.size() < options_.kept || last_ - *number <= options_.kept / 2);
  }

  // A thousand clients that come back at once share one, so long as what happened since is still kept.
  Start starting_document() {
    const std::lock_guard making(initial_mutex_);
    Start start;
    {
      const std::lock_guard lock(clients_->mutex);
      const bool fresh = shared_start_.frame && clock_.monotonic() - shared_start_.made < kInitialShared &&
                         last_ - shared_start_.event <= options_.kept / 2;
      if (fresh) return shared_start_;
      start.event = last_;
    }
    start.made = clock_.monotonic();
    json event = initial_();
    event["type"] = "initial";
    start.frame = shared(frame_of(id_of(start.event), event));
    shared_start_ = start;
    return start;
  }

  // With the lock. One that does not keep up is told to come back: its connection ends.
  void send_to_all(const EventStream::Frame& frame) {
    for (auto client = clients_->streams.begin(); client != clients_->streams.end();) {
      if (client->second->send(frame)) {
        ++client;
      } else {
        ++dropped_;
        client = clients_->streams.erase(client);
      }
    }
  }

  void beat() {
    std::unique_lock lock(clients_->mutex);
    while (!clients_->wake.wait_for(lock, options_.heartbeat, [this] { return clients_->stopping; })) {
      const json event{{"type", "heartbeat"}, {"timestamp", format_rfc3339(clock_.now())}};
      send_to_all(shared(frame_of(id_of(last_), event)));
    }
  }

  Clock& clock_;
  const std::string epoch_;
  const Initial initial_;
  const EventHubOptions options_;
  const std::shared_ptr<Clients> clients_ = std::make_shared<Clients>();
  // By the mutex of the clients:
  std::deque<EventStream::Frame> ring_;
  std::uint64_t last_ = 0;
  std::uint64_t began_ = 0;
  std::uint64_t resumed_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
  std::mutex initial_mutex_;  // taken before the other
  Start shared_start_;        // by initial_mutex_
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EventHub>> EventHub::start(Clock& clock, Random& random, Initial initial,
                                                  const EventHubOptions& options) {
  auto hub = std::make_unique<RunningHub>(clock, random_name(random, kEpochLength), std::move(initial), options);
  TRY(hub->start());
  return hub;
}

}  // namespace lockstep::service
