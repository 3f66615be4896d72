#include "device/state.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "durable/record.h"
#include "fs/io.h"

namespace lockstep::device {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kStateLimit = 256U * 1024U;  // bytes
constexpr std::array<std::string_view, 6> kPhases{"normal",  "expiring_soon", "renewing",
                                                  "expired", "recovering",    "renewal_failed"};
constexpr std::array<std::string_view, 3> kReasons{"enroll", "proactive", "expired"};

template <class Enum, std::size_t size>
Enum named(const std::array<std::string_view, size>& names, const std::string& name) {
  for (std::size_t i = 0; i < size; ++i) {
    if (names.at(i) == name) return static_cast<Enum>(i);
  }
  throw std::invalid_argument(name);
}

ordered_json time_json(UnixSeconds time) { return time == 0 ? ordered_json() : ordered_json(format_rfc3339(time)); }

UnixSeconds time_from(const json& object, const char* name) {
  const json& value = object.at(name);
  return value.is_null() ? 0 : parse_rfc3339(value.get<std::string>()).value();
}

std::uint64_t number(const json& object, const char* name) {
  return json_unsigned(object.at(name), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

std::string_view phase_name(Phase phase) { return kPhases.at(static_cast<std::size_t>(phase)); }
std::string_view reason_name(Reason reason) { return kReasons.at(static_cast<std::size_t>(reason)); }

std::string encode_state(const DeviceState& state) {
  ordered_json document = {{"schema", 1}, {"state", phase_name(state.phase)}, {"request", nullptr}};
  if (state.enrolment) {
    document["enrolment"] = {{"server", state.enrolment->server}, {"storage", state.enrolment->storage},
                             {"cert", state.enrolment->cert},     {"key", state.enrolment->key},
                             {"ca", state.enrolment->ca},         {"key_type", state.enrolment->key_type}};
  }
  if (state.request) {
    document["request"] = {{"reason", reason_name(state.request->reason)},
                           {"replaces", state.request->replaces},
                           {"id", state.request->id},
                           {"csr", state.request->request_pem}};
  }
  document["unproven"] = state.unproven;
  document["unproven_id"] = state.unproven_id;
  document["last_renewed"] = time_json(state.last_renewed);
  document["renewals"] = state.renewals;
  document["recoveries"] = state.recoveries;
  document["attempts"] = state.attempts;
  document["failures"] = state.failures;
  document["recovery_attempts"] = state.recovery_attempts;
  document["recovery_failures"] = state.recovery_failures;
  document["failed_in_a_row"] = state.failed_in_a_row;
  document["last_attempt"] = time_json(state.last_attempt);
  document["not_before"] = time_json(state.not_before);
  document["last_error"] = state.last_error;
  document["last_error_code"] = state.last_error_code;
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Result<DeviceState> parse_state(std::string_view text, const std::string& name) {
  const auto document = parse_json(text, name);
  const auto damaged = [&] {
    return fail(ErrorCode::damaged, "'" + name + "' is not the state of a device",
                "move it away: the identity itself is not touched by that, counters begin anew");
  };
  if (!document) return damaged();
  DeviceState state;
  try {
    state.phase = named<Phase>(kPhases, document->at("state").get<std::string>());
    if (const auto enrolment = document->find("enrolment"); enrolment != document->end()) {
      state.enrolment = Enrolment{.server = enrolment->at("server").get<std::string>(),
                                  .storage = enrolment->at("storage").get<std::string>(),
                                  .cert = enrolment->at("cert").get<std::string>(),
                                  .key = enrolment->at("key").get<std::string>(),
                                  .ca = enrolment->at("ca").get<std::string>(),
                                  .key_type = enrolment->value("key_type", "")};
    }
    if (const json& request = document->at("request"); !request.is_null()) {
      state.request = PendingRequest{.request_pem = request.at("csr").get<std::string>(),
                                     .reason = named<Reason>(kReasons, request.at("reason").get<std::string>()),
                                     .replaces = request.at("replaces").get<std::string>(),
                                     .id = request.at("id").get<std::string>()};
    }
    state.unproven = document->at("unproven").get<bool>();
    state.unproven_id = document->at("unproven_id").get<std::string>();
    state.last_renewed = time_from(*document, "last_renewed");
    state.renewals = number(*document, "renewals");
    state.recoveries = number(*document, "recoveries");
    state.attempts = number(*document, "attempts");
    state.failures = number(*document, "failures");
    state.recovery_attempts = number(*document, "recovery_attempts");
    state.recovery_failures = number(*document, "recovery_failures");
    state.failed_in_a_row = number(*document, "failed_in_a_row");
    state.last_attempt = time_from(*document, "last_attempt");
    state.not_before = time_from(*document, "not_before");
    state.last_error = document->at("last_error").get<std::string>();
    state.last_error_code = document->at("last_error_code").get<std::string>();
  } catch (const std::exception&) {
    return damaged();
  }
  return state;
}

std::string state_path(const std::string& root, const std::string& name) {
  return fs::join_path(fs::join_path(root, "device"), name + ".json");
}

Result<DeviceState> load_state(fs::FileSystem& files, const std::string& root, const std::string& name) {
  const std::string path = state_path(root, name);
  const auto text = fs::read_input(files, path, kStateLimit);
  if (!text && text.error().system_errno == ENOENT) return DeviceState();
  if (!text) return fail(text.error());
  return parse_state(*text, path);
}

Result<std::vector<std::string>> list_devices(fs::FileSystem& files, const std::string& root) {
  constexpr std::string_view kEnding = ".json";
  auto directory = files.open_directory(fs::join_path(root, "device"));
  std::vector<std::string> names;
  if (!directory && directory.error().system_errno == ENOENT) return names;
  if (!directory) return fail(std::move(directory).error());
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.name.ends_with(kEnding) && !entry.name.starts_with('.'))
      names.push_back(entry.name.substr(0, entry.name.size() - kEnding.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status save_state(durable::Runtime& runtime, const std::string& root, const std::string& name,
                  const DeviceState& state) {
  return durable::write_record(runtime, {.root = root, .path = state_path(root, name)}, encode_state(state));
}

Result<std::unique_ptr<fs::File>> lock_device(durable::Runtime& runtime, const std::string& root,
                                              const std::string& name) {
  return durable::lock_record(runtime, {.root = root, .path = state_path(root, name)});
}

}  // namespace lockstep::device
