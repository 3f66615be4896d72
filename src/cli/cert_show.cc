// lockstep cert show: one certificate folder.
#include <nlohmann/json.hpp>

#include "certstore/domain_name.h"
#include "cli/cert_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

Result<int> run_show(Context& context, const std::string& text) {
  const std::string domain = TRY(as_usage(certstore::parse_domain(text)));
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const certstore::InstalledCertificate installed = TRY(certstore::load(runtime, root, domain));
  const UnixSeconds now = context.environment().clock.now();
  const Renewal renewal = renewal_of(context, root, installed);
  nlohmann::ordered_json document = certificate_json(installed, now);
  document["renewal"] = renewal.json;
  std::string names;
  for (const std::string& name : installed.metadata.sans) names += (names.empty() ? "" : ", ") + name;
  std::string history;
  for (const durable::Generation generation : installed.history) {
    history += (history.empty() ? "" : ", ") + std::to_string(generation);
  }
  TRY(context.deliver(
      "Certificate of " + domain + "\n" +
          field_lines({{"Subject", installed.leaf.subject.to_text()},
                       {"Alternative Names", names.empty() ? "none" : names},
                       {"Issuer", installed.leaf.issuer.to_text()},
                       {"Serial", installed.leaf.serial},
                       {"Key", installed.metadata.key_type},
                       {"Not Before", format_rfc3339(installed.leaf.not_before)},
                       {"Not After", format_rfc3339(installed.leaf.not_after)},
                       {"State", std::string(certificate_state(installed.leaf, now)) + ", " +
                                     std::to_string(days_left(installed.leaf.not_after, now)) + " days left"},
                       {"Renewal", renewal.text},
                       {"Chain", std::to_string(installed.chain_length) + " intermediate certificates"},
                       {"Generation", std::to_string(installed.generation)},
                       {"Older Generations", history.empty() ? "none" : history},
                       {"Installed By", installed.metadata.renewed_by},
                       {"Folder", installed.path}}),
      document));
  return 0;
}

}  // namespace

void add_cert_show(CLI::App& group, Action* action) {
  const auto domain = std::make_shared<std::string>();
  CLI::App* command = add_command(group, "show", "Show one certificate folder", "lockstep cert show localhost");
  command->add_option("domain", *domain, "DNS name, wildcard or IP address")->required();
  command->callback([domain, action] { *action = [domain](Context& context) { return run_show(context, *domain); }; });
}

}  // namespace lockstep::cli
