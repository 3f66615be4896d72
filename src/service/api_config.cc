// What is configured: servers, groups and their arrangement.
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "service/answers.h"
#include "service/api.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBodyBytes = 1U << 20U;
constexpr std::size_t kBodyDepth = 16;

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

template <class Item>
http::ServerResponse list_answer(const char* name, const std::vector<Item>& items) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(to_json(item));
  return data_answer(200, text_of({{name, std::move(list)}}), entity_tag(items));
}

std::string if_match(const http::ServerRequest& request) { return std::string(request.header("if-match")); }

// "application/json", whatever is said about the character set: JSON is UTF-8 (RFC 8259 section 8.1).
bool is_json(std::string_view type) {
  constexpr std::string_view kWanted = "application/json";
  if (type.size() < kWanted.size()) return false;
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    const char c = type[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kWanted[i]) return false;
  }
  return type.size() == kWanted.size() || type[kWanted.size()] == ';' || type[kWanted.size()] == ' ';
}

// What failed, for a client: no path of this machine.
std::string reason_of(const Error& error, bool in_force) {
  if (error.code == ErrorCode::commit_uncertain)
    return in_force ? "The change is in force, but it is not known whether it survives a power cut"
                    : "The change is not in force yet, and it is not known whether it is after a power cut";
  if (error.code == ErrorCode::lock_timeout)
    return "The change could not be saved: another program holds the configuration";
  if (error.code == ErrorCode::too_large) return "The configuration would be too large";
  if (error.system_errno != 0)
    return std::string("The change could not be saved: ") + std::strerror(error.system_errno);
  return "The change could not be saved";
}

}  // namespace

void Api::servers(const CallPtr& call) {
  answer(call, list_answer("servers", parts_.store.current()->configuration.servers));
}

void Api::server(const CallPtr& call) {
  const SnapshotPtr now = parts_.store.current();
  const Server* found = now->configuration.server(call->id);
  if (found == nullptr) return answer(call, error_answer(404, "Server not found"));
  answer(call, data_answer(200, text_of(to_json(*found)), entity_tag(*found)));
}

void Api::groups(const CallPtr& call) {
  answer(call, list_answer("groups", parts_.store.current()->configuration.groups));
}

void Api::group(const CallPtr& call) {
  const SnapshotPtr now = parts_.store.current();
  const Group* found = now->configuration.group(call->id);
  if (found == nullptr) return answer(call, error_answer(404, "Group not found"));
  answer(call, data_answer(200, text_of(to_json(*found)), entity_tag(*found)));
}

std::shared_ptr<const Api::Body> Api::body_of(const CallPtr& call) {
  if (!is_json(call->request.header("content-type"))) {
    refuse(call, {415, "The body must be application/json", {}});
    return nullptr;
  }
  auto parsed = parse_ordered_json(call->request.body, "The body", {.bytes = kBodyBytes, .depth = kBodyDepth});
  if (parsed && parsed->is_object()) return std::make_shared<const Body>(std::move(*parsed));
  refuse(call, {400, parsed ? "The body must be an object" : parsed.error().message, {}});
  return nullptr;
}

void Api::add_server(const CallPtr& call) {
  const auto body = body_of(call);
  if (body) edit(call, 201, [body](const Configuration& before) { return create_server(before, *body); });
}

void Api::put_server(const CallPtr& call) {
  const auto body = body_of(call);
  if (!body) return;
  edit(call, 200, [body, call](const Configuration& before) {
    return replace_server(before, call->id, if_match(call->request), *body);
  });
}

void Api::remove_server(const CallPtr& call) {
  edit(call, 200,
       [call](const Configuration& before) { return delete_server(before, call->id, if_match(call->request)); });
}

void Api::add_group(const CallPtr& call) {
  const auto body = body_of(call);
  if (body) edit(call, 201, [body](const Configuration& before) { return create_group(before, *body); });
}

void Api::put_group(const CallPtr& call) {
  const auto body = body_of(call);
  if (!body) return;
  edit(call, 200, [body, call](const Configuration& before) {
    return replace_group(before, call->id, if_match(call->request), *body);
  });
}

void Api::remove_group(const CallPtr& call) {
  const bool known = call->query.empty() || call->query == "reassign=unassign" || call->query == "reassign=default";
  if (!known) return refuse(call, {400, "Validation failed", {{"reassign", "Must be unassign or default"}}});
  const Reassign reassign = call->query == "reassign=default" ? Reassign::default_group : Reassign::unassign;
  edit(call, 200, [call, reassign](const Configuration& before) {
    return delete_group(before, call->id, if_match(call->request), reassign);
  });
}

void Api::order_groups(const CallPtr& call) {
  const auto body = body_of(call);
  if (!body) return;
  edit(call, 200,
       [body, call](const Configuration& before) { return arrange_groups(before, if_match(call->request), *body); });
}

void Api::edit(const CallPtr& call, int status, ConfigurationStore::Edit edit) {
  in_worker(call, [this, call, status, edit = std::move(edit)] { carry_out(call, status, edit); });
}

void Api::carry_out(const CallPtr& call, int status, const ConfigurationStore::Edit& edit) {
  const auto saved = parts_.store.apply(edit);
  if (!saved) return failed(call, saved.error());
  if (saved->refused) {
    refusals_.fetch_add(1);
    record_refusal(call, *saved->refused);
    return answer(call, refusal_answer(*saved->refused));
  }
  // Before anybody is told.
  if (!saved->changes.empty())
    parts_.audit.changed(audit_lines(parts_.clock.now(), {call->caller.who, call->request.address}, saved->changes));
  if (saved->uncertain) return failed(call, *saved->uncertain, true);
  saves_.fetch_add(1);
  answer(call, data_answer(status, saved->applied.data, saved->applied.tag));
}

void Api::failed(const CallPtr& call, const Error& error, bool in_force) {
  failures_.fetch_add(1);
  parts_.log(true, call->request.method + " " + call->path + " failed: " + error.message + " (" +
                       std::string(error_code_name(error.code)) +
                       (error.system_errno == 0 ? "" : ", errno " + std::to_string(error.system_errno)) + ")");
  const Refusal refusal{error.code == ErrorCode::too_large ? 400 : 500, reason_of(error, in_force), {}};
  if (!in_force) record_refusal(call, refusal);
  answer(call, refusal_answer(refusal));
}

}  // namespace lockstep::service
