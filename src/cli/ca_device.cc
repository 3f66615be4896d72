// lockstep ca device add, list, remove: the devices that the issuing server knows, and their bootstrap certificates.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/registry.h"
#include "ca/rules.h"
#include "cli/commands.h"
#include "crypto/digest.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kCertificateLimit = 64U * 1024U;

struct AddOptions {
  std::string name;
  std::string bootstrap;
  std::string subject;
};

nlohmann::ordered_json to_json(const ca::Device& device) {
  return {{"name", device.name},
          {"subject", device.subject},
          {"bootstrap", device.bootstrap},
          {"added", format_rfc3339(device.added)},
          {"enrolled", device.enrolled}};
}

// A certificate that could never be used must not be found out about in the field.
Result<x509::Certificate> read_bootstrap(Context& context, const std::string& path) {
  const std::string bytes = TRY_CONTEXT(fs::read_input(context.environment().files, path, kCertificateLimit),
                                        "failed to read the bootstrap certificate");
  x509::Certificate certificate = TRY(x509::parse_certificate(bytes, path));
  if (certificate.is_ca || !certificate.client_auth) {
    return fail(
        ErrorCode::untrusted,
        path + ": this certificate cannot identify a device: " +
            (certificate.is_ca ? "it is a CA's" : "its extended key usage does not allow client authentication"),
        "name the certificate whose key the device has");
  }
  if (context.environment().clock.now() > certificate.not_after) {
    return fail(ErrorCode::untrusted, path + ": the certificate expired at " + format_rfc3339(certificate.not_after),
                "register one that is valid");
  }
  return certificate;
}

Result<std::string> subject_of(const AddOptions& options) {
  if (options.subject.empty()) return "CN=" + options.name;
  const x509::Name subject = TRY(as_usage(x509::Name::parse_text(options.subject), "--subject"));
  if (!ca::has_common_name(subject.to_text(), options.name)) {
    return fail(ErrorCode::usage,
                "--subject: '" + printable(options.subject) + "' has not the common name " + options.name + " alone");
  }
  return subject.to_text();
}

Result<int> run_add(Context& context, const AddOptions& options) {
  TRY(as_usage(ca::check_device_name(options.name)));
  const std::string subject = TRY(subject_of(options));
  const x509::Certificate certificate = TRY(read_bootstrap(context, options.bootstrap));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  ca::Device device{.name = options.name,
                    .subject = subject,
                    .bootstrap = crypto::sha256_hex(certificate.der),
                    .added = context.environment().clock.now(),
                    .enrolled = false};
  TRY(ca::change_registry(ledger, [&](ca::Registry& registry) -> Status {
    const ca::Device* known = registry.device(options.name);
    if (known == nullptr || !known->bootstrap.empty()) return registry.add_device(device);
    // It enrolled by a token before: what its certificates say stays.
    if (!options.subject.empty() && known->subject != subject) {
      return fail(ErrorCode::already_exists,
                  "the device '" + known->name + "' is enrolled with the subject '" + known->subject + "'",
                  "leave --subject out");
    }
    const std::string fingerprint = device.bootstrap;
    device = *known;
    device.bootstrap = fingerprint;
    return registry.set_bootstrap(device.name, fingerprint);
  }));
  TRY(context.deliver(
      "Device added successfully.\n" + field_lines({{"Name", device.name},
                                                    {"Subject", device.subject},
                                                    {"Bootstrap", device.bootstrap},
                                                    {"Bootstrap Not After", format_rfc3339(certificate.not_after)}}),
      to_json(device), "the device '" + device.name + "' was added ('lockstep ca device list' shows it)"));
  return 0;
}

Result<int> run_list(Context& context) {
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerReader> reader = TRY(ledger.read());
  const std::string content = TRY(reader->records(ca::kDevicesFile));
  const std::vector<ca::Device> devices = TRY(ca::decode_devices(content));
  std::size_t widest = std::string_view("NAME").size();
  for (const ca::Device& device : devices) widest = std::max(widest, device.name.size());
  const auto pad = [&](std::string name) {
    name.resize(widest, ' ');
    return name;
  };
  std::string text = pad("NAME") + "  ENROLLED  BOOTSTRAP  SUBJECT\n";
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ca::Device& device : devices) {
    text += pad(device.name) + (device.enrolled ? "  yes     " : "  no      ") +
            (device.bootstrap.empty() ? "  no         " : "  yes        ") + printable(device.subject) + "\n";
    list.push_back(to_json(device));
  }
  if (devices.empty()) text = "No devices.\n";
  TRY(context.deliver(text, {{"devices", list}}));
  return 0;
}

Result<int> run_remove(Context& context, const std::string& name) {
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  ca::Device removed;
  TRY(ca::change_registry(ledger, [&](ca::Registry& registry) -> Status {
    removed = TRY(registry.remove_device(name));
    return {};
  }));
  TRY(context.deliver("Device removed successfully.\n" + field_lines({{"Name", removed.name}}) +
                          "Its certificates stay valid: 'lockstep ca list --subject " + removed.name +
                          "' shows them, 'lockstep ca revoke' ends them.\n",
                      {{"name", removed.name}}, "the device '" + removed.name + "' was removed"));
  return 0;
}

}  // namespace

void add_ca_device(CLI::App& group, Action* action) {
  CLI::App* devices = group.add_subcommand("device", "The devices that 'ca serve' knows");
  devices->require_subcommand(1);
  devices->fallthrough();
  devices->footer("Example:\n  lockstep ca device list");

  const auto options = std::make_shared<AddOptions>();
  CLI::App* add = add_command(*devices, "add", "Register a device's bootstrap certificate",
                              "lockstep ca device add pump-7 --bootstrap bootstrap.crt");
  add->add_option("name", options->name, "The device's name")->required();
  add->add_option("--bootstrap", options->bootstrap,
                  "Certificate, of any CA, by which the device comes back when its own has expired")
      ->required();
  add->add_option("--subject", options->subject, "What its certificates say (default CN=NAME)");
  add->callback([options, action] { *action = [options](Context& context) { return run_add(context, *options); }; });

  CLI::App* list = add_command(*devices, "list", "List the devices", "lockstep ca device list");
  list->callback([action] { *action = [](Context& context) { return run_list(context); }; });

  const auto name = std::make_shared<std::string>();
  CLI::App* remove = add_command(*devices, "remove", "Forget a device and its bootstrap certificate",
                                 "lockstep ca device remove pump-7");
  remove->add_option("name", *name, "The device's name")->required();
  remove->callback([name, action] { *action = [name](Context& context) { return run_remove(context, *name); }; });
}

}  // namespace lockstep::cli
