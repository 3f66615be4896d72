// The program's arguments: global options, groups and commands.
#include "cli/commands.h"
#include "cli/environment.h"

namespace lockstep::cli {

namespace {

void add_global_options(CLI::App& program, GlobalOptions* options) {
  program.add_flag("--json", options->json, "Print one JSON document instead of text");
  program.add_flag("-q,--quiet", options->quiet, "Print results and errors only");
  program.add_flag("-v,--verbose", options->verbosity, "Say more about what is done");
  program.add_option("--log-format", options->log_format, "Form of messages: text or json")
      ->check(CLI::IsMember({"text", "json"}));
  program.add_option("--config", options->config_file, "Configuration file (TOML)");
  program.add_option("--lock-timeout", options->lock_timeout, "How long to wait for another process (default 30s)");
}

void declare(CLI::App& program, Context& context, Action* action) {
  program.require_subcommand(1);
  program.set_version_flag("--version", std::string("lockstep ") + LOCKSTEP_VERSION);
  add_global_options(program, &context.options());

  CLI::App* ca = program.add_subcommand("ca", "A private certificate authority");
  ca->require_subcommand(1);
  ca->fallthrough();
  ca->footer("Example:\n  lockstep ca init --subject 'CN=Example Root'");
  ca->add_option("--data-dir", context.options().data_directory,
                 "The CA's directory (default $CA_DATA_DIR, else ./ca-data)");
  add_ca_init(*ca, action);
  add_ca_request(*ca, action);
  add_ca_sign(*ca, action);
  add_ca_revoke(*ca, action);
  add_ca_crl(*ca, action);
  add_ca_list(*ca, action);
  add_ca_show(*ca, action);
  add_ca_verify(*ca, action);
  add_ca_token(*ca, action);
  add_ca_device(*ca, action);
  add_ca_serve(*ca, action);

  CLI::App* cert = program.add_subcommand("cert", "Certificate folders that web servers read");
  cert->require_subcommand(1);
  cert->fallthrough();
  cert->footer("Example:\n  lockstep cert list");
  cert->add_option("--path", context.options().root, "Where certs/ is (default $LOCKSTEP_PATH, else ./lockstep-data)");
  add_cert_obtain(*cert, action);
  add_cert_renew(*cert, action);
  add_cert_needs_renewal(*cert, action);
  add_cert_revoke(*cert, action);
  add_cert_import(*cert, action);
  add_cert_list(*cert, action);
  add_cert_show(*cert, action);
  add_cert_verify(*cert, action);
  add_cert_rollback(*cert, action);

  CLI::App* account = program.add_subcommand("account", "Accounts at ACME CAs");
  account->require_subcommand(1);
  account->fallthrough();
  account->footer("Example:\n  lockstep account show");
  account->add_option("--path", context.options().root,
                      "Where accounts/ is (default $LOCKSTEP_PATH, else ./lockstep-data)");
  add_account_register(*account, action);
  add_account_show(*account, action);
  add_account_update(*account, action);
  add_account_rollover(*account, action);
  add_account_deactivate(*account, action);

  CLI::App* device = program.add_subcommand("device", "A device's own identity");
  device->require_subcommand(1);
  device->fallthrough();
  device->footer("Example:\n  lockstep device status");
  device->add_option("--path", context.options().root,
                     "Where device/ and identities/ are (default $LOCKSTEP_PATH, else ./lockstep-data)");
  add_device_enroll(*device, action);
  add_device_status(*device, action);
  add_device_rotate(*device, action);
  add_device_rollback(*device, action);
  add_device_verify(*device, action);

  CLI::App* agent = program.add_subcommand("agent", "Keeps certificates up to date by itself");
  agent->require_subcommand(1);
  agent->fallthrough();
  agent->footer("Example:\n  lockstep agent run --once");
  agent->add_option("--path", context.options().root, "Where certs/ is (default $LOCKSTEP_PATH, else ./lockstep-data)");
  add_agent_run(*agent, action);

  add_doctor(program, action);
  add_serve(program, &context.options().root, action);
  add_recover(program, action);
}

bool asks_for_json(const std::vector<std::string>& arguments) {
  return std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
}

// CLI11 says what is wrong; the hint says how to learn what would be right.
Error usage_error(const CLI::ParseError& error) {
  return {ErrorCode::usage, error.what(), "see 'lockstep --help' and '--help' of the command", 0};
}

// An unset variable in a script must not switch off what it was to give: --trust "$ROOT". Only a subject may be empty.
void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty() && option->get_name() != "--subject")
        throw CLI::ValidationError(option->get_name(), "the value is empty");
    }
  }
  for (const CLI::App* command : app.get_subcommands()) refuse_empty_values(*command);
}

}  // namespace

int run(const std::vector<std::string>& arguments, Environment& environment) {
  Context context(environment);
  Action action;
  CLI::App program("Certificates, keys and the records about them, changed in lockstep", "lockstep");
  program.footer("Example:\n  lockstep ca init --subject 'CN=Example Root'");
  try {
    declare(program, context, &action);
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    program.parse(reversed);
    refuse_empty_values(program);
  } catch (const CLI::CallForVersion&) {
    const Status written = environment.out.write(std::string("lockstep ") + LOCKSTEP_VERSION + "\n");
    return written ? 0 : context.report(written.error());
  } catch (const CLI::CallForHelp&) {
    // The deepest command that was named is the one that help is asked about.
    const CLI::App* command = &program;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    const Status written = environment.out.write(command->help());
    return written ? 0 : context.report(written.error());
  } catch (const CLI::ParseError& error) {
    context.options().json = asks_for_json(arguments);
    return context.report(usage_error(error));
  }
  const auto execute = [&]() -> Result<int> {
    TRY(context.load_configuration());
    return action(context);
  };
  try {
    const Result<int> status = execute();
    return status ? *status : context.report(status.error());
  } catch (const std::bad_alloc&) {
    return context.report({ErrorCode::resource_exhausted, "out of memory", "", 0});
  } catch (const std::exception& error) {
    return context.report({ErrorCode::internal, std::string("unexpected: ") + error.what(), "", 0});
  }
}

}  // namespace lockstep::cli
