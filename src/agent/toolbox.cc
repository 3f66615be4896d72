#include "agent/toolbox.h"

#include <algorithm>

#include "acme/solvers.h"
#include "fs/io.h"

namespace lockstep::agent {

namespace {
constexpr std::size_t kKeyFileLimit = 64U * 1024U;  // bytes
}  // namespace

Result<Authority*> Toolbox::authority(const std::string& server, const std::string& ca_bundle, bool insecure_http) {
  const std::lock_guard lock(mutex_);
  const std::string key = server + "\n" + ca_bundle + (insecure_http ? "\nhttp" : "");
  const auto found = authorities_.find(key);
  if (found != authorities_.end()) return &found->second;
  if (Status usable = http::check_url(server, insecure_http); !usable)
    return fail(std::move(usable).error().with_hint(
        "give the https address of an ACME directory; plain http is for this machine alone, with --insecure-http"));
  Authority made;
  http::ClientOptions options{
      .user_agent = surroundings_.program, .ca_bundle = ca_bundle, .insecure_http = insecure_http};
  options.timeout = surroundings_.timeout;
  options.connect_timeout = std::min(options.connect_timeout, options.timeout);
  made.client = TRY(surroundings_.make_client(std::move(options)));
  made.session = std::make_unique<acme::Session>(*made.client, surroundings_.runtime.clock, server,
                                                 acme::ParseRules{.insecure_http = insecure_http});
  made.accounts = std::make_unique<AccountHolder>(*made.session, surroundings_.runtime, surroundings_.root, wish_,
                                                  [this](const std::string& what) { surroundings_.say("", what); });
  return &authorities_.emplace(key, std::move(made)).first->second;
}

Result<acme::ChallengeSolver*> Toolbox::solver(const ChallengeSettings& settings) {
  const std::lock_guard lock(mutex_);
  const std::string key = std::string(challenge_kind_name(settings.kind)) + "\n" + settings.where + "\n" +
                          settings.key_file + "\n" + std::to_string(settings.propagation);
  auto found = solvers_.find(key);
  if (found == solvers_.end()) {
    auto made = TRY(surroundings_.make_solver(settings));
    found = solvers_.emplace(key, std::move(made)).first;
  }
  return found->second.get();
}

Result<ObtainTools> Toolbox::tools(const CertificateSettings& settings) {
  acme::ChallengeSolver* prover = TRY(solver(settings.challenge));
  Authority* ca = TRY(authority(settings.server, settings.ca_bundle, settings.insecure_http));
  return ObtainTools{.runtime = surroundings_.runtime,
                     .root = surroundings_.root,
                     .session = *ca->session,
                     .accounts = *ca->accounts,
                     .solver = *prover,
                     .solver_for = [this](const ChallengeSettings& other) { return solver(other); },
                     .program = surroundings_.program,
                     .say = surroundings_.say,
                     .stop = surroundings_.stop};
}

Result<std::unique_ptr<acme::ChallengeSolver>> make_solver(durable::Runtime& runtime, fs::ProgramRunner& programs,
                                                           const ChallengeSettings& settings) {
  switch (settings.kind) {
    case ChallengeKind::http_listener: return acme::make_http_listener(settings.where);
    case ChallengeKind::webroot: return acme::make_webroot(runtime, settings.where);
    case ChallengeKind::tls_alpn: return acme::make_tls_alpn(settings.where, runtime);
    case ChallengeKind::dns_hook: return acme::make_dns_hook(programs, settings.where);
    case ChallengeKind::dns_update: break;
  }
  acme::DnsUpdateOptions options;
  options.server = settings.where;
  options.propagation = std::chrono::seconds(settings.propagation);
  std::string text = TRY(fs::read_input(runtime.files, settings.key_file, kKeyFileLimit));
  const SecretBytes key(std::move(text));
  TRY(acme::read_dns_key(key.reveal(), settings.key_file, &options));
  return acme::make_dns_update(runtime.clock, std::move(options));
}

}  // namespace lockstep::agent
