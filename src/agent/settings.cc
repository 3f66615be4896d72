#include "agent/settings.h"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.h"
#include "certstore/domain_name.h"

namespace lockstep::agent {

namespace {

constexpr std::array<std::pair<ChallengeKind, std::string_view>, 5> kKinds{{
    {ChallengeKind::http_listener, "http"},
    {ChallengeKind::webroot, "webroot"},
    {ChallengeKind::tls_alpn, "tls-alpn"},
    {ChallengeKind::dns_hook, "dns"},
    {ChallengeKind::dns_update, "dns-update"},
}};

ChallengeKind challenge_kind(const std::string& name) {
  for (const auto& [kind, row] : kKinds)
    if (row == name) return kind;
  throw std::invalid_argument("challenge");
}

crypto::KeyType key_type(const std::string& name) {
  const auto type = crypto::parse_key_type(name);
  if (!type) throw std::invalid_argument("key_type");
  return *type;
}

constexpr std::uint64_t kLongest = 1'000'000'000;  // seconds

// The names become folders' names, here as where they came from first.
std::vector<std::string> names_from_json(const nlohmann::json& document) {
  auto names = document.get<std::vector<std::string>>();
  if (names.empty()) throw std::invalid_argument("names");
  for (const std::string& name : names) {
    const auto parsed = certstore::parse_domain(name);
    if (!parsed || *parsed != name) throw std::invalid_argument("names: " + json_quote(name));
  }
  return names;
}

std::vector<HookProgram> programs_from_json(const nlohmann::json& document) {
  auto programs = document.get<std::vector<HookProgram>>();
  for (const HookProgram& program : programs)
    if (program.empty() || program.front().empty()) throw std::invalid_argument("a hook without a program");
  return programs;
}

ChallengeSettings challenge_from_json(const nlohmann::json& document) {
  ChallengeSettings challenge;
  challenge.kind = challenge_kind(document.at("kind").get<std::string>());
  challenge.where = document.at("where").get<std::string>();
  challenge.key_file = document.at("key_file").get<std::string>();
  challenge.propagation = static_cast<std::int64_t>(json_unsigned(document.at("propagation"), kLongest));
  return challenge;
}

}  // namespace

std::string_view challenge_kind_name(ChallengeKind kind) {
  for (const auto& [row, name] : kKinds)
    if (row == kind) return name;
  return "http";
}

nlohmann::ordered_json settings_json(const CertificateSettings& settings) {
  nlohmann::ordered_json document = {{"names", settings.names},
                                     {"server", settings.server},
                                     {"ca_bundle", settings.ca_bundle},
                                     {"insecure_http", settings.insecure_http},
                                     {"key_type", crypto::key_type_name(settings.key_type)},
                                     {"reuse_key", settings.reuse_key},
                                     {"profile", settings.profile},
                                     {"preferred_chain", settings.preferred_chain},
                                     {"renew_before", nullptr},
                                     {"challenge",
                                      {{"kind", challenge_kind_name(settings.challenge.kind)},
                                       {"where", settings.challenge.where},
                                       {"key_file", settings.challenge.key_file},
                                       {"propagation", settings.challenge.propagation}}},
                                     {"hooks",
                                      {{"pre", settings.hooks.pre},
                                       {"deploy", settings.hooks.deploy},
                                       {"post", settings.hooks.post},
                                       {"failure", settings.hooks.failure},
                                       {"rollback_on_deploy_failure", settings.hooks.rollback_on_deploy_failure}}},
                                     {"combined", settings.combined},
                                     {"nginx_conf", settings.nginx_conf},
                                     {"group", settings.group}};
  if (settings.renew_before) document["renew_before"] = *settings.renew_before;
  return document;
}

CertificateSettings settings_from_json(const nlohmann::json& document) {
  CertificateSettings settings;
  settings.names = names_from_json(document.at("names"));
  settings.server = document.at("server").get<std::string>();
  settings.ca_bundle = document.at("ca_bundle").get<std::string>();
  settings.insecure_http = document.at("insecure_http").get<bool>();
  settings.key_type = key_type(document.at("key_type").get<std::string>());
  settings.reuse_key = document.at("reuse_key").get<bool>();
  settings.profile = document.at("profile").get<std::string>();
  settings.preferred_chain = document.at("preferred_chain").get<std::string>();
  if (const auto& before = document.at("renew_before"); !before.is_null())
    settings.renew_before = static_cast<std::int64_t>(json_unsigned(before, kLongest));
  settings.challenge = challenge_from_json(document.at("challenge"));
  const auto& hooks = document.at("hooks");
  settings.hooks.pre = programs_from_json(hooks.at("pre"));
  settings.hooks.deploy = programs_from_json(hooks.at("deploy"));
  settings.hooks.post = programs_from_json(hooks.at("post"));
  settings.hooks.failure = programs_from_json(hooks.at("failure"));
  settings.hooks.rollback_on_deploy_failure = hooks.at("rollback_on_deploy_failure").get<bool>();
  settings.combined = document.at("combined").get<bool>();
  settings.nginx_conf = document.at("nginx_conf").get<bool>();
  settings.group = document.at("group").get<std::string>();
  return settings;
}

}  // namespace lockstep::agent
