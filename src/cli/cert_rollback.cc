// lockstep cert rollback: the generation before, or a named one, becomes the live one.
#include <nlohmann/json.hpp>

#include "certstore/domain_name.h"
#include "cli/cert_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string domain;
  std::string to;
};

Result<int> run_rollback(Context& context, const Options& options) {
  const std::string domain = TRY(as_usage(certstore::parse_domain(options.domain)));
  std::optional<durable::Generation> to;
  if (!options.to.empty()) {
    to = static_cast<durable::Generation>(
        TRY(positive_number(options.to, "--to", std::numeric_limits<std::int64_t>::max())));
  }
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const durable::Generation generation = TRY(certstore::roll_back(runtime, root, domain, to));
  const std::string made = "generation " + std::to_string(generation) + " of " + domain + " is live again";
  // Not what is live: somebody may have changed it since.
  auto installed = certstore::load(runtime, root, domain, generation);
  if (!installed) {
    return fail(ErrorCode::committed_not_delivered, made + ", but it cannot be shown: " + installed.error().message,
                "see 'lockstep cert verify " + domain + "'");
  }
  TRY(context.deliver(
      "Certificate rolled back successfully.\n" + field_lines({{"Domain", domain},
                                                               {"Serial", installed->leaf.serial},
                                                               {"Not After", format_rfc3339(installed->leaf.not_after)},
                                                               {"Generation", std::to_string(generation)},
                                                               {"Folder", installed->path}}),
      certificate_json(*installed, context.environment().clock.now()), made));
  return 0;
}

}  // namespace

void add_cert_rollback(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(group, "rollback", "Go back to an older generation of a folder", "lockstep cert rollback localhost");
  command->add_option("domain", options->domain, "DNS name, wildcard or IP address")->required();
  command->add_option("--to", options->to, "Number of the generation (default: the one before)");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_rollback(context, *options); }; });
}

}  // namespace lockstep::cli
