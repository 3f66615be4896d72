#include "cli/device_options.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "ca/records.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

std::unexpected<Error> refuse(const std::string& key, const std::string& what) {
  return fail(ErrorCode::invalid_argument, "'" + key + "' " + what);
}

Status read_flag(const std::string& key, const std::string& text, bool* value) {
  if (text.empty()) return {};
  if (text != "true" && text != "false") return refuse(key, "must be true or false");
  *value = text == "true";
  return {};
}

Status read_duration(const std::string& key, const std::string& text, std::int64_t* value) {
  if (text.empty()) return {};
  const auto seconds = parse_duration(text, 1);
  if (!seconds) return refuse(key, "is no duration: " + seconds.error().message);
  *value = *seconds;
  return {};
}

template <class Number>
Status read_number(const std::string& key, const std::string& text, Number* value) {
  if (text.empty()) return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return refuse(key, "is no number: '" + text + "'");
}

Status read_threshold(const DeviceOptions& options, device::Threshold* threshold) {
  if (!options.threshold.empty() && !options.threshold_days.empty())
    return refuse("threshold", "and 'threshold_days' say the same thing in two ways: keep one");
  if (!options.threshold_days.empty()) {
    threshold->percent = 0;
    return read_number("threshold_days", options.threshold_days, &threshold->days);
  }
  if (options.threshold.empty()) return {};
  const auto parsed = device::parse_threshold(options.threshold);
  if (!parsed) return fail(Error(parsed.error()).with_context("'threshold'"));
  *threshold = *parsed;
  return {};
}

Status read_policy(const DeviceOptions& options, device::RenewalPolicy* policy) {
  TRY(read_flag("enabled", options.enabled, &policy->enabled));
  TRY(read_threshold(options, &policy->threshold));
  TRY(read_duration("check_interval", options.check_interval, &policy->check_interval));
  TRY(read_duration("retry_interval", options.retry_interval, &policy->retry_interval));
  TRY(read_number("max_retries", options.max_retries, &policy->max_retries));
  TRY(read_number("backoff_multiplier", options.backoff_multiplier, &policy->backoff_multiplier));
  TRY(read_duration("max_backoff", options.max_backoff, &policy->max_backoff));
  TRY(read_flag("reuse_key", options.reuse_key, &policy->reuse_key));
  TRY(read_flag("destroy_old_keys", options.destroy_old_keys, &policy->destroy_old_keys));
  TRY(read_flag("test_connection", options.test_connection, &policy->test_connection));
  // A longer first pause than the default limit is a limit of its own.
  if (options.max_backoff.empty()) policy->max_backoff = std::max(policy->max_backoff, policy->retry_interval);
  return check_policy(*policy);
}

Status read_issuer(const DeviceOptions& options, device::DeviceSettings* settings) {
  bool acme = false;
  TRY(read_flag("acme", options.acme, &acme));
  const int said = (options.server.empty() ? 0 : 1) + (options.command.empty() ? 0 : 1) + (acme ? 1 : 0);
  if (said != 1)
    return fail(
        ErrorCode::invalid_argument,
        std::string("who issues the identity is ") + (said == 0 ? "not said" : "said more than once"),
        "give one of: the address of the CA's server (--server, or 'server' of [device.issuer]), acme = true, a "
        "'command'");
  settings->issuer = acme                      ? device::IssuerKind::acme
                     : options.command.empty() ? device::IssuerKind::private_ca
                                               : device::IssuerKind::command;
  settings->server = options.server;
  settings->command = options.command;
  settings->check_url = options.check_url;
  TRY(read_duration("timeout", options.timeout, &settings->timeout));
  constexpr std::int64_t kLongestTimeout = 120;
  if (settings->timeout < 1 || settings->timeout > kLongestTimeout)
    return refuse("timeout", "must be between 1s and 2m, not '" + options.timeout + "'");
  if (!options.check_url.empty() && device::issuer_authenticates(settings->issuer))
    return refuse("check_url", "is for the other issuers: the CA's server is asked itself");
  if (acme && options.alternative_names.empty())
    return fail(ErrorCode::invalid_argument, "an ACME CA certifies names, and the device has none",
                "give it one: names = [\"DNS:…\"] in [device.identity]");
  return {};
}

}  // namespace

Status check_files_apart(const std::string& cert, const std::string& key) {
  if (cert.empty() || key.empty()) return {};
  const std::string one = std::filesystem::path(cert).lexically_normal();
  const std::string other = std::filesystem::path(key).lexically_normal();
  if (one == other) return refuse("cert", "and 'key' are the same file: '" + one + "'");
  for (const char* kept : {".pending", ".backup"}) {
    if (one == other + kept || other == one + kept)
      return refuse(one == other + kept ? "cert" : "key",
                    "is '" + (one == other + kept ? one : other) + "', where a half of the other identity is kept");
  }
  return {};
}

Result<device::DeviceSettings> device_settings(const DeviceOptions& options, const std::string& root) {
  device::DeviceSettings settings;
  TRY(ca::check_device_name(options.name));
  settings.name = options.name;
  if (options.storage == "files") {
    settings.storage = device::StorageKind::files;
    if (options.cert.empty() || options.key.empty())
      return fail(ErrorCode::invalid_argument, "storage \"files\" needs both 'cert' and 'key'",
                  "say where the programs that use the identity read it");
  } else if (!options.storage.empty() && options.storage != "generations") {
    return fail(ErrorCode::invalid_argument, "'storage' must be \"generations\" or \"files\"");
  } else if (!options.cert.empty() || !options.key.empty()) {
    return fail(ErrorCode::invalid_argument, "'cert' and 'key' are for storage \"files\"",
                "say storage = \"files\", or leave them out: generations are kept in ROOT/identities/NAME");
  }
  settings.directory = fs::join_path(fs::join_path(root, "identities"), settings.name);
  settings.cert = options.cert;
  settings.key = options.key;
  TRY(check_files_apart(settings.cert, settings.key));
  settings.ca = options.ca;
  if (settings.ca.empty())
    return fail(ErrorCode::invalid_argument, "'ca' is missing: the certificate of the CA",
                "the server is checked against it, and every new identity");
  settings.alternative_names = options.alternative_names;
  if (!options.key_type.empty()) settings.key_type = TRY(crypto::parse_key_type(options.key_type));
  if (options.bootstrap_cert.empty() != options.bootstrap_key.empty())
    return refuse("bootstrap", "needs both 'cert' and 'key'");
  settings.bootstrap_cert = options.bootstrap_cert;
  settings.bootstrap_key = options.bootstrap_key;
  TRY(read_issuer(options, &settings));
  TRY(read_policy(options, &settings.renewal));
  TRY(read_flag("enabled", options.recovery_enabled, &settings.recovery_enabled));
  return settings;
}

}  // namespace lockstep::cli
