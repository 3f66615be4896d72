// lockstep account register: an account at an ACME CA.
#include <nlohmann/json.hpp>

#include "cli/account_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

Result<int> run_register(Context& context, const AccountOptions& options) {
  const auto run = TRY(AcmeRun::make(context, options));
  agent::Authority* authority = TRY(run->authority());
  auto account = TRY(authority->accounts->get());
  // What is on the disk is no proof that the CA knows it still.
  const auto known = acme::find_account(*authority->session, account->key);
  if (!known && known.error().code != ErrorCode::acme_account_unknown) return fail(known.error());
  if (!known) account = TRY(authority->accounts->register_again(account->url));
  context.progress("", true);
  TRY(context.deliver("Account registered successfully.\n" + account_text(*account), account_json(*account),
                      "the account " + account->url + " is registered ('lockstep account show' shows it)"));
  return 0;
}

}  // namespace

void add_account_register(CLI::App& group, Action* action) {
  const auto options = std::make_shared<AccountOptions>();
  CLI::App* command = add_command(group, "register", "Register an account at a CA",
                                  "lockstep account register --server letsencrypt-staging -m admin@example.com "
                                  "--agree-tos");
  add_account_options(*command, options.get());
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_register(context, *options); }; });
}

}  // namespace lockstep::cli
