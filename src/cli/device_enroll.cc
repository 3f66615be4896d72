// lockstep device enroll: a device's first identity, with a one-time token.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/device_common.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kTokenLimit = 4096;

struct Options {
  DeviceOptions device;
  std::string token;
  std::string token_file;
};

// What the command line says goes before what the configuration says.
DeviceOptions merged(const Context& context, const DeviceOptions& said) {
  DeviceOptions options = context.configuration().device.value_or(DeviceOptions());
  const auto take = [](std::string* to, const std::string& from) {
    if (!from.empty()) *to = from;
  };
  take(&options.name, said.name);
  take(&options.storage, said.storage);
  take(&options.cert, said.cert);
  take(&options.key, said.key);
  take(&options.ca, said.ca);
  take(&options.key_type, said.key_type);
  take(&options.server, said.server);
  if (!said.alternative_names.empty()) options.alternative_names = said.alternative_names;
  return options;
}

Result<std::string> read_token(Context& context, const Options& options, device::IssuerKind issuer) {
  // Only the CA's own server knows tokens.
  if (issuer != device::IssuerKind::private_ca) {
    if (options.token.empty() && options.token_file.empty()) return std::string();
    return fail(ErrorCode::usage, "a one-time token is for a CA's server, and another issuer is configured",
                "leave --token and --token-file out");
  }
  if (options.token.empty() == options.token_file.empty())
    return fail(ErrorCode::usage, "the one-time token is not given, or given twice",
                "--token-file keeps it out of the list of processes; --token is for a console");
  if (!options.token.empty()) return options.token;
  std::string token =
      TRY_CONTEXT(fs::read_input(context.environment().files, options.token_file, kTokenLimit), "--token-file");
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  return token;
}

Result<int> run_enroll(Context& context, const Options& options) {
  const auto run = TRY(DeviceRun::with(context, merged(context, options.device)));
  const std::string token = TRY(read_token(context, options, run->settings().issuer));
  const device::RotationReport report = TRY(run->rotate({.enroll = true, .token = token}));
  const device::Situation situation = TRY(run->look_after("the identity is live"));
  nlohmann::ordered_json document = device_json(*run, situation);
  document["proven"] = report.proven;
  TRY(context.deliver("Device enrolled successfully.\n" + device_text(*run, situation), document,
                      "the identity of " + run->settings().name + " is live ('lockstep device status' shows it)"));
  return 0;
}

}  // namespace

void add_device_enroll(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "enroll", "Get the device's first identity",
                                  "lockstep device enroll --server https://ca.example:8444 --ca ca.crt --name sensor-1 "
                                  "--token-file token");
  command->add_option("--server", options->device.server, "Address of the CA's server (lockstep ca serve)");
  command->add_option("--ca", options->device.ca, "Certificate of the CA: for the server, and for every identity");
  command->add_option("--name", options->device.name, "The device's name, which the token is for");
  command->add_option("--token-file", options->token_file, "File with the one-time token ('lockstep ca token create')");
  command->add_option("--token", options->token, "The token itself; others on this machine can see it");
  repeated(command->add_option("--san", options->device.alternative_names, "DNS:name or IP:address; may be repeated"));
  command->add_option("--key-type", options->device.key_type, "ec256 (default), ec384, rsa2048, rsa3072 or rsa4096");
  command->add_option("--storage", options->device.storage, "generations (default) or files");
  command->add_option("--cert", options->device.cert, "With --storage files: where the certificate is to be");
  command->add_option("--key", options->device.key, "With --storage files: where its key is to be");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_enroll(context, *options); }; });
}

}  // namespace lockstep::cli
