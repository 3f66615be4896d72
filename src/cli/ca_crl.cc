// lockstep ca crl: a new certificate revocation list.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "cli/commands.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::int64_t kSecondsPerHour = 3600;

Result<int> run_crl(Context& context, const std::string& next_update) {
  const std::int64_t seconds = TRY(duration_option(next_update, "--next-update", kSecondsPerHour));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  context.progress("making the CRL");
  const ca::PublishedCrl crl = TRY(ca::publish_crl(ledger, seconds, context.environment().clock.now()));
  context.progress("", true);
  const std::string path = fs::join_path(directory, ca::kCrlFile);
  TRY(context.deliver(
      "CRL generated successfully.\n" + field_lines({{"This Update", format_rfc3339(crl.this_update)},
                                                     {"Next Update", format_rfc3339(crl.next_update)},
                                                     {"CRL Number", std::to_string(crl.number)},
                                                     {"Revoked certificates", std::to_string(crl.revoked)},
                                                     {"CRL", path}}),
      {{"this_update", format_rfc3339(crl.this_update)},
       {"next_update", format_rfc3339(crl.next_update)},
       {"crl_number", crl.number},
       {"revoked_certificates", crl.revoked},
       {"crl", path}},
      "CRL number " + std::to_string(crl.number) + " was made ('" + path + "' is it)"));
  return 0;
}

}  // namespace

void add_ca_crl(CLI::App& group, Action* action) {
  const auto next_update = std::make_shared<std::string>("24");
  CLI::App* command =
      add_command(group, "crl", "Make a new certificate revocation list", "lockstep ca crl --next-update 48");
  command->add_option("--next-update", *next_update, "Hours until the next one is due, or a duration")
      ->capture_default_str();
  command->callback(
      [next_update, action] { *action = [next_update](Context& context) { return run_crl(context, *next_update); }; });
}

}  // namespace lockstep::cli
