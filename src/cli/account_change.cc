// lockstep account update, rollover and deactivate: what changes an account that there is.
#include <nlohmann/json.hpp>

#include "cli/account_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Change {
  AccountOptions account;
  std::string key_type = "ec256";
};

// The account at the CA that the options name; it is not made for this.
struct Opened {
  std::unique_ptr<AcmeRun> run;
  agent::Authority* authority = nullptr;
  std::shared_ptr<const agent::StoredAccount> account;
};
Result<Opened> open_account(Context& context, const AccountOptions& options) {
  Opened opened;
  opened.run = TRY(AcmeRun::make(context, options));
  TRY(require_account(context, opened.run->server()));
  opened.authority = TRY(opened.run->authority());
  opened.account = TRY(opened.authority->accounts->get());
  return opened;
}

Result<int> show(Context& context, const std::string& headline, const Opened& opened) {
  const auto account = TRY(opened.authority->accounts->get());
  context.progress("", true);
  TRY(context.deliver(headline + "\n" + account_text(*account), account_json(*account),
                      "the account " + account->url + " is changed ('lockstep account show' shows it)"));
  return 0;
}

Result<int> run_update(Context& context, const Change& change) {
  if (change.account.emails.empty())
    return fail(ErrorCode::usage, "nothing to update", "give the new address with -m; it replaces the ones before");
  const Opened opened = TRY(open_account(context, change.account));
  std::vector<std::string> contacts;
  for (const std::string& email : change.account.emails) contacts.push_back("mailto:" + email);
  TRY(opened.authority->accounts->change_contacts(contacts));
  return show(context, "Account updated successfully.", opened);
}

Result<int> run_rollover(Context& context, const Change& change) {
  const crypto::KeyType type = TRY(as_usage(crypto::parse_key_type(change.key_type), "--key-type"));
  if (type == crypto::KeyType::ec384)
    return fail(ErrorCode::usage, "--key-type: account keys are ec256 or RSA", "use ec256 or rsa2048");
  const Opened opened = TRY(open_account(context, change.account));
  TRY(opened.authority->accounts->change_key(type));
  return show(context, "Account key changed successfully.", opened);
}

Result<int> run_deactivate(Context& context, const Change& change) {
  const Opened opened = TRY(open_account(context, change.account));
  TRY(opened.authority->accounts->deactivate());
  const auto account = TRY(opened.authority->accounts->get());
  context.progress("", true);
  TRY(context.deliver("Account deactivated. The CA never takes its key again.\n" +
                          field_lines({{"Server", opened.run->server()}, {"Account", opened.account->url}}),
                      {{"server", opened.run->server()}, {"account", opened.account->url}, {"status", account->status}},
                      "the account " + opened.account->url + " is deactivated"));
  return 0;
}

template <class Run>
void add_change(CLI::App* command, const std::shared_ptr<Change>& change, Action* action, Run run) {
  command->callback(
      [change, action, run] { *action = [change, run](Context& context) { return run(context, *change); }; });
}

}  // namespace

void add_account_update(CLI::App& group, Action* action) {
  const auto change = std::make_shared<Change>();
  CLI::App* command =
      add_command(group, "update", "Change where the CA may write to", "lockstep account update -m new@example.com");
  add_server_options(*command, &change->account);
  repeated(command->add_option("-m,--email", change->account.emails, "The new address; may be repeated"));
  add_change(command, change, action, run_update);
}

void add_account_rollover(CLI::App& group, Action* action) {
  const auto change = std::make_shared<Change>();
  CLI::App* command = add_command(group, "rollover", "Change the account's key", "lockstep account rollover");
  add_server_options(*command, &change->account);
  command->add_option("--key-type", change->key_type, "ec256 (default), rsa2048, rsa3072 or rsa4096");
  add_change(command, change, action, run_rollover);
}

void add_account_deactivate(CLI::App& group, Action* action) {
  const auto change = std::make_shared<Change>();
  CLI::App* command =
      add_command(group, "deactivate", "Give an account up for good", "lockstep account deactivate --server zerossl");
  add_server_options(*command, &change->account);
  add_change(command, change, action, run_deactivate);
}

}  // namespace lockstep::cli
