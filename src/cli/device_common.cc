#include "cli/device_common.h"

#include <nlohmann/json.hpp>

#include "agent/identity_order.h"
#include "cli/certificate_options.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

Result<DeviceOptions> enrolled_options(Context& context, const std::string& root) {
  fs::FileSystem& files = context.environment().files;
  const std::vector<std::string> names = TRY(device::list_devices(files, root));
  if (names.empty())
    return fail(ErrorCode::not_found, "no device is enrolled in '" + root + "'",
                "'lockstep device enroll' makes its identity, or give the configuration with --config");
  if (names.size() > 1) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return fail(ErrorCode::usage, "several devices are enrolled in '" + root + "': " + all,
                "say which by a configuration with [device.identity] (--config)");
  }
  const device::DeviceState state = TRY(device::load_state(files, root, names.front()));
  if (!state.enrolment)
    return fail(ErrorCode::not_found, names.front() + " was not enrolled by a command",
                "give its configuration with --config");
  if (state.enrolment->server.empty())
    return fail(ErrorCode::not_found, names.front() + " is not renewed by a CA's server",
                "give its configuration with --config");
  DeviceOptions options;
  options.name = names.front();
  options.server = state.enrolment->server;
  options.storage = state.enrolment->storage;
  options.cert = state.enrolment->cert;
  options.key = state.enrolment->key;
  options.ca = state.enrolment->ca;
  options.key_type = state.enrolment->key_type;
  return options;
}

nlohmann::ordered_json time_or_null(UnixSeconds time) {
  return time == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(format_rfc3339(time));
}

}  // namespace

Result<std::unique_ptr<DeviceRun>> DeviceRun::of_this_machine(Context& context) {
  if (context.configuration().device) return with(context, *context.configuration().device);
  const std::string root = TRY(context.root());
  const DeviceOptions options = TRY(enrolled_options(context, root));
  return with(context, options);
}

Result<std::unique_ptr<DeviceRun>> DeviceRun::with(Context& context, const DeviceOptions& options) {
  Environment& environment = context.environment();
  std::unique_ptr<DeviceRun> run(new DeviceRun(context));
  run->root_ = TRY(context.root());
  run->settings_ = TRY(device_settings(options, run->root_));
  device::DeviceSettings& settings = run->settings_;
  for (std::string* path :
       {&settings.cert, &settings.key, &settings.ca, &settings.bootstrap_cert, &settings.bootstrap_key}) {
    if (!path->empty()) *path = TRY(environment.files.absolute_path(*path));
  }
  TRY(check_files_apart(settings.cert, settings.key));
  const durable::Runtime runtime = TRY(context.runtime());
  run->runtime_.lock_timeout = runtime.lock_timeout;
  run->storage_ = device::make_storage(run->runtime_, settings);
  return run;
}

Result<device::RotationReport> DeviceRun::rotate(const device::RotationOptions& options) {
  if (!issuer_) TRY(make_issuer());
  const auto log = [this](const std::string& event, const std::string& text) { context_.event(event, text); };
  device::RotationTools tools{runtime_, root_, *storage_, *issuer_, log, context_.environment().stop};
  return device::rotate(tools, settings_, options);
}

Status DeviceRun::roll_back() { return device::roll_back(runtime_, root_, *storage_, settings_); }

Status DeviceRun::make_issuer() {
  Environment& environment = context_.environment();
  const auto make_client = [&environment, ca = settings_.ca, timeout = std::chrono::seconds(settings_.timeout)](
                               std::shared_ptr<const http::ClientIdentity> identity) {
    http::ClientOptions options{
        .user_agent = std::string("lockstep/") + LOCKSTEP_VERSION, .identity = std::move(identity), .ca_bundle = ca};
    options.timeout = timeout;
    options.connect_timeout = std::min(options.connect_timeout, options.timeout);
    return environment.make_client(std::move(options));
  };
  switch (settings_.issuer) {
    case device::IssuerKind::private_ca:
      if (!environment.make_client) return fail(ErrorCode::internal, "there is no network here");
      TRY_CONTEXT(http::check_url(settings_.server, false), "--server");
      issuer_ = device::make_private_ca_issuer(make_client, environment.clock, settings_.server);
      break;
    case device::IssuerKind::acme: {
      CertificateOptions options = context_.configuration().acme;
      for (const std::string& text : settings_.alternative_names) {
        const x509::AlternativeName name = TRY(x509::parse_alternative_name(text));
        options.domains.push_back(name.value);
      }
      agent::CertificateSettings how = TRY_CONTEXT(certificate_settings(context_, options), "[acme]");
      acme_ = TRY(AcmeRun::make(context_, context_.configuration().account));
      // Beside the device's state: what is under way for a folder of the same name is another order.
      issuer_ = agent::make_acme_issuer(acme_->toolbox(), std::move(how), fs::join_path(root_, "device"));
      break;
    }
    case device::IssuerKind::command:
      if (environment.programs == nullptr) return fail(ErrorCode::internal, "there are no programs to run here");
      TRY(environment.programs->check(settings_.command.front()));
      issuer_ = device::make_command_issuer(*environment.programs, settings_.command);
      break;
  }
  if (settings_.check_url.empty()) return {};
  if (!environment.make_client) return fail(ErrorCode::internal, "there is no network here");
  TRY_CONTEXT(http::check_url(settings_.check_url, false), "'check_url'");
  issuer_ = device::make_checked_issuer(std::move(issuer_), make_client, settings_.check_url);
  return {};
}

