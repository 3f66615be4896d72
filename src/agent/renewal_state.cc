#include "agent/renewal_state.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.h"
#include "certstore/domain_name.h"
#include "durable/record.h"
#include "fs/io.h"

namespace lockstep::agent {

namespace {

constexpr std::uint64_t kSchema = 1;
constexpr std::size_t kStateLimit = 1U << 20U;  // bytes
constexpr std::uint64_t kMost = 1ULL << 53U;

using nlohmann::json;
using nlohmann::ordered_json;

std::uint64_t number(const json& value) { return json_unsigned(value, kMost); }

// 0 stands for "never": in the file it is null.
ordered_json time_json(UnixSeconds time) {
  return time == 0 ? ordered_json(nullptr) : ordered_json(format_rfc3339(time));
}
UnixSeconds time_from(const json& value) {
  return value.is_null() ? 0 : parse_rfc3339(value.get_ref<const std::string&>()).value();
}

ChosenMoment ari_from(const json& value) {
  return {.serial = value.at("serial").get<std::string>(),
          .start = time_from(value.at("window_start")),
          .end = time_from(value.at("window_end")),
          .moment = time_from(value.at("renew_at")),
          .ask_again = time_from(value.at("ask_again")),
          .explanation_url = value.at("explanation_url").get<std::string>()};
}

ordered_json ari_json(const ChosenMoment& ari) {
  return {{"serial", ari.serial},
          {"window_start", time_json(ari.start)},
          {"window_end", time_json(ari.end)},
          {"renew_at", time_json(ari.moment)},
          {"ask_again", time_json(ari.ask_again)},
          {"explanation_url", ari.explanation_url}};
}

Attempts attempts_from(const json& value) {
  return {.total = number(value.at("total")),
          .failed_in_a_row = number(value.at("failed_in_a_row")),
          .last = time_from(value.at("last")),
          .not_before = time_from(value.at("not_before")),
          .last_error = value.at("last_error").get<std::string>(),
          .last_error_code = value.at("last_error_code").get<std::string>()};
}

}  // namespace

std::string encode_state(const RenewalState& state) {
  ordered_json document = {{"schema", kSchema}};
  document["settings"] = state.settings ? settings_json(*state.settings) : ordered_json(nullptr);
  document["renewal_info"] = state.ari ? ari_json(*state.ari) : ordered_json(nullptr);
  document["pending_deploy"] = nullptr;
  if (state.deploy) {
    document["pending_deploy"] = {{"generation", state.deploy->generation},
                                  {"old_serial", state.deploy->old_serial},
                                  {"new_serial", state.deploy->new_serial}};
  }
  document["last_hook"] = nullptr;
  if (state.last_hook) {
    document["last_hook"] = {{"at", time_json(state.last_hook->at)},
                             {"succeeded", state.last_hook->succeeded},
                             {"program", state.last_hook->program},
                             {"result", state.last_hook->result},
                             {"output", state.last_hook->output}};
  }
  document["attempts"] = {
      {"total", state.attempts.total},           {"failed_in_a_row", state.attempts.failed_in_a_row},
      {"last", time_json(state.attempts.last)},  {"not_before", time_json(state.attempts.not_before)},
      {"last_error", state.attempts.last_error}, {"last_error_code", state.attempts.last_error_code}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<RenewalState> parse_state(std::string_view text, const std::string& name) {
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::damaged, "'" + name + "' is not a renewal state: " + why,
                "move it away; the certificate stays, and 'lockstep cert obtain' says anew how it is renewed");
  };
  const auto document = parse_json(text, name);
  if (!document) return damaged(document.error().message);
  try {
    RenewalState state;
    if (json_unsigned(document->at("schema"), kSchema) != kSchema) throw std::invalid_argument("schema");
    if (const json& settings = document->at("settings"); !settings.is_null())
      state.settings = settings_from_json(settings);
    if (const json& ari = document->at("renewal_info"); !ari.is_null()) state.ari = ari_from(ari);
    if (const json& deploy = document->at("pending_deploy"); !deploy.is_null()) {
      state.deploy = PendingDeploy{.generation = number(deploy.at("generation")),
                                   .old_serial = deploy.at("old_serial").get<std::string>(),
                                   .new_serial = deploy.at("new_serial").get<std::string>()};
    }
    if (const json& hook = document->at("last_hook"); !hook.is_null()) {
      state.last_hook = HookOutcome{.at = time_from(hook.at("at")),
                                    .succeeded = hook.at("succeeded").get<bool>(),
                                    .program = hook.at("program").get<std::string>(),
                                    .result = hook.at("result").get<std::string>(),
                                    .output = hook.at("output").get<std::string>()};
    }
    state.attempts = attempts_from(document->at("attempts"));
    return state;
  } catch (const std::exception& wrong) {
    return damaged(wrong.what());
  }
}

std::string state_path(const std::string& root, const std::string& domain) {
  return fs::join_path(fs::join_path(root, "state"), certstore::folder_name(domain) + ".json");
}

Result<RenewalState> load_state(fs::FileSystem& files, const std::string& root, const std::string& domain) {
  const std::string path = state_path(root, domain);
  const auto text = fs::read_input(files, path, kStateLimit);
  if (!text && text.error().system_errno == ENOENT) return RenewalState();
  if (!text) return fail(text.error());
  return parse_state(*text, path);
}

Status save_state(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                  const RenewalState& state) {
  return durable::write_record(runtime, {.root = root, .path = state_path(root, domain)}, encode_state(state));
}

}  // namespace lockstep::agent
