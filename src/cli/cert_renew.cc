// lockstep cert renew: every certificate that is due, as it was obtained.
#include "cli/acme_common.h"
#include "cli/commands.h"
#include "cli/configuration.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::vector<std::string> domains;
  bool force = false;
  bool dry_run = false;
  bool exit_code = false;
  std::string concurrency;
  std::string timeout;
};

Result<int> run_renew(Context& context, const Options& options) {
  constexpr std::int64_t kMostAtOnce = 64;
  agent::RenewalOptions how{.force = options.force || options.dry_run, .dry_run = options.dry_run};
  if (!options.concurrency.empty())
    how.concurrency = static_cast<unsigned>(TRY(positive_number(options.concurrency, "--concurrency", kMostAtOnce)));
  std::vector<agent::Candidate> candidates = TRY(stored_candidates(context, options.domains));
  AccountOptions account = context.configuration().account;
  if (!options.timeout.empty()) account.timeout = options.timeout;
  const auto run = TRY(AcmeRun::make(context, account));
  how.observer = run.get();
  if (context.environment().catch_signals) context.environment().catch_signals();
  for (agent::Candidate& candidate : candidates) {
    if (!options.domains.empty()) {
      const auto assessment = TRY(agent::assess(run->surroundings().runtime, run->surroundings().root, candidate));
      if (!assessment.settings) {
        return fail(ErrorCode::not_found, "how the certificate of " + candidate.domain + " is renewed is not known",
                    "say it once with 'lockstep cert obtain -d " + candidate.domain + " …'");
      }
    }
    if (!options.dry_run) continue;
    const auto state = TRY(agent::load_state(context.environment().files, run->surroundings().root, candidate.domain));
    if (!candidate.wanted) candidate.wanted = state.settings;
    if (!candidate.wanted) continue;
    candidate.wanted->server = acme::staging_of(candidate.wanted->server).value_or(candidate.wanted->server);
  }
  return deliver_reports(context, agent::renew_all(run->toolbox(), candidates, how), options.dry_run,
                         options.exit_code);
}

}  // namespace

void add_cert_renew(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "renew", "Renew the certificates that are due", "lockstep cert renew");
  repeated(command->add_option("-d,--domain", options->domains, "Only this certificate; may be repeated"));
  command->add_flag("--force,--force-renewal", options->force, "Also what is not due");
  command->add_flag("--dry-run", options->dry_run,
                    "Go through an order at the CA's staging server and keep nothing of it");
  command->add_flag("--exit-code-if-unchanged", options->exit_code, "Exit with 3 when nothing was due");
  command->add_option("--concurrency", options->concurrency, "How many at a time (default 4)");
  add_timeout_option(*command, &options->timeout);
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_renew(context, *options); }; });
}

}  // namespace lockstep::cli
