// lockstep account show: the accounts that there are, as they were when the CA was last asked.
#include <nlohmann/json.hpp>

#include "cli/account_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

std::string account_text(const agent::StoredAccount& account) {
  std::string contacts;
  for (const std::string& contact : account.contacts) contacts += (contacts.empty() ? "" : ", ") + contact;
  return field_lines({{"Server", printable(account.server)},
                      {"Account", account.url.empty() ? "not registered yet" : printable(account.url)},
                      {"Status", account.status.empty() ? "unknown" : printable(account.status)},
                      {"Contacts", contacts.empty() ? "none" : printable(contacts)},
                      {"Key", x509::describe_public_key(account.key.public_key_info())}});
}

nlohmann::ordered_json account_json(const agent::StoredAccount& account) {
  return {{"server", account.server},
          {"account", account.url},
          {"status", account.status},
          {"contacts", account.contacts},
          {"external_key_id", account.external_key_id},
          {"registered_at", format_rfc3339(account.registered_at)},
          {"key_type", x509::describe_public_key(account.key.public_key_info())},
          {"key_change_pending", account.next_key.has_value()}};
}

Status require_account(Context& context, const std::string& server) {
  const std::string root = TRY(context.root());
  const auto account = TRY(agent::load_account(context.environment().files, root, server));
  if (account) return {};
  return fail(ErrorCode::not_found, "there is no account for " + printable(server) + " in '" + root + "'",
              "make one with 'lockstep account register', or name another CA with --server");
}

namespace {

Result<int> run_show(Context& context, const std::string& server) {
  const std::string root = TRY(context.root());
  fs::FileSystem& files = context.environment().files;
  std::vector<std::string> servers;
  if (server.empty()) {
    servers = TRY(agent::list_accounts(files, root));
  } else {
    servers.push_back(TRY(as_usage(acme::directory_url_of(server), "--server")));
    TRY(require_account(context, servers.front()));
  }
  std::string text;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& one : servers) {
    const auto account = TRY(agent::load_account(files, root, one));
    if (!account) continue;
    text += (text.empty() ? "" : "\n") + account_text(*account);
    list.push_back(account_json(*account));
  }
  if (text.empty()) text = "No accounts in " + printable(root) + ".\n";
  TRY(context.deliver(text, {{"accounts", list}}));
  return 0;
}

}  // namespace

void add_account_show(CLI::App& group, Action* action) {
  const auto server = std::make_shared<std::string>();
  CLI::App* command = add_command(group, "show", "Show the accounts", "lockstep account show");
  command->add_option("--server", *server, "Only the account at this CA");
  command->callback([server, action] { *action = [server](Context& context) { return run_show(context, *server); }; });
}

}  // namespace lockstep::cli
