#include "cli/certificate_options.h"

#include <algorithm>

#include "certstore/domain_name.h"
#include "cli/commands.h"
#include "cli/group_lookup.h"

namespace lockstep::cli {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::size_t kMostNames = 1000;

// Longer than any certificate lasts: a slip of the pen.
Result<std::int64_t> bounded_duration(const std::string& text, const std::string& option, std::int64_t bare_unit) {
  constexpr std::int64_t kMostDays = 10'000;
  const std::int64_t seconds = TRY(duration_option(text, option, bare_unit));
  if (seconds > kMostDays * kDay)
    return fail(ErrorCode::usage, option + ": '" + printable(text) + "' is more than 10000 days");
  return seconds;
}

Result<agent::ChallengeSettings> challenge_settings(Context& context, const CertificateOptions& options) {
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
                                    .where = options.http == kDefaultAddress ? ":80" : options.http};
  if (!options.tls_alpn.empty())
    return agent::ChallengeSettings{.kind = Kind::tls_alpn,
                                    .where = options.tls_alpn == kDefaultAddress ? ":443" : options.tls_alpn};
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

Result<std::vector<std::string>> parse_names(const CertificateOptions& options, agent::ChallengeKind kind) {
  std::vector<std::string> names;
  for (const std::string& text : options.domains) {
    std::string name = TRY(as_usage(certstore::parse_domain(text), "-d"));
    if (name.starts_with("*.") && kind != agent::ChallengeKind::dns_hook && kind != agent::ChallengeKind::dns_update) {
      return fail(ErrorCode::usage, "-d: the wildcard " + name + " can only be proved by DNS",
                  "use --dns PROGRAM, or --dns-server ADDRESS --dns-key FILE");
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  if (names.empty()) return fail(ErrorCode::usage, "-d: no name is given");
  if (names.size() > kMostNames) return fail(ErrorCode::usage, "-d: more than 1000 names");
  return names;
}

}  // namespace

Result<agent::CertificateSettings> certificate_settings(Context& context, const CertificateOptions& options) {
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
  settings.names = TRY(parse_names(options, settings.challenge.kind));
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

}  // namespace lockstep::cli
