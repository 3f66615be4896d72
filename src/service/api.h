// The service's interface over HTTP: who may ask what, and what is answered. docs/formats/status-configuration.md has
// the configuration's form, openapi.json the whole.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"
#include "http/server.h"
#include "service/access.h"
#include "service/audit_trail.h"
#include "service/configuration_store.h"
#include "service/host_check.h"
#include "service/live.h"
#include "service/worker.h"

namespace lockstep::service {

// Everything outlives the interface.
struct ApiParts {
  ConfigurationStore& store;
  Live& live;
  const Access& access;
  const HostCheck& hosts;
  AuditTrail& audit;
  durable::Runtime& runtime;
  Clock& clock;
  Worker& worker;
  std::string root;  // of the certificate folders
  std::string version;
  bool tls = false;
  std::function<void(bool warning, const std::string& message)> log;  // safe from several threads
};

class Api {
 public:
  explicit Api(ApiParts parts);

  // For http::Server; from one thread at a time.
  http::ServerResponse handle(const http::ServerRequest& request, const http::Responder& respond);
  // A request that never came to handle().
  void note(const http::Unanswered& unanswered);
  // Writes down what was found on disk and taken over. In the worker's thread.
  void record_hand_edit(const std::vector<Change>& changes);

 private:
  // One request on its way to its answer.
  struct Call {
    http::ServerRequest request;
    http::Responder respond;
    std::string path;   // without the query
    std::string query;  // without the question mark
    std::string id;     // what stands for :id in the route
    Caller caller;
  };
  using CallPtr = std::shared_ptr<Call>;
  using Body = nlohmann::ordered_json;
  enum class Need { nothing, reading, writing };
  struct Route {
    const char* method;
    const char* pattern;
    Need need;
    void (Api::*answer)(const CallPtr& call);
  };
  static const std::vector<Route>& routes();

  void answer(const CallPtr& call, http::ServerResponse response) const;
  void dispatch(const CallPtr& call);
  void asset(const CallPtr& call);
  // Answers, and writes the refusal of what would have changed something down.
  void refuse(const CallPtr& call, const Refusal& refusal);
  void record_refusal(const CallPtr& call, const Refusal& refusal);
  void in_worker(const CallPtr& call, std::function<void()> job);

  // api_status.cc
  void health(const CallPtr& call);
  void metrics(const CallPtr& call);
  void session(const CallPtr& call);
  void rules(const CallPtr& call);
  void openapi(const CallPtr& call);
  void events(const CallPtr& call);
  void statuses(const CallPtr& call);
  void status(const CallPtr& call);
  void summary(const CallPtr& call);
  void certificates(const CallPtr& call);

  // api_config.cc
  void servers(const CallPtr& call);
  void server(const CallPtr& call);
  void groups(const CallPtr& call);
  void group(const CallPtr& call);
  void add_server(const CallPtr& call);
  void put_server(const CallPtr& call);
  void remove_server(const CallPtr& call);
  void add_group(const CallPtr& call);
  void put_group(const CallPtr& call);
  void remove_group(const CallPtr& call);
  void order_groups(const CallPtr& call);
  void edit(const CallPtr& call, int status, ConfigurationStore::Edit edit);
  void carry_out(const CallPtr& call, int status, const ConfigurationStore::Edit& edit);
  void failed(const CallPtr& call, const Error& error, bool in_force = false);
  // The JSON of a request; a refusal is answered, and nothing returned.
  std::shared_ptr<const Body> body_of(const CallPtr& call);

  ApiParts parts_;
  std::chrono::milliseconds began_;
  RefusalBrake brake_;  // the worker's
  std::atomic<std::uint64_t> saves_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> refusals_{0};
  std::atomic<std::uint64_t> unread_{0};
};

}  // namespace lockstep::service
