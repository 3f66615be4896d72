#include "service/service.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "service/api.h"
#include "service/audit_trail.h"
#include "service/event_hub.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kQueue = 1024;

Endpoint endpoint_of(const Server& server) {
  return {.id = server.id,
          .name = server.name,
          .ip = server.ip,
          .dns_address = server.dns_address,
          .server_name = server.server_name,
          .protocol = server.protocol,
          .ca_bundle = server.ca_bundle,
          .port = server.port,
          .check_interval_seconds = server.check_interval_seconds,
          .consecutive_successes = server.consecutive_successes,
          .consecutive_failures = server.consecutive_failures,
          .expiry_warning_days = server.expiry_warning_days,
          .tags = server.tags};
}

Json groups_json(const Configuration& configuration) {
  Json out = Json::array();
  for (const Group& group : configuration.groups) out.push_back(Json(to_json(group)));
  return out;
}

// What the monitor and the hub know, as the interface asks for it.
class Watched final : public Live {
 public:
  Watched(const std::unique_ptr<Monitor>& monitor, const std::unique_ptr<EventHub>& hub, Clock& clock)
      : monitor_(monitor), hub_(hub), clock_(clock) {}

  [[nodiscard]] Json statuses() const override {
    Json out = Json::array();
    for (const ServerStatus& status : monitor_->statuses()) out.push_back(to_json(status, clock_.now()));
    return out;
  }
  [[nodiscard]] std::optional<Json> status(const std::string& id) const override {
    const auto found = monitor_->status(id);
    if (!found) return std::nullopt;
    return to_json(*found, clock_.now());
  }
  [[nodiscard]] Summary summary() const override {
    const MonitorSummary summary = monitor_->summary();
    return {summary.total, summary.online, summary.offline, summary.expiring};
  }
  [[nodiscard]] bool admits() const override { return hub_->admits(); }
  void attach(std::shared_ptr<http::EventStream> stream, const std::string& last_event_id) override {
    hub_->attach(std::move(stream), last_event_id);
  }
  [[nodiscard]] std::string metrics() const override { return monitor_->metrics() + hub_->metrics(); }

 private:
  const std::unique_ptr<Monitor>& monitor_;
  const std::unique_ptr<EventHub>& hub_;
  Clock& clock_;
};

class RunningService final : public Service {
 public:
  explicit RunningService(const ServiceParts& parts)
      : parts_(parts),
        audit_(parts_.runtime, parts_.directory, [this](const std::string& message) { parts_.log(true, message); }),
        live_(monitor_, hub_, parts_.runtime.clock) {}

  ~RunningService() override {
    worker_.reset();   // answers what has come in, and tells the two others
    monitor_.reset();  // tells the hub
    hub_.reset();
  }

  Status start() {
    store_ = TRY(ConfigurationStore::open(parts_.runtime, parts_.directory, observer()));
    for (const std::string& warning : store_->warnings()) parts_.log(true, warning);
    Clock& clock = parts_.runtime.clock;
    hub_ = TRY(EventHub::start(clock, parts_.random, [this] { return initial(); }));
    MonitorListener listener;
    listener.status_changed = [this](const ServerStatus& status) { tell("statusChange", status); };
    listener.certificate_changed = [this](const ServerStatus& status) { tell("certificateChange", status); };
    monitor_ = TRY(Monitor::start(parts_.prober, clock, parts_.random, std::move(listener), parts_.monitor));
    apply(store_->current()->configuration);
    worker_ = TRY(Worker::start(kQueue));
    api_ = std::make_unique<Api>(ApiParts{.store = *store_,
                                          .live = live_,
                                          .access = parts_.access,
                                          .hosts = parts_.hosts,
                                          .audit = audit_,
                                          .runtime = parts_.runtime,
                                          .clock = clock,
                                          .worker = *worker_,
                                          .root = parts_.root,
                                          .version = parts_.version,
                                          .tls = parts_.tls,
                                          .log = parts_.log});
    return {};
  }

