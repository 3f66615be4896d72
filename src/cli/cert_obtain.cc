// lockstep cert obtain: a certificate from an ACME CA, into a folder that web servers read.
#include "certstore/domain_name.h"
#include "cli/acme_common.h"
#include "cli/commands.h"
#include "cli/group_lookup.h"

namespace lockstep::cli {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::size_t kMostNames = 1000;
constexpr const char* kAnyAddress = "(default)";

struct Options {
  std::vector<std::string> domains;
  bool each = false;
  AccountOptions account;
  std::string http, webroot, tls_alpn, dns, dns_server, dns_key, dns_wait;
  std::string key_type = "rsa2048";
  bool reuse_key = false;
  std::string profile, preferred_chain, renew_before, group;
  bool combined = false;
  bool nginx_conf = false;
  std::vector<std::string> pre_hooks, deploy_hooks, post_hooks, failure_hooks;
  bool rollback = false;
  bool force = false;
  bool dry_run = false;
};

// Longer than any certificate lasts: a slip of the pen.
Result<std::int64_t> bounded_duration(const std::string& text, const std::string& option, std::int64_t bare_unit) {
  constexpr std::int64_t kMostDays = 10'000;
  const std::int64_t seconds = TRY(duration_option(text, option, bare_unit));
  if (seconds > kMostDays * kDay)
    return fail(ErrorCode::usage, option + ": '" + printable(text) + "' is more than 10000 days");
  return seconds;
}

Result<agent::ChallengeSettings> challenge_settings(Context& context, const Options& options) {
  const int ways = (options.http.empty() ? 0 : 1) + (options.webroot.empty() ? 0 : 1) +
                   (options.tls_alpn.empty() ? 0 : 1) + (options.dns.empty() ? 0 : 1) +
                   (options.dns_server.empty() ? 0 : 1);
  if (ways != 1) {
    return fail(ErrorCode::usage,
                ways == 0 ? "it is not said how control of the names is proved"
                          : "only one way of proving control of the names can be used",
                "use one of --http, --webroot DIR, --tls-alpn, --dns PROGRAM, --dns-server ADDRESS --dns-key FILE");
  }
  if (options.dns_server.empty() != options.dns_key.empty())
    return fail(ErrorCode::usage, "--dns-server and --dns-key go together");
  fs::FileSystem& files = context.environment().files;
  using Kind = agent::ChallengeKind;
  if (!options.http.empty())
    return agent::ChallengeSettings{.kind = Kind::http_listener,
                                    .where = options.http == kAnyAddress ? ":80" : options.http};
  if (!options.tls_alpn.empty())
    return agent::ChallengeSettings{.kind = Kind::tls_alpn,
                                    .where = options.tls_alpn == kAnyAddress ? ":443" : options.tls_alpn};
  if (!options.webroot.empty()) {
    // Renewals run elsewhere: what is kept does not depend on today's directory.
    std::string directory = TRY(files.absolute_path(options.webroot));
    return agent::ChallengeSettings{.kind = Kind::webroot, .where = std::move(directory)};
  }
  if (!options.dns.empty()) {
    const bool path = options.dns.find('/') != std::string::npos;
    std::string program = options.dns;
    if (path) program = TRY(files.absolute_path(options.dns));
    return agent::ChallengeSettings{.kind = Kind::dns_hook, .where = std::move(program)};
  }
  std::string key_file = TRY(files.absolute_path(options.dns_key));
  agent::ChallengeSettings settings{
      .kind = Kind::dns_update, .where = options.dns_server, .key_file = std::move(key_file)};
  if (!options.dns_wait.empty()) settings.propagation = TRY(bounded_duration(options.dns_wait, "--dns-wait", 1));
  return settings;
}

Result<std::vector<agent::HookProgram>> hooks(const std::vector<std::string>& texts, const std::string& option) {
  std::vector<agent::HookProgram> programs;
  for (const std::string& text : texts) {
    agent::HookProgram program = TRY(as_usage(agent::split_command(text), option));
    programs.push_back(std::move(program));
  }
  return programs;
}

Result<agent::CertificateSettings> common_settings(Context& context, const Options& options) {
  agent::CertificateSettings settings;
  settings.server = TRY(as_usage(
      acme::directory_url_of(options.account.server.empty() ? kDefaultServer : options.account.server), "--server"));
  if (!options.account.ca_bundle.empty())
    settings.ca_bundle = TRY(context.environment().files.absolute_path(options.account.ca_bundle));
  settings.insecure_http = options.account.insecure_http;
  settings.key_type = TRY(as_usage(crypto::parse_key_type(options.key_type), "--key-type"));
  settings.reuse_key = options.reuse_key;
  settings.profile = options.profile;
  settings.preferred_chain = options.preferred_chain;
  if (!options.renew_before.empty())
    settings.renew_before = TRY(bounded_duration(options.renew_before, "--renew-before", kDay));
  settings.challenge = TRY(challenge_settings(context, options));
  settings.hooks.pre = TRY(hooks(options.pre_hooks, "--pre-hook"));
  settings.hooks.deploy = TRY(hooks(options.deploy_hooks, "--deploy-hook"));
  settings.hooks.post = TRY(hooks(options.post_hooks, "--post-hook"));
  settings.hooks.failure = TRY(hooks(options.failure_hooks, "--failure-hook"));
  settings.hooks.rollback_on_deploy_failure = options.rollback;
  settings.combined = options.combined;
  settings.nginx_conf = options.nginx_conf;
  settings.group = options.group;
  if (!options.group.empty()) TRY(as_usage(lookup_group(options.group), "--group"));
  return settings;
}

Result<std::vector<agent::Candidate>> wanted(Context& context, const Options& options) {
  const agent::CertificateSettings common = TRY(common_settings(context, options));
  std::vector<std::string> names;
  for (const std::string& text : options.domains) {
    std::string name = TRY(as_usage(certstore::parse_domain(text), "-d"));
    if (name.starts_with("*.") && common.challenge.kind != agent::ChallengeKind::dns_hook &&
        common.challenge.kind != agent::ChallengeKind::dns_update) {
      return fail(ErrorCode::usage, "-d: the wildcard " + name + " can only be proved by DNS",
                  "use --dns PROGRAM, or --dns-server ADDRESS --dns-key FILE");
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  if (names.size() > kMostNames) return fail(ErrorCode::usage, "-d: more than 1000 names");
  std::vector<agent::Candidate> candidates;
  if (!options.each) {
    agent::CertificateSettings settings = common;
    settings.names = names;
    candidates.push_back({.domain = names.front(), .wanted = std::move(settings)});
    return candidates;
  }
  for (const std::string& name : names) {
    agent::CertificateSettings settings = common;
    settings.names = {name};
    candidates.push_back({.domain = name, .wanted = std::move(settings)});
  }
  return candidates;
}

Result<int> run_obtain(Context& context, const Options& options) {
  std::vector<agent::Candidate> candidates = TRY(wanted(context, options));
  if (options.dry_run && candidates.front().wanted) {
    // The CA's own place for practice, where it has one.
    for (agent::Candidate& candidate : candidates)
      candidate.wanted->server = acme::staging_of(candidate.wanted->server).value_or(candidate.wanted->server);
  }
  const auto run = TRY(AcmeRun::make(context, options.account));
  // A port that is taken or a directory that is missing is said before a CA is asked for anything.
  TRY(run->toolbox().solver(candidates.front().wanted->challenge));
  const auto reports = agent::renew_all(run->toolbox(), candidates,
                                        {.force = options.force || options.dry_run, .dry_run = options.dry_run});
  return deliver_reports(context, reports, options.dry_run, false);
}

void add_proof_options(CLI::App& command, Options& options) {
  command.add_option("--http", options.http, "Answer http-01 on ADDRESS:PORT (default :80)")
      ->expected(0, 1)
      ->default_str(kAnyAddress)
      ->type_name("[ADDR:PORT]");
  command.add_option("-w,--webroot", options.webroot, "Put http-01 answers below this directory of a web server");
  command.add_option("--tls-alpn", options.tls_alpn, "Answer tls-alpn-01 on ADDRESS:PORT (default :443)")
      ->expected(0, 1)
      ->default_str(kAnyAddress)
      ->type_name("[ADDR:PORT]");
  command.add_option("--dns", options.dns, "Program that makes dns-01 records, called as PROGRAM present|cleanup");
  command.add_option("--dns-server", options.dns_server, "Name server that takes signed updates (RFC 2136)");
  command.add_option("--dns-key", options.dns_key, "Its TSIG key, a file as tsig-keygen writes it");
  command.add_option("--dns-wait", options.dns_wait, "How long to wait for its secondaries (default 0s)");
}

void add_hook_options(CLI::App& command, Options& options) {
  command.add_option("--pre-hook", options.pre_hooks, "Program with arguments to run before an order; may be repeated");
  command.add_option("--deploy-hook", options.deploy_hooks, "... when a new certificate is live: \"nginx -s reload\"");
  command.add_option("--post-hook", options.post_hooks, "... after an order, whatever came of it");
  command.add_option("--failure-hook", options.failure_hooks, "... when it failed");
  command.add_flag("--rollback-on-deploy-failure", options.rollback,
                   "Swap back to the certificate before, and run the deploy hook again, when it fails");
}

}  // namespace

void add_cert_obtain(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "obtain", "Get a certificate from an ACME CA",
                                  "lockstep cert obtain -d example.com -d www.example.com -m admin@example.com "
                                  "--agree-tos --webroot /var/www/html --deploy-hook 'nginx -s reload'");
  command->add_option("-d,--domain", options->domains, "A name (DNS, wildcard or IP); the first one names the folder")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--each", options->each, "One certificate for each name instead of one for all");
  add_account_options(*command, &options->account);
  add_proof_options(*command, *options);
  command->add_option("--key-type", options->key_type, "rsa2048 (default), rsa3072, rsa4096, ec256 or ec384");
  command->add_flag("--reuse-key", options->reuse_key, "Keep the key that there is");
  command->add_option("--profile", options->profile, "One of the CA's certificate profiles");
  command->add_option("--preferred-chain", options->preferred_chain, "The chain that was issued by this common name");
  command->add_option("--renew-before", options->renew_before,
                      "Renew so many days before the end (default: a third of it)");
  command->add_option("--group", options->group, "A group that may read the folder, its key included");
  command->add_flag("--combined", options->combined, "Also keep combined.pem (key and chain in one file, for HAProxy)");
  command->add_flag("--nginx-conf", options->nginx_conf, "Also keep nginx.conf, which pins one generation");
  add_hook_options(*command, *options);
  command->add_flag("--force,--force-renewal", options->force, "Order although nothing is due");
  command->add_flag("--dry-run", options->dry_run,
                    "Go through an order at the CA's staging server and keep nothing of it");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_obtain(context, *options); }; });
}

}  // namespace lockstep::cli
