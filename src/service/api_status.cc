// What is seen: the servers' states, the certificates of the store, and how this service is doing.
#include <nlohmann/json.hpp>

#include "base/metric_text.h"
#include "service/answers.h"
#include "service/api.h"
#include "service/rules.h"
#include "service/stored_certificates.h"

namespace lockstep::embedded {
extern const std::string_view kOpenApiJson;
}

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

template <class Any>
std::string text_of(const Any& value) {
  return value.dump(-1, ' ', false, Any::error_handler_t::replace);
}

constexpr std::int64_t kMillisecondsPerSecond = 1000;

}  // namespace

void Api::health(const CallPtr& call) {
  const auto problem = parts_.store.problem();
  const Live::Summary summary = parts_.live.summary();
  const bool audited = !parts_.audit.failing();
  Json out = {{"status", problem || !audited ? "degraded" : "ok"},
              {"timestamp", format_rfc3339(parts_.clock.now())},
              {"uptime", (parts_.clock.monotonic() - began_).count() / kMillisecondsPerSecond},
              {"serverCount", summary.total},
              {"onlineCount", summary.online}};
  // The message names servers.
  if (problem) out["configError"] = call->caller.may_read ? problem->message : "a configuration file cannot be used";
  if (!audited) out["auditError"] = "the audit log cannot be written";
  answer(call, document_answer(text_of(out)));
}

void Api::metrics(const CallPtr& call) {
  std::string text = parts_.live.metrics();
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help, double value) {
    append_metric({name, type, help, {{"", value}}}, &text);
  };
  const SnapshotPtr now = parts_.store.current();
  family("lockstep_service_groups", "gauge", "Groups in force.", static_cast<double>(now->configuration.groups.size()));
  family("lockstep_service_saves_total", "counter", "Changes that were saved.", static_cast<double>(saves_.load()));
  family("lockstep_service_save_failures_total", "counter", "Changes that could not be saved.",
         static_cast<double>(failures_.load()));
  family("lockstep_service_refusals_total", "counter", "Changes that were refused.",
         static_cast<double>(refusals_.load()));
  family("lockstep_service_unread_requests_total", "counter", "Requests that could not be read.",
         static_cast<double>(unread_.load()));
  family("lockstep_service_audit_errors_total", "counter", "Changes and refusals that could not be audited.",
         static_cast<double>(parts_.audit.errors()));
  family("lockstep_service_configuration_error", "gauge", "1 while the files on disk cannot be used.",
         parts_.store.problem() ? 1 : 0);
  answer(call, document_answer(std::move(text), kMetricContentType));
}

void Api::session(const CallPtr& call) {
  const Json out = {{"mayRead", call->caller.may_read},
                    {"mayWrite", call->caller.may_write},
                    {"who", call->caller.who},
                    {"version", parts_.version}};
  answer(call, data_answer(200, text_of(out)));
}

void Api::rules(const CallPtr& call) { answer(call, document_answer(std::string(rules_document()))); }

void Api::openapi(const CallPtr& call) { answer(call, document_answer(std::string(embedded::kOpenApiJson))); }

void Api::events(const CallPtr& call) {
  if (!parts_.live.admits()) return answer(call, error_answer(503, "Too many are listening; try again later"));
  http::ServerResponse response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [&live = parts_.live, last = std::string(call->request.header("last-event-id"))](
                        std::shared_ptr<http::EventStream> stream) { live.attach(std::move(stream), last); };
  answer(call, std::move(response));
}

void Api::statuses(const CallPtr& call) {
  const nlohmann::json out = {{"servers", parts_.live.statuses()}};
  answer(call, data_answer(200, text_of(out)));
}

void Api::status(const CallPtr& call) {
  const auto found = parts_.live.status(call->id);
  answer(call, found ? data_answer(200, text_of(*found)) : error_answer(404, "Server not found"));
}

void Api::summary(const CallPtr& call) {
  const Live::Summary summary = parts_.live.summary();
  const Json out = {{"total", summary.total},
                    {"online", summary.online},
                    {"offline", summary.offline},
                    {"expiring", summary.expiring},
                    {"uptime", (parts_.clock.monotonic() - began_).count() / kMillisecondsPerSecond}};
  answer(call, data_answer(200, text_of(out)));
}

void Api::certificates(const CallPtr& call) {
  // Reads folders, perhaps many: not in the network's thread.
  in_worker(call, [this, call] {
    const auto list = stored_certificates(parts_.runtime, parts_.root, parts_.clock.now(),
                                          [this](const std::string& message) { parts_.log(true, message); });
    if (!list) {
      parts_.log(true, "the certificates could not be listed: " + list.error().message);
      return answer(call, error_answer(500, "The certificates could not be listed"));
    }
    answer(call, data_answer(200, text_of(Json{{"certificates", *list}})));
  });
}

}  // namespace lockstep::service
