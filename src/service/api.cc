#include "service/api.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>

#include "service/answers.h"
#include "service/assets.h"

namespace lockstep::service {

namespace {

using http::Responder;
using http::ServerRequest;
using http::ServerResponse;

// The part of `text` up to the next slash, and what is behind it.
std::pair<std::string_view, std::string_view> first_segment(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {text, {}};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// Does the path fit "/api/config/servers/:id"? An id is what rules.json lets be one, unescaped.
bool fits(std::string_view pattern, std::string_view path, std::string* id) {
  while (!pattern.empty() || !path.empty()) {
    if (pattern.empty() || path.empty() || pattern.front() != '/' || path.front() != '/') return false;
    const auto [wanted, more_wanted] = first_segment(pattern.substr(1));
    const auto [got, more_got] = first_segment(path.substr(1));
    if (wanted == ":id") {
      *id = got;
      if (got.empty()) return false;
    } else if (wanted != got) {
      return false;
    }
    pattern = pattern.substr(1 + wanted.size());
    path = path.substr(1 + got.size());
  }
  return true;
}

bool is_interface(std::string_view path) {
  return path == "/health" || path == "/metrics" || path == "/api" || path.starts_with("/api/");
}

bool reads(const std::string& method) { return method == "GET" || method == "HEAD"; }

}  // namespace

const std::vector<Api::Route>& Api::routes() {
  // What stands earlier is meant where several fit: "stats" and "order" are no ids.
  static const std::vector<Route> kRoutes = {
      {"GET", "/health", Need::nothing, &Api::health},
      {"GET", "/metrics", Need::reading, &Api::metrics},
      {"GET", "/api/session", Need::nothing, &Api::session},
      {"GET", "/api/rules", Need::nothing, &Api::rules},
      {"GET", "/api/openapi.json", Need::nothing, &Api::openapi},
      {"GET", "/api/events", Need::reading, &Api::events},
      {"GET", "/api/certificates", Need::reading, &Api::certificates},
      {"GET", "/api/servers", Need::reading, &Api::statuses},
      {"GET", "/api/servers/stats/summary", Need::reading, &Api::summary},
      {"GET", "/api/servers/:id", Need::reading, &Api::status},
      {"GET", "/api/config/servers", Need::reading, &Api::servers},
      {"POST", "/api/config/servers", Need::writing, &Api::add_server},
      {"GET", "/api/config/servers/:id", Need::reading, &Api::server},
      {"PUT", "/api/config/servers/:id", Need::writing, &Api::put_server},
      {"DELETE", "/api/config/servers/:id", Need::writing, &Api::remove_server},
      {"GET", "/api/config/groups", Need::reading, &Api::groups},
      {"POST", "/api/config/groups", Need::writing, &Api::add_group},
      {"PUT", "/api/config/groups/order", Need::writing, &Api::order_groups},
      {"GET", "/api/config/groups/:id", Need::reading, &Api::group},
      {"PUT", "/api/config/groups/:id", Need::writing, &Api::put_group},
      {"DELETE", "/api/config/groups/:id", Need::writing, &Api::remove_group},
  };
  return kRoutes;
}

Api::Api(ApiParts parts) : parts_(std::move(parts)), began_(parts_.clock.monotonic()) {}

ServerResponse Api::handle(const ServerRequest& request, const Responder& respond) {
  auto call = std::make_shared<Call>();
  call->request = request;
  call->respond = respond;
  const std::size_t question = request.target.find('?');
  call->path = request.target.substr(0, question);
  if (question != std::string::npos) call->query = request.target.substr(question + 1);
  try {
    dispatch(call);
  } catch (const std::exception& error) {
    parts_.log(true, request.method + " " + call->path + " was not answered: " + error.what());
    answer(call, error_answer(500, "Internal server error"));
  }
  auto late = error_answer(500, "The answer takes too long; look whether the change was made");
  add_security_headers(late, parts_.tls, request.host);
  return late;
}

void Api::note(const http::Unanswered&) { unread_.fetch_add(1); }

void Api::answer(const CallPtr& call, ServerResponse response) const {
  add_security_headers(response, parts_.tls, call->request.host);
  call->respond(std::move(response));
}

void Api::dispatch(const CallPtr& call) {
  if (auto refused = parts_.hosts.check(call->request, parts_.tls)) return refuse(call, *refused);
  if (!is_interface(call->path)) return asset(call);
  const std::string method = call->request.method == "HEAD" ? "GET" : call->request.method;
  std::string allowed;
  for (const Route& route : routes()) {
    if (!fits(route.pattern, call->path, &call->id)) continue;
    if (route.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    call->caller = parts_.access.identify(call->request, parts_.clock.now());
    const bool may =
        route.need == Need::nothing || (route.need == Need::reading ? call->caller.may_read : call->caller.may_write);
    if (!may) return refuse(call, {401, "Unauthorized", {}});
    return (this->*route.answer)(call);
  }
  if (allowed.empty()) return answer(call, error_answer(404, "Route not found"));
  auto response = error_answer(405, "Method not allowed");
  response.headers.emplace_back("Allow", allowed);
  answer(call, std::move(response));
}

void Api::asset(const CallPtr& call) {
  if (!reads(call->request.method)) {
    auto response = error_answer(405, "Method not allowed");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return answer(call, std::move(response));
  }
  const auto found = find_asset(call->path);
  if (!found) return answer(call, error_answer(404, "Route not found"));
  ServerResponse response;
  response.headers.emplace_back("ETag", found->etag);
  if (call->request.header("if-none-match") == found->etag) {
    response.status = 304;
  } else {
    response.content_type = found->content_type;
    response.body = found->content;
  }
  response.headers.emplace_back("Cache-Control", found->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  answer(call, std::move(response));
}

void Api::refuse(const CallPtr& call, const Refusal& refusal) {
  answer(call, refusal_answer(refusal));
  if (reads(call->request.method)) return;
  refusals_.fetch_add(1);
  // A full queue has more important things in it.
  static_cast<void>(parts_.worker.take([this, call, refusal] { record_refusal(call, refusal); }));
}

void Api::record_refusal(const CallPtr& call, const Refusal& refusal) {
  std::size_t suppressed = 0;
  if (!brake_.take(parts_.clock.monotonic(), &suppressed)) return;
  const std::string what = call->request.method + " " + call->path;
  const AuditSource source{call->caller.who, call->request.address};
  parts_.audit.refused(audit_refusal(parts_.clock.now(), source, what, refusal, suppressed));
  parts_.log(true, shortened(what) + " was refused to " + shortened(source.who) + " (" + source.address +
                       "): " + std::to_string(refusal.status) + " " + shortened(refusal.error));
}

void Api::in_worker(const CallPtr& call, std::function<void()> job) {
  const auto guarded = [this, call, job = std::move(job)] {
    try {
      job();
    } catch (const std::exception& error) {
      parts_.log(true, call->request.method + " " + call->path + " was not answered: " + error.what());
      answer(call, error_answer(500, "Internal server error"));
    }
  };
  if (!parts_.worker.take(guarded)) {
    auto response = error_answer(503, "Too many requests are waiting; try again");
    response.headers.emplace_back("Retry-After", "1");
    answer(call, std::move(response));
  }
}

void Api::record_hand_edit(const std::vector<Change>& changes) {
  if (!changes.empty()) parts_.audit.changed(audit_lines(parts_.clock.now(), {"by hand", ""}, changes));
}

}  // namespace lockstep::service
