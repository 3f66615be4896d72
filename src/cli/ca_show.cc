// lockstep ca show: one certificate, its record and its PEM.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "cli/ca_entry.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

Result<int> run_show(Context& context, const std::string& serial_text) {
  const ca::Serial serial = TRY(as_usage(ca::parse_serial(serial_text)));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerReader> reader = TRY(ledger.read());
  const std::optional<ca::IndexEntry> entry = TRY(reader->find(serial));
  const std::string hex = ca::serial_to_hex(serial);
  if (!entry) return fail(ErrorCode::certificate_not_found, "certificate with serial " + hex + " not found");
  const std::string pem = TRY(reader->certificate(serial));
  const x509::Certificate certificate = TRY(x509::parse_certificate(pem, ledger.certificate_path(serial)));

  const UnixSeconds now = context.environment().clock.now();
  std::string names;
  nlohmann::ordered_json name_list = nlohmann::ordered_json::array();
  for (const x509::AlternativeName& name : certificate.alternative_names) {
    names += (names.empty() ? "" : ", ") + x509::to_text(name);
    name_list.push_back(x509::to_text(name));
  }
  std::vector<std::pair<std::string, std::string>> fields = {
      {"Serial", hex},
      {"Subject", entry->subject},
      {"Alternative Names", names.empty() ? "none" : names},
      {"Issuer", certificate.issuer.to_text()},
      {"Key", x509::describe_public_key(certificate.public_key_info)},
      {"Not Before", format_rfc3339(entry->not_before)},
      {"Not After", format_rfc3339(entry->not_after)},
      {"Status", std::string(status_text(*entry, now))}};
  if (entry->revocation) {
    fields.emplace_back("Revoked At", format_rfc3339(entry->revocation->at));
    fields.emplace_back("Reason", std::string(x509::to_text(entry->revocation->reason)));
  }
  fields.emplace_back("Certificate", ledger.certificate_path(serial));
  nlohmann::ordered_json document = entry_json(*entry, now);
  document["issuer"] = certificate.issuer.to_text();
  document["key"] = x509::describe_public_key(certificate.public_key_info);
  document["alternative_names"] = name_list;
  document["certificate"] = ledger.certificate_path(serial);
  document["pem"] = pem;
  TRY(context.deliver("Certificate " + hex + "\n" + field_lines(fields) + "\n" + pem, document));
  return 0;
}

}  // namespace

void add_ca_show(CLI::App& group, Action* action) {
  const auto serial = std::make_shared<std::string>();
  CLI::App* command = add_command(group, "show", "Show one certificate and print it in PEM", "lockstep ca show 02");
  command->add_option("serial", *serial, "Serial, hexadecimal")->required();
  command->callback([serial, action] { *action = [serial](Context& context) { return run_show(context, *serial); }; });
}

}  // namespace lockstep::cli
