// lockstep device rotate and rollback: what changes an identity that there is.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_common.h"

namespace lockstep::cli {

namespace {

Result<int> run_rotate(Context& context, bool force) {
  const auto run = TRY(DeviceRun::of_this_machine(context));
  const device::RotationReport report = TRY(run->rotate({.force = force}));
  auto looked = report.renewed ? run->look_after("the new identity is live") : run->look();
  const device::Situation situation = TRY(std::move(looked));
  nlohmann::ordered_json document = device_json(*run, situation);
  document["renewed"] = report.renewed;
  document["proven"] = report.proven;
  document["next"] = format_rfc3339(report.next);
  std::string headline =
      report.renewed ? "Identity renewed.\n" : "Nothing to renew before " + format_rfc3339(report.next) + ".\n";
  if (report.renewed && !report.proven) headline = "Identity renewed; the issuer is out of reach, so both are kept.\n";
  TRY(context.deliver(headline + device_text(*run, situation), document,
                      report.renewed ? "the new identity is live ('lockstep device status' shows it)" : ""));
  return 0;
}

Result<int> run_rollback(Context& context) {
  const auto run = TRY(DeviceRun::of_this_machine(context));
  TRY(run->roll_back());
  const device::Situation situation = TRY(run->look_after("the identity before is live again"));
  TRY(context.deliver("The identity before is live again.\n" + device_text(*run, situation),
                      device_json(*run, situation),
                      "the identity before is live again ('lockstep device status' shows it)"));
  return 0;
}

}  // namespace

void add_device_rotate(CLI::App& group, Action* action) {
  const auto force = std::make_shared<bool>(false);
  CLI::App* command =
      add_command(group, "rotate", "Renew the identity when it is due", "lockstep device rotate --force");
  command->add_flag("--force", *force, "Although nothing is due, and without waiting for a pause to end");
  command->callback([force, action] { *action = [force](Context& context) { return run_rotate(context, *force); }; });
}

void add_device_rollback(CLI::App& group, Action* action) {
  CLI::App* command =
      add_command(group, "rollback", "Make the identity before the live one again", "lockstep device rollback");
  command->callback([action] { *action = [](Context& context) { return run_rollback(context); }; });
}

}  // namespace lockstep::cli
