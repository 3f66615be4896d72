// lockstep ca verify: is a certificate one of this CA's, in its time and not revoked?
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/verify.h"
#include "cli/commands.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kCertificateLimit = 1U << 20U;

Result<int> run_verify(Context& context, const std::string& file) {
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerReader> reader = TRY(ledger.read());
  const std::string bytes = TRY(fs::read_input(context.environment().files, file, kCertificateLimit));
  const x509::Certificate certificate = TRY(x509::parse_certificate(bytes, file));
  const ca::Verdict verdict = TRY(ca::verify_certificate(*reader, certificate, context.environment().clock.now()));

  const std::string result = verdict.valid() ? "VALID" : "INVALID";
  const std::string signature = verdict.signature_ok ? "OK" : "FAILED";
  const std::string expiry(ca::expiry_text(verdict.expiry));
  TRY(context.deliver("Certificate verification: " + result + "\n" +
                          field_lines({{"Subject", certificate.subject.to_text()},
                                       {"Serial", certificate.serial},
                                       {"Issuer", certificate.issuer.to_text()},
                                       {"Not Before", format_rfc3339(certificate.not_before)},
                                       {"Not After", format_rfc3339(certificate.not_after)},
                                       {"Signature", signature},
                                       {"Expiry", expiry},
                                       {"Revocation", ca::revocation_text(verdict)}}),
                      {{"result", result},
                       {"subject", certificate.subject.to_text()},
                       {"serial", certificate.serial},
                       {"issuer", certificate.issuer.to_text()},
                       {"not_before", format_rfc3339(certificate.not_before)},
                       {"not_after", format_rfc3339(certificate.not_after)},
                       {"signature", signature},
                       {"expiry", expiry},
                       {"revocation", ca::revocation_text(verdict)}}));
  return verdict.valid() ? 0 : 1;
}

}  // namespace

void add_ca_verify(CLI::App& group, Action* action) {
  const auto file = std::make_shared<std::string>();
  CLI::App* command = add_command(group, "verify", "Check a certificate against this CA and its CRL",
                                  "lockstep ca verify localhost.crt");
  command->add_option("cert-file", *file, "A certificate, PEM or DER")->required();
  command->callback([file, action] { *action = [file](Context& context) { return run_verify(context, *file); }; });
}

}  // namespace lockstep::cli