  http::ServerResponse handle(const http::ServerRequest& request, const http::Responder& respond) override {
    return api_->handle(request, respond);
  }
  void note(const http::Unanswered& unanswered) override { api_->note(unanswered); }

  void refresh() override {
    // A full queue holds edits, and each of them reads the files itself.
    static_cast<void>(worker_->take([this] {
      // What keeps it from being read is a problem, which has been told.
      static_cast<void>(store_->refresh());
    }));
  }

  [[nodiscard]] std::vector<std::string> directories() const override { return store_->directories(); }
  [[nodiscard]] std::size_t server_count() const override { return store_->current()->configuration.servers.size(); }

 private:
  StoreObserver observer() {
    StoreObserver observer;
    observer.changed = [this](const Snapshot& before, const Snapshot& after, bool by_hand) {
      if (api_) changed(before.configuration, after.configuration, by_hand);
    };
    observer.problem = [this](const std::optional<ConfigurationProblem>& problem) {
      if (!store_) nothing_good_yet_ = problem.has_value();
      if (problem)
        parts_.log(true, problem->message + (nothing_good_yet_ ? "; nothing is watched until it can be used"
                                                               : "; what was good before stays in force"));
      if (!problem) {
        nothing_good_yet_ = false;
        parts_.log(false, "the configuration on disk can be used again");
      }
      if (!hub_) return;
      hub_->publish("configError", problem ? Json{{"message", problem->message}, {"file", problem->file}}
                                           : Json{{"message", nullptr}, {"file", nullptr}});
    };
    observer.info = [this](const std::string& message) { parts_.log(false, message); };
    return observer;
  }

  Json initial() const {
    const auto problem = store_->problem();
    return {{"servers", live_.statuses()},
            {"groups", groups_json(store_->current()->configuration)},
            {"configError", problem ? Json(problem->message) : Json(nullptr)}};
  }

  void tell(const char* what, const ServerStatus& status) {
    hub_->publish(what, {{"server", to_json(status, parts_.runtime.clock.now())}});
  }

  void apply(const Configuration& configuration) {
    std::vector<Endpoint> endpoints;
    endpoints.reserve(configuration.servers.size());
    for (const Server& server : configuration.servers) endpoints.push_back(endpoint_of(server));
    monitor_->apply(std::move(endpoints));
  }

  // In the worker's thread.
  void changed(const Configuration& before, const Configuration& after, bool by_hand) {
    const std::vector<Change> changes = changes_between(before, after);
    const auto touched = [&](const char* kind) {
      return std::ranges::any_of(changes, [&](const Change& change) { return change.kind == kind; });
    };
    // The order of the list is the order in which the states are shown.
    if (touched("server") || before.servers.size() != after.servers.size()) apply(after);
    for (const Change& change : changes) {
      if (change.kind != "server") continue;
      if (change.what == "DELETED") {
        hub_->publish("serverRemoved", {{"id", change.id}});
      } else if (const auto status = live_.status(change.id)) {
        hub_->publish(change.what == "ADDED" ? "serverAdded" : "serverUpdated", {{"server", *status}});
      }
    }
    if (touched("group")) hub_->publish("groupsChanged", {{"groups", groups_json(after)}});
    if (!by_hand) return;
    parts_.log(false,
               "the configuration was edited by hand: " + std::to_string(changes.size()) + " changes taken over");
    api_->record_hand_edit(changes);
  }

  ServiceParts parts_;
  AuditTrail audit_;
  std::unique_ptr<ConfigurationStore> store_;
  bool nothing_good_yet_ = false;  // the files could not be used at the start, and cannot since
  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<Monitor> monitor_;
  Watched live_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace

Result<std::unique_ptr<Service>> Service::start(const ServiceParts& parts) {
  auto service = std::make_unique<RunningService>(parts);
  TRY(service->start());
  return service;
}

}  // namespace lockstep::service
