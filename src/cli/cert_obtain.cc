// lockstep cert obtain: a certificate from an ACME CA, into a folder that web servers read.
#include "cli/certificate_options.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Options {
  CertificateOptions certificate;
  bool each = false;
  bool force = false;
  bool dry_run = false;
};

Result<std::vector<agent::Candidate>> wanted(Context& context, const Options& options) {
  const agent::CertificateSettings all = TRY(certificate_settings(context, options.certificate));
  std::vector<agent::Candidate> candidates;
  if (!options.each) {
    candidates.push_back({.domain = all.domain(), .wanted = all});
    return candidates;
  }
  for (const std::string& name : all.names) {
    agent::CertificateSettings settings = all;
    settings.names = {name};
    candidates.push_back({.domain = name, .wanted = std::move(settings)});
  }
  return candidates;
}

Result<int> run_obtain(Context& context, const Options& options) {
  std::vector<agent::Candidate> candidates = TRY(wanted(context, options));
  if (options.dry_run) {
    // The CA's own place for practice, where it has one.
    for (agent::Candidate& candidate : candidates)
      candidate.wanted->server = acme::staging_of(candidate.wanted->server).value_or(candidate.wanted->server);
  }
  const auto run = TRY(AcmeRun::make(context, options.certificate.account));
  // A port that is taken or a directory that is missing is said before a CA is asked for anything.
  TRY(run->toolbox().solver(candidates.front().wanted->challenge));
  if (context.environment().catch_signals) context.environment().catch_signals();
  const auto reports =
      agent::renew_all(run->toolbox(), candidates,
                       {.force = options.force || options.dry_run, .dry_run = options.dry_run, .observer = run.get()});
  return deliver_reports(context, reports, options.dry_run, false);
}

void add_proof_options(CLI::App& command, CertificateOptions& options) {
  command.add_option("--http", options.http, "Answer http-01 on ADDRESS:PORT (default :80)")
      ->expected(0, 1)
      ->default_str(kDefaultAddress)
      ->type_name("[ADDR:PORT]");
  command.add_option("-w,--webroot", options.webroot, "Put http-01 answers below this directory of a web server");
  command.add_option("--tls-alpn", options.tls_alpn, "Answer tls-alpn-01 on ADDRESS:PORT (default :443)")
      ->expected(0, 1)
      ->default_str(kDefaultAddress)
      ->type_name("[ADDR:PORT]");
  command.add_option("--dns", options.dns, "Program that makes dns-01 records, called as PROGRAM present|cleanup");
  command.add_option("--dns-server", options.dns_server, "Name server that takes signed updates (RFC 2136)");
  command.add_option("--dns-key", options.dns_key, "Its TSIG key, a file as tsig-keygen writes it");
  command.add_option("--dns-wait", options.dns_wait, "How long to wait for its secondaries (default 0s)");
}

void add_hook_options(CLI::App& command, CertificateOptions& options) {
  repeated(command.add_option("--pre-hook", options.pre_hooks,
                              "Program with arguments to run before an order; may be repeated"));
  repeated(command.add_option("--deploy-hook", options.deploy_hooks,
                              "... when a new certificate is live: \"nginx -s reload\""));
  repeated(command.add_option("--post-hook", options.post_hooks, "... after an order, whatever came of it"));
  repeated(command.add_option("--failure-hook", options.failure_hooks, "... when it failed"));
  command.add_flag("--rollback-on-deploy-failure", options.rollback,
                   "Swap back to the certificate before, and run the deploy hook again, when it fails");
}

}  // namespace

void add_cert_obtain(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CertificateOptions* wanted = &options->certificate;
  CLI::App* command = add_command(group, "obtain", "Get a certificate from an ACME CA",
                                  "lockstep cert obtain -d example.com -d www.example.com -m admin@example.com "
                                  "--agree-tos --webroot /var/www/html --deploy-hook 'nginx -s reload'");
  repeated(
      command
          ->add_option("-d,--domain", wanted->domains, "A name (DNS, wildcard or IP); the first one names the folder")
          ->required());
  command->add_flag("--each", options->each, "One certificate for each name instead of one for all");
  add_account_options(*command, &wanted->account);
  add_proof_options(*command, *wanted);
  command->add_option("--key-type", wanted->key_type, "rsa2048 (default), rsa3072, rsa4096, ec256 or ec384");
  command->add_flag("--reuse-key", wanted->reuse_key, "Keep the key that there is");
  command->add_option("--profile", wanted->profile, "One of the CA's certificate profiles");
  command->add_option("--preferred-chain", wanted->preferred_chain, "The chain that was issued by this common name");
  command->add_option("--renew-before", wanted->renew_before,
                      "Renew so many days before the end (default: a third of it)");
  command->add_option("--group", wanted->group, "A group that may read the folder, its key included");
  command->add_flag("--combined", wanted->combined, "Also keep combined.pem (key and chain in one file, for HAProxy)");
  command->add_flag("--nginx-conf", wanted->nginx_conf, "Also keep nginx.conf, which pins one generation");
  add_hook_options(*command, *wanted);
  command->add_flag("--force,--force-renewal", options->force, "Order although nothing is due");
  command->add_flag("--dry-run", options->dry_run,
                    "Go through an order at the CA's staging server and keep nothing of it");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_obtain(context, *options); }; });
}

}  // namespace lockstep::cli
