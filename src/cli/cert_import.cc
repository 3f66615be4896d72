// lockstep cert import: an existing certificate, chain and key into a folder that web servers read.
#include <nlohmann/json.hpp>

#include "certstore/certificate_folder.h"
#include "certstore/domain_name.h"
#include "cli/cert_common.h"
#include "cli/commands.h"
#include "cli/group_lookup.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kInputLimit = 1U << 20U;  // bytes of one input file

struct Options {
  std::string domain;
  std::string certificate;
  std::string key;
  std::string chain;
  std::string trust;
  std::string group;
  bool force = false;
  bool combined = false;
  bool nginx_conf = false;
};

Result<certstore::CertificateSet> read_set(Context& context, const Options& options) {
  fs::FileSystem& files = context.environment().files;
  const std::string certificate = TRY_CONTEXT(fs::read_input(files, options.certificate, kInputLimit), "--cert");
  std::string key_bytes = TRY_CONTEXT(fs::read_input(files, options.key, kInputLimit), "--key");
  const SecretBytes key(std::move(key_bytes));
  std::string chain;
  if (!options.chain.empty()) chain = TRY_CONTEXT(fs::read_input(files, options.chain, kInputLimit), "--chain");
  return certstore::parse_set({.certificate_pem = certificate,
                               .certificate_name = options.certificate,
                               .key_pem = key.reveal(),
                               .key_name = options.key,
                               .chain_pem = chain,
                               .chain_name = options.chain});
}

Status check_set(Context& context, const Options& options, const certstore::CertificateSet& set,
                 const std::string& domain) {
  certstore::SetPolicy policy{.domain = domain, .now = context.environment().clock.now(), .anchors = {}};
  if (!options.trust.empty()) {
    const std::string anchors =
        TRY_CONTEXT(fs::read_input(context.environment().files, options.trust, kInputLimit), "--trust");
    policy.anchors = TRY(x509::parse_certificates(anchors, options.trust));
    if (policy.anchors.empty())
      return fail(ErrorCode::parse_error, "--trust: " + options.trust + " holds no certificate");
  }
  const std::vector<certstore::SetProblem> problems = TRY(certstore::examine_set(set, policy));
  for (const certstore::SetProblem& problem : problems) {
    if (problem.waivable && options.force) continue;
    return fail(ErrorCode::untrusted, options.certificate + ": " + problem.message,
                problem.waivable ? "use --force to install it all the same" : "");
  }
  for (const certstore::SetProblem& problem : problems)
    context.warn(problem.message + " (installed because of --force)");
  return {};
}

Result<int> run_import(Context& context, const Options& options) {
  const std::string domain = TRY(as_usage(certstore::parse_domain(options.domain)));
  certstore::FolderOptions folder{.combined = options.combined, .nginx_conf = options.nginx_conf, .group = {}};
  if (!options.group.empty()) folder.group = TRY(lookup_group(options.group));
  const certstore::CertificateSet set = TRY(read_set(context, options));
  TRY(check_set(context, options, set, domain));
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const certstore::InstallResult result = TRY(
      certstore::install(runtime, root, domain, set, certstore::metadata_of(set.leaf, program_and_version()), folder));

  const std::string path = certstore::folder_path(root, domain);
  const std::string headline = result.unchanged ? "Certificate is installed already; nothing changed.\n"
                                                : "Certificate installed successfully.\n";
  TRY(context.deliver(headline + field_lines({{"Domain", domain},
                                              {"Serial", set.leaf.serial},
                                              {"Issuer", set.leaf.issuer.to_text()},
                                              {"Not After", format_rfc3339(set.leaf.not_after)},
                                              {"Generation", std::to_string(result.generation)},
                                              {"Folder", path}}),
                      {{"domain", domain},
                       {"serial", set.leaf.serial},
                       {"issuer", set.leaf.issuer.to_text()},
                       {"not_after", format_rfc3339(set.leaf.not_after)},
                       {"generation", result.generation},
                       {"folder", path},
                       {"changed", !result.unchanged}},
                      "the certificate of " + domain + " is installed ('lockstep cert show " + domain + "' shows it)"));
  return 0;
}

}  // namespace

void add_cert_import(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "import", "Install an existing certificate and its key",
                                  "lockstep cert import --domain localhost --cert localhost.crt --key localhost.key "
                                  "--trust ca-data/ca.crt");
  command->add_option("--domain", options->domain, "DNS name, wildcard or IP address")->required();
  command->add_option("--cert", options->certificate, "The certificate, PEM; its chain may follow in the same file")
      ->required();
  command->add_option("--key", options->key, "Its private key, PEM")->required();
  command->add_option("--chain", options->chain, "Intermediate certificates, the leaf's issuer first");
  command->add_option("--trust", options->trust, "Require a path to one of these certificates");
  command->add_option("--group", options->group, "A group that may read the folder, its key included");
  command->add_flag("--combined", options->combined, "Also keep combined.pem (key and chain in one file, for HAProxy)");
  command->add_flag("--nginx-conf", options->nginx_conf, "Also keep nginx.conf, which pins one generation");
  command->add_flag("--force", options->force, "Install although it does not cover the name or is not valid now");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_import(context, *options); }; });
}

}  // namespace lockstep::cli
