// lockstep ca init: a new CA's key, root and empty ledger, in one commit.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "cli/commands.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string subject;
  std::string algorithm = "ecdsa-p256";
  std::string validity = "3650";
};

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kLongestValidityDays = 2'000'000;

Result<int> run_init(Context& context, const Options& options) {
  const std::int64_t days = TRY(positive_number(options.validity, "--validity", kLongestValidityDays));
  const crypto::KeyAlgorithm algorithm =
      TRY(as_usage(crypto::parse_key_algorithm(options.algorithm), "--key-algorithm"));
  const x509::Name subject = TRY(as_usage(x509::Name::parse_text(options.subject), "--subject"));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  TRY(ledger.check_can_initialize());
  const ca::NewAuthority authority =
      TRY(ca::make_authority(subject, algorithm, days * kSecondsPerDay, context.environment().clock.now()));
  TRY(ledger.initialize(authority.files));

  const std::string certificate = fs::join_path(directory, ca::kCertificateFile);
  const std::string key = fs::join_path(directory, ca::kKeyFile);
  const std::string algorithm_name(crypto::info(algorithm).display_name);
  const std::string not_after = format_rfc3339(authority.certificate.not_after);
  const std::string warning = "CA private key is stored unencrypted at " + key + ". Protect this file.";
  const std::string text = "CA initialized successfully.\n" +
                           field_lines({{"Subject", authority.certificate.subject.to_text()},
                                        {"Algorithm", algorithm_name},
                                        {"Serial", authority.certificate.serial},
                                        {"Not After", not_after},
                                        {"Certificate", certificate},
                                        {"Key", key}}) +
                           "Warning: " + warning + "\n";
  TRY(context.deliver(text,
                      {{"subject", authority.certificate.subject.to_text()},
                       {"algorithm", algorithm_name},
                       {"serial", authority.certificate.serial},
                       {"not_after", not_after},
                       {"certificate", certificate},
                       {"key", key},
                       {"warning", warning}},
                      "the CA at '" + directory + "' was made ('ca list' and " + certificate + " show it)"));
  return 0;
}

}  // namespace

void add_ca_init(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "init", "Make a new CA: key, self-signed root, empty ledger",
                                  "lockstep ca init --subject 'CN=Example Root,O=Example'");
  command->add_option("--subject", options->subject, "The root's name, RFC 4514")->required();
  command->add_option("--key-algorithm", options->algorithm, "ecdsa-p256 or rsa-2048")->capture_default_str();
  command->add_option("--validity", options->validity, "Days that the root is valid")->capture_default_str();
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_init(context, *options); }; });
}

}  // namespace lockstep::cli