Result<device::Situation> DeviceRun::look() {
  return device::look_closely(runtime_, root_, *storage_, settings_, false);
}

Result<device::Situation> DeviceRun::look_after(const std::string& change) {
  auto situation = look();
  if (situation) return situation;
  return fail(ErrorCode::committed_not_delivered,
              change + ", but it could not be looked at: " + situation.error().message,
              "'lockstep device status' shows it");
}

namespace {

// What the calendar says, unless more is under way than that.
device::Phase shown_phase(const DeviceRun& run, const device::Situation& situation) {
  const device::Phase calendar = device::calendar_phase(situation.facts, run.settings().renewal);
  const bool plain = calendar == device::Phase::normal || situation.state.phase == device::Phase::normal;
  return plain ? calendar : situation.state.phase;
}

// As the flow will take it, which need not be what was written down.
UnixSeconds next_try(const DeviceRun& run, const device::Situation& situation) {
  return device::pause_end(run.settings().renewal, situation.state, situation.facts.now);
}

}  // namespace

std::string device_text(DeviceRun& run, const device::Situation& situation) {
  const device::DeviceState& state = situation.state;
  std::vector<std::pair<std::string, std::string>> fields = {{"Device", run.settings().name}};
  fields.emplace_back("State", std::string(device::phase_name(shown_phase(run, situation))));
  if (situation.leaf) {
    fields.emplace_back("Subject", situation.leaf->subject.to_text());
    fields.emplace_back("Serial", situation.leaf->serial);
    fields.emplace_back(
        "Expires", format_rfc3339(situation.leaf->not_after) + " (" +
                       std::to_string(device::days_left(situation.leaf->not_after, situation.facts.now)) + " days)");
    fields.emplace_back(
        "Renewal", "due " + format_rfc3339(device::due_at(*situation.facts.live, run.settings().renewal.threshold)));
  } else {
    fields.emplace_back("Identity", "none yet");
  }
  fields.emplace_back("Certificate", run.storage().active_cert_path());
  fields.emplace_back("Key", run.storage().active_key_path());
  if (state.last_renewed != 0) fields.emplace_back("Last renewed", format_rfc3339(state.last_renewed));
  fields.emplace_back("Renewals", std::to_string(state.renewals));
  if (state.unproven) fields.emplace_back("Unproven", "the issuer has not been asked yet whether it accepts it");
  if (state.request)
    fields.emplace_back("Request", "under way (" + std::string(device::reason_name(state.request->reason)) + ")");
  if (!state.last_error.empty()) {
    fields.emplace_back("Last error", state.last_error);
    const UnixSeconds next = next_try(run, situation);
    if (next > situation.facts.now) fields.emplace_back("Next try", format_rfc3339(next));
  }
  return field_lines(fields);
}

nlohmann::ordered_json device_json(DeviceRun& run, const device::Situation& situation) {
  const device::DeviceState& state = situation.state;
  nlohmann::ordered_json document = {{"device", run.settings().name},
                                     {"state", device::phase_name(shown_phase(run, situation))},
                                     {"expiration", nullptr},
                                     {"days_until_expiration", nullptr},
                                     {"serial", nullptr},
                                     {"subject", nullptr},
                                     {"renewal_due", nullptr}};
  if (situation.leaf) {
    document["expiration"] = format_rfc3339(situation.leaf->not_after);
    document["days_until_expiration"] = device::days_left(situation.leaf->not_after, situation.facts.now);
    document["serial"] = situation.leaf->serial;
    document["subject"] = situation.leaf->subject.to_text();
    document["renewal_due"] = format_rfc3339(device::due_at(*situation.facts.live, run.settings().renewal.threshold));
  }
  document["generation"] = run.storage().generation().value_or(0);
  document["storage"] = device::storage_name(run.settings().storage);
  document["certificate"] = run.storage().active_cert_path();
  document["key"] = run.storage().active_key_path();
  document["last_renewed"] = time_or_null(state.last_renewed);
  document["renewal_count"] = state.renewals;
  document["recovery_count"] = state.recoveries;
  document["attempts"] = state.attempts;
  document["failures"] = state.failures;
  document["unproven"] = state.unproven;
  document["pending"] =
      state.request ? nlohmann::ordered_json(device::reason_name(state.request->reason)) : nlohmann::ordered_json();
  document["not_before"] = time_or_null(next_try(run, situation));
  document["last_error"] = state.last_error;
  return document;
}

}  // namespace lockstep::cli
