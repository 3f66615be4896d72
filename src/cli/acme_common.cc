#include "cli/acme_common.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/base64.h"
#include "certstore/domain_name.h"
#include "cli/cert_common.h"
#include "cli/certificate_options.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/group_lookup.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kSecretLimit = 4096;  // bytes of an HMAC key's file
// Seconds. Whoever is asked to stop waits for the answer under way, and service managers wait for him only so long.
constexpr std::int64_t kLongestTimeout = 120;

Result<std::chrono::milliseconds> parse_timeout(const std::string& text) {
  const auto seconds = parse_duration(text, 1);
  if (!seconds || *seconds > kLongestTimeout)
    return fail(ErrorCode::usage, "--timeout: not a duration between 1s and 2m: '" + printable(text) + "'");
  return std::chrono::seconds(*seconds);
}

Result<acme::ExternalAccount> read_external_account(fs::FileSystem& files, const AccountOptions& options) {
  if (options.eab_key_id.empty() || options.eab_hmac_file.empty())
    return fail(ErrorCode::usage, "--eab-kid and --eab-hmac-file go together");
  std::string text = TRY_CONTEXT(fs::read_input(files, options.eab_hmac_file, kSecretLimit), "--eab-hmac-file");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ' || text.back() == '='))
    text.pop_back();
  const SecretBytes encoded(std::move(text));
  auto key = base64url_decode(encoded.reveal());
  if (!key || key->empty()) {
    return fail(ErrorCode::parse_error,
                "--eab-hmac-file: '" + options.eab_hmac_file + "' does not hold a base64url text",
                "put the HMAC key there as the CA shows it, on one line");
  }
  return acme::ExternalAccount{.key_id = options.eab_key_id, .hmac_key = SecretBytes(std::move(*key))};
}

std::string status_text(agent::DomainStatus status, bool dry_run) {
  switch (status) {
    case agent::DomainStatus::renewed: return dry_run ? "would renew" : "renewed";
    case agent::DomainStatus::unchanged: return "unchanged";
    case agent::DomainStatus::failed: break;
  }
  return "failed";
}

std::string status_id(agent::DomainStatus status) {
  switch (status) {
    case agent::DomainStatus::renewed: return "renewed";
    case agent::DomainStatus::unchanged: return "unchanged";
    case agent::DomainStatus::failed: break;
  }
  return "failed";
}

nlohmann::ordered_json report_json(const agent::DomainReport& report) {
  nlohmann::ordered_json row = {{"domain", report.domain},
                                {"status", status_id(report.status)},
                                {"reason", report.reason},
                                {"hook_repeated", report.hook_repeated},
                                {"rolled_back", report.rolled_back}};
  if (report.obtained) {
    row["serial"] = report.obtained->serial;
    row["old_serial"] = report.obtained->old_serial;
    row["generation"] = report.obtained->generation;
    row["not_after"] = format_rfc3339(report.obtained->not_after);
    row["resumed"] = report.obtained->resumed;
    row["was_finalized"] = report.obtained->was_finalized;
  }
  if (report.error) {
    row["error"] = {{"code", error_code_name(report.error->code)},
                    {"message", report.error->message},
                    {"hint", report.error->hint}};
  }
  return row;
}

std::string detail_of(const agent::DomainReport& report) {
  if (report.error) return report.error->message;
  if (!report.obtained) return report.reason;
  std::string text = "until " + format_rfc3339(report.obtained->not_after) + ", serial " + report.obtained->serial;
  if (report.obtained->was_finalized)
    text += " (issued for an earlier run, taken up again)";
  else if (report.obtained->resumed)
    text += " (went on with an earlier run's order)";
  return text;
}

}  // namespace

void add_server_options(CLI::App& command, AccountOptions* options) {
  command.add_option(
      "--server", options->server,
      "The CA: an ACME directory's URL, or letsencrypt (default), letsencrypt-staging, zerossl, buypass, "
      "google");
  command.add_option("--ca-bundle", options->ca_bundle, "Certificates to trust the CA's own server with (PEM)");
  command.add_flag("--insecure-http", options->insecure_http,
                   "Allow plain http to a server on this machine, for tests");
  add_timeout_option(command, &options->timeout);
}

