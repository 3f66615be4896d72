// lockstep ca token create, list, revoke: one-time tokens by which a device gets its first certificate.
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "ca/flat_ledger.h"
#include "ca/registry.h"
#include "cli/commands.h"
#include "cli/store_paths.h"
#include "crypto/digest.h"
#include "durable/atomic_file.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kIdDigits = 12;
constexpr std::int64_t kMostSeconds = 366LL * 86400;

struct CreateOptions {
  std::string name;
  std::string expires = "1h";
  std::string out;
  bool reenroll = false;
};

std::string id_of(const ca::Token& token) { return token.hash.substr(0, kIdDigits); }

std::string_view state_of(const ca::Token& token, UnixSeconds now) {
  if (!token.used_by.empty()) return "used";
  return now > token.expires ? "expired" : "open";
}

nlohmann::ordered_json to_json(const ca::Token& token, UnixSeconds now) {
  return {{"id", id_of(token)},
          {"name", token.name},
          {"created", format_rfc3339(token.created)},
          {"expires", format_rfc3339(token.expires)},
          {"reenroll", token.reenroll},
          {"status", state_of(token, now)},
          {"request", token.used_by}};
}

Status check_destination(Context& context, const CreateOptions& options) {
  if (options.out.empty()) return {};
  TRY(refuse_in_store(context, "--out", options.out));
  const durable::ResolvedTarget target =
      TRY_CONTEXT(durable::resolve_target(context.environment().files, options.out), "--out");
  const std::string path = fs::join_path(target.directory, target.name);
  if (!context.environment().files.stat_path(path)) return {};
  return fail(ErrorCode::already_exists, "--out: '" + path + "' is there already; it is not replaced",
              "name another file, or move it away");
}

Result<int> run_create(Context& context, const CreateOptions& options) {
  const std::int64_t seconds = TRY(duration_option(options.expires, "--expires", 3600));
  if (seconds > kMostSeconds) return fail(ErrorCode::usage, "--expires: more than 366 days");
  if (!options.name.empty()) TRY(as_usage(ca::check_device_name(options.name), "--name"));
  TRY(check_destination(context, options));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });

  std::array<unsigned char, kTokenBytes> bytes{};
  context.environment().random.fill(bytes);
  const SecretBytes secret(base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  const UnixSeconds now = context.environment().clock.now();
  const ca::Token token{.hash = crypto::sha256_hex(secret.reveal()),
                        .name = options.name,
                        .created = now,
                        .expires = now + seconds,
                        .reenroll = options.reenroll,
                        .used_by = {}};
  TRY(ca::change_registry(ledger, [&](ca::Registry& registry) {
    registry.forget_old_tokens(now);
    return registry.add_token(token);
  }));

  const std::string made = "the token " + id_of(token) + " was created";
  const std::string remedy = "revoke it and create another: lockstep ca token revoke " + id_of(token);
  // The token is what was asked for: it is shown this once, or written where it was asked to be, and kept nowhere.
  const std::string shown(secret.reveal());
  if (!options.out.empty()) {
    const Status written =
        durable::atomic_write_text(runtime, options.out, shown + "\n", {.mode = 0600, .replace = false});
    if (!written) {
      return fail(ErrorCode::committed_not_delivered,
                  made + ", but not written to '" + options.out + "': " + written.error().message, remedy);
    }
  } else if (context.options().quiet && !context.options().json) {
    const Status written = context.environment().out.write(shown + "\n");
    if (!written)
      return fail(ErrorCode::committed_not_delivered, made + ", but could not be printed: " + written.error().message,
                  remedy);
    return 0;
  }
  nlohmann::ordered_json document = to_json(token, now);
  document[options.out.empty() ? "token" : "file"] = options.out.empty() ? shown : options.out;
  std::vector<std::pair<std::string, std::string>> fields = {{"Id", id_of(token)}};
  if (!token.name.empty()) fields.emplace_back("Name", token.name);
  fields.emplace_back("Expires", format_rfc3339(token.expires));
  fields.emplace_back(options.out.empty() ? "Token" : "File", options.out.empty() ? shown : options.out);
  TRY(context.deliver("Token created successfully.\n" + field_lines(fields), document, made));
  return 0;
}

Result<int> run_list(Context& context) {
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerReader> reader = TRY(ledger.read());
  const std::string content = TRY(reader->records(ca::kTokensFile));
  const std::vector<ca::Token> tokens = TRY(ca::decode_tokens(content));
  const UnixSeconds now = context.environment().clock.now();
  std::string text = "ID            STATUS   EXPIRES               NAME\n";
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ca::Token& token : tokens) {
    std::string status(state_of(token, now));
    status.resize(7, ' ');
    text += id_of(token) + "  " + status + "  " + format_rfc3339(token.expires) + "  " + token.name + "\n";
    list.push_back(to_json(token, now));
  }
  if (tokens.empty()) text = "No tokens.\n";
  TRY(context.deliver(text, {{"tokens", list}}));
  return 0;
}

Result<int> run_revoke(Context& context, const std::string& id) {
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  ca::Token removed;
  TRY(ca::change_registry(ledger, [&](ca::Registry& registry) -> Status {
    removed = TRY(registry.remove_token(ca::lower_case(id)));
    return {};
  }));
  TRY(context.deliver("Token revoked successfully.\n" + field_lines({{"Id", id_of(removed)}}), {{"id", id_of(removed)}},
                      "the token " + id_of(removed) + " was revoked"));
  return 0;
}

}  // namespace

void add_ca_token(CLI::App& group, Action* action) {
  CLI::App* tokens = group.add_subcommand("token", "One-time tokens by which devices get their first certificate");
  tokens->require_subcommand(1);
  tokens->fallthrough();
  tokens->footer("Example:\n  lockstep ca token create --name pump-7");

  const auto options = std::make_shared<CreateOptions>();
  CLI::App* create = add_command(*tokens, "create", "Make a token; it is shown once and kept nowhere",
                                 "lockstep ca token create --name pump-7 --expires 1h");
  create->add_option("--name", options->name, "The one device that may use it (default: any that is not enrolled)");
  create->add_option("--expires", options->expires, "How long it can be used")->capture_default_str();
  create->add_option("--out", options->out, "Write the token to this new file (0600) instead of showing it");
  create->add_flag("--reenroll", options->reenroll, "Also for a device that has a certificate already");
  create->callback(
      [options, action] { *action = [options](Context& context) { return run_create(context, *options); }; });

  CLI::App* list = add_command(*tokens, "list", "List the tokens", "lockstep ca token list");
  list->callback([action] { *action = [](Context& context) { return run_list(context); }; });

  const auto id = std::make_shared<std::string>();
  CLI::App* revoke = add_command(*tokens, "revoke", "Make a token unusable", "lockstep ca token revoke 3f9a1c20b7d4");
  revoke->add_option("id", *id, "The token's id, or its first digits")->required();
  revoke->callback([id, action] { *action = [id](Context& context) { return run_revoke(context, *id); }; });
}

}  // namespace lockstep::cli
