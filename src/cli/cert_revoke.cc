// lockstep cert revoke: tells the CA that a certificate must not be trusted any more.
#include <nlohmann/json.hpp>

#include "certstore/domain_name.h"
#include "cli/acme_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string domain;
  std::string reason;
  bool with_certificate_key = false;
  AccountOptions account;
};

Result<int> run_revoke(Context& context, const Options& options) {
  const std::string domain = TRY(as_usage(certstore::parse_domain(options.domain)));
  std::optional<int> reason;
  if (!options.reason.empty()) reason = TRY(as_usage(acme::revocation_reason(options.reason), "--reason"));
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const auto installed = TRY(certstore::load(runtime, root, domain));
  const agent::RenewalState state = TRY(agent::load_state(runtime.files, root, domain));
  AccountOptions where = options.account;
  if (where.server.empty() && state.settings) where.server = state.settings->server;
  if (where.ca_bundle.empty() && state.settings) where.ca_bundle = state.settings->ca_bundle;
  if (state.settings) where.insecure_http = where.insecure_http || state.settings->insecure_http;
  if (where.server.empty()) {
    return fail(ErrorCode::usage, "it is not known which CA issued the certificate of " + domain,
                "name it with --server");
  }
  const auto run = TRY(AcmeRun::make(context, where));
  agent::Authority* authority = TRY(run->authority());
  if (options.with_certificate_key) {
    const durable::Snapshot snapshot = TRY(durable::Snapshot::open(runtime.files, installed.path));
    std::string pem = TRY(snapshot.read(certstore::kKeyFile, certstore::kMemberLimit));
    const SecretBytes secret(std::move(pem));
    const crypto::PrivateKey key = TRY(crypto::PrivateKey::from_pem(secret.reveal(), certstore::kKeyFile));
    TRY(acme::revoke_certificate(*authority->session, {.key = key, .account_url = {}}, installed.leaf.der, reason));
  } else {
    const auto account = TRY(authority->accounts->get());
    TRY(acme::revoke_certificate(*authority->session, agent::signer_of(*account), installed.leaf.der, reason));
  }
  TRY(context.deliver("Certificate revoked by its CA. It is still in the folder: obtain another one.\n" +
                          field_lines({{"Domain", domain}, {"Serial", installed.leaf.serial}, {"CA", run->server()}}),
                      {{"domain", domain},
                       {"serial", installed.leaf.serial},
                       {"server", run->server()},
                       {"reason", options.reason.empty() ? "unspecified" : options.reason}},
                      "the certificate " + installed.leaf.serial + " of " + domain + " is revoked"));
  return 0;
}

}  // namespace

void add_cert_revoke(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "revoke", "Have a certificate revoked by its CA",
                                  "lockstep cert revoke example.com --reason keyCompromise");
  command->add_option("domain", options->domain, "DNS name, wildcard or IP address")->required();
  command->add_option("--reason", options->reason,
                      "unspecified, keyCompromise, affiliationChanged, superseded or cessationOfOperation");
  command->add_flag("--with-certificate-key", options->with_certificate_key,
                    "Sign with the certificate's own key instead of the account's");
  add_server_options(*command, &options->account);
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_revoke(context, *options); }; });
}

}  // namespace lockstep::cli