void add_timeout_option(CLI::App& command, std::string* timeout) {
  command.add_option("--timeout", *timeout, "How long to wait for each answer of the CA, 1s to 2m (default 30s)");
}

void add_account_options(CLI::App& command, AccountOptions* options) {
  add_server_options(command, options);
  repeated(command.add_option("-m,--email", options->emails, "Where the CA may write to; may be repeated"));
  command.add_flag("--agree-tos", options->agree_tos, "Agree to the CA's terms of service");
  command.add_option("--eab-kid", options->eab_key_id, "External account binding: the key's identifier");
  command.add_option("--eab-hmac-file", options->eab_hmac_file, "File with its HMAC key in base64url");
}

Result<std::unique_ptr<AcmeRun>> AcmeRun::make(Context& context, const AccountOptions& options) {
  Environment& environment = context.environment();
  if (!environment.make_client || environment.programs == nullptr)
    return fail(ErrorCode::internal, "there is no network in this environment");
  std::unique_ptr<AcmeRun> run(new AcmeRun(context));
  const std::string server = options.server.empty() ? kDefaultServer : options.server;
  run->server_ = TRY(as_usage(acme::directory_url_of(server), "--server"));
  run->ca_bundle_ = options.ca_bundle;
  run->insecure_http_ = options.insecure_http;
  agent::AccountWish wish;
  wish.terms_agreed = options.agree_tos;
  for (const std::string& email : options.emails) {
    if (email.find('@') == std::string::npos || email.find_first_of(" \t\r\n,?") != std::string::npos)
      return fail(ErrorCode::usage, "--email: not an e-mail address: '" + printable(email) + "'");
    wish.contacts.push_back("mailto:" + email);
  }
  if (!options.eab_key_id.empty() || !options.eab_hmac_file.empty()) {
    run->external_ = TRY(read_external_account(environment.files, options));
    wish.external = &*run->external_;
  }
  durable::Runtime runtime = TRY(context.runtime());
  const std::string root = TRY(context.root());
  AcmeRun* self = run.get();
  run->surroundings_ = std::unique_ptr<agent::Surroundings>(new agent::Surroundings{
      .runtime = runtime,
      .root = root,
      .programs = *environment.programs,
      .make_client = environment.make_client,
      .make_solver = environment.make_solver,
      .find_group = [](const std::string& group) -> Result<std::optional<std::uint32_t>> {
        const std::uint32_t number = TRY(lookup_group(group));
        return std::optional(number);
      },
      .program = program_and_version(),
      .say = [self](const std::string& domain, const std::string& what) { self->say(domain, what); },
      .stop = environment.stop});
  const std::string& configured = context.configuration().account.timeout;
  if (const std::string& timeout = options.timeout.empty() ? configured : options.timeout; !timeout.empty())
    run->surroundings_->timeout = TRY(parse_timeout(timeout));
  if (!run->surroundings_->make_solver) {
    run->surroundings_->make_solver = [self](const agent::ChallengeSettings& settings) {
      return agent::make_solver(self->surroundings_->runtime, self->surroundings_->programs, settings);
    };
  }
  run->toolbox_ = std::make_unique<agent::Toolbox>(*run->surroundings_, wish);
  return run;
}

void AcmeRun::say(const std::string& domain, const std::string& what) {
  const std::lock_guard lock(output_);
  if (context_.options().verbosity > 0)
    context_.info(printable(domain.empty() ? what : domain + ": " + what));
  else if (board_.say(domain, what))
    show();
}

void AcmeRun::show() {
  if (const auto size = context_.progress_size(); size && context_.options().verbosity == 0)
    context_.show_progress(board_.lines(*size));
}

void AcmeRun::begun(std::size_t certificates) {
  const std::lock_guard lock(output_);
  board_.begin(certificates);
  show();
}

void AcmeRun::started(const std::string& domain) {
  const std::lock_guard lock(output_);
  board_.start(domain);
}

void AcmeRun::finished(const agent::DomainReport& report) {
  const std::lock_guard lock(output_);
  if (board_.finish(report.domain, report.status == agent::DomainStatus::failed)) show();
}

