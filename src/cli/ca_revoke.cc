// lockstep ca revoke: marks a certificate as revoked, for ever.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string serial;
  std::string reason = "unspecified";
};

Result<int> run_revoke(Context& context, const Options& options) {
  const ca::Serial serial = TRY(as_usage(ca::parse_serial(options.serial)));
  const x509::RevocationReason reason = TRY(as_usage(x509::parse_revocation_reason(options.reason), "--reason"));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerWriter> writer = TRY(ledger.write());
  const ca::IndexEntry entry = TRY(writer->revoke(serial, {context.environment().clock.now(), reason}));
  const std::string hex = ca::serial_to_hex(entry.serial);
  const std::string reason_text(x509::to_text(reason));
  TRY(context.deliver("Certificate revoked successfully.\n" + field_lines({{"Serial", hex}, {"Reason", reason_text}}),
                      {{"serial", hex}, {"reason", reason_text}, {"revoked_at", format_rfc3339(entry.revocation->at)}},
                      "certificate " + hex + " was revoked ('lockstep ca show " + hex + "' shows it)"));
  return 0;
}

}  // namespace

void add_ca_revoke(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "revoke", "Revoke a certificate; the next CRL lists it",
                                  "lockstep ca revoke 02 --reason keyCompromise");
  command->add_option("serial", options->serial, "Serial, hexadecimal")->required();
  command
      ->add_option("--reason", options->reason,
                   "unspecified, keyCompromise, affiliationChanged, superseded or cessationOfOperation")
      ->capture_default_str();
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_revoke(context, *options); }; });
}

}  // namespace lockstep::cli