Result<agent::Authority*> AcmeRun::authority() { return toolbox_->authority(server_, ca_bundle_, insecure_http_); }

Result<int> deliver_reports(Context& context, const std::vector<agent::DomainReport>& reports, bool dry_run,
                            bool exit_code_if_unchanged) {
  constexpr int kNothingDue = 3;
  context.progress("", true);
  // One certificate that failed is a command that failed.
  if (reports.size() == 1 && reports.front().error) {
    Error error = *reports.front().error;
    return fail(std::move(error).with_context(reports.front().domain));
  }
  std::size_t renewed = 0;
  std::size_t failed = 0;
  std::size_t widest = std::string_view("DOMAIN").size();
  for (const agent::DomainReport& report : reports) {
    renewed += report.status == agent::DomainStatus::renewed ? 1 : 0;
    failed += report.status == agent::DomainStatus::failed ? 1 : 0;
    widest = std::max(widest, report.domain.size());
  }
  const auto pad = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  constexpr std::size_t kStatusWidth = 11;
  std::string text;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const agent::DomainReport& report : reports) {
    text += pad(report.domain, widest) + "  " + pad(status_text(report.status, dry_run), kStatusWidth) + "  " +
            printable(detail_of(report)) + "\n";
    rows.push_back(report_json(report));
    if (report.error && !context.options().json && !report.error->hint.empty())
      context.warn(report.domain + ": " + report.error->hint);
  }
  const std::size_t unchanged = reports.size() - renewed - failed;
  if (reports.empty()) text = "There are no certificates to renew.\n";
  if (reports.size() > 1) {
    text += std::to_string(renewed) + (dry_run ? " would be renewed, " : " renewed, ") + std::to_string(failed) +
            " failed, " + std::to_string(unchanged) + " unchanged\n";
  }
  TRY(context.deliver(
      text,
      {{"dry_run", dry_run}, {"renewed", renewed}, {"failed", failed}, {"unchanged", unchanged}, {"results", rows}},
      renewed > 0 && !dry_run ? "the certificates are live ('lockstep cert list' shows them)" : ""));
  if (failed > 0) return exit_status(ErrorCode::some_failed);
  const bool nothing = renewed == 0 && std::none_of(reports.begin(), reports.end(),
                                                    [](const auto& report) { return report.hook_repeated; });
  return nothing && exit_code_if_unchanged ? kNothingDue : 0;
}

Result<std::vector<agent::Candidate>> stored_candidates(Context& context, const std::vector<std::string>& domains) {
  fs::FileSystem& files = context.environment().files;
  const std::string root = TRY(context.root());
  std::vector<agent::Candidate> candidates;
  std::unordered_map<std::string, std::size_t> places;  // where each domain is among them
  const auto add = [&](const std::string& domain, const std::optional<agent::CertificateSettings>& wanted) {
    const auto [place, added] = places.emplace(domain, candidates.size());
    if (added) candidates.push_back({.domain = domain, .wanted = {}});
    if (wanted) candidates[place->second].wanted = wanted;
  };
  for (const std::string& text : domains) {
    const std::string domain = TRY(as_usage(certstore::parse_domain(text), "--domain"));
    add(domain, {});
  }
  const bool all = domains.empty();
  // What the configuration says counts, also for certificates that there are not yet.
  for (const CertificateOptions& options : context.configuration().certificates) {
    const agent::CertificateSettings settings = TRY_CONTEXT(certificate_settings(context, options), "configuration");
    if (all || places.contains(settings.domain())) add(settings.domain(), settings);
  }
  if (!all) return candidates;
  // A first order that was interrupted has no certificate yet; its journal knows what was wanted.
  const std::vector<agent::OrderJournal> unfinished = TRY(agent::list_journals(files, root));
  for (const agent::OrderJournal& journal : unfinished) {
    const std::string& domain = journal.settings.domain();
    const agent::RenewalState state = TRY(agent::load_state(files, root, domain));
    if (!places.contains(domain) && !state.settings) add(domain, journal.settings);
  }
  const std::vector<std::string> known = TRY(certstore::list_domains(files, root));
  for (const std::string& domain : known) add(domain, {});
  return candidates;
}

}  // namespace lockstep::cli
