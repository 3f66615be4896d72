// lockstep device status and verify: what changes nothing.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_common.h"

namespace lockstep::cli {

namespace {

Result<int> run_status(Context& context) {
  const auto run = TRY(DeviceRun::of_this_machine(context));
  const device::Situation situation = TRY(run->look());
  TRY(context.deliver(device_text(*run, situation), device_json(*run, situation)));
  return 0;
}

Result<std::vector<std::string>> problems_of(Context& context, DeviceRun& run, const device::Situation& situation) {
  if (!situation.live) return std::vector<std::string>{"there is no identity yet"};
  device::Expectation expected;
  expected.subject_der = situation.leaf->subject.der();
  expected.names = situation.leaf->alternative_names;
  expected.anchors = TRY(device::load_anchors(context.environment().files, run.settings()));
  expected.now = situation.facts.now;
  const auto why = device::reason_to_reject(*situation.live, expected);
  return why ? std::vector<std::string>{why->why} : std::vector<std::string>();
}

Result<int> run_verify(Context& context) {
  const auto run = TRY(DeviceRun::of_this_machine(context));
  const device::Situation situation = TRY(run->look());
  const std::vector<std::string> problems = TRY(problems_of(context, *run, situation));
  const std::string result = problems.empty() ? "VALID" : "INVALID";
  std::string text = "Identity verification: " + result + "\n" + device_text(*run, situation);
  for (const std::string& problem : problems) text += "  Problem: " + printable(problem) + "\n";
  nlohmann::ordered_json document = device_json(*run, situation);
  document["result"] = result;
  document["problems"] = problems;
  TRY(context.deliver(text, document));
  return problems.empty() ? 0 : 1;
}

}  // namespace

void add_device_status(CLI::App& group, Action* action) {
  CLI::App* command =
      add_command(group, "status", "What the device's identity is, and what comes next", "lockstep device status");
  command->callback([action] { *action = [](Context& context) { return run_status(context); }; });
}

void add_device_verify(CLI::App& group, Action* action) {
  CLI::App* command =
      add_command(group, "verify", "Check that key, certificate and CA belong together", "lockstep device verify");
  command->callback([action] { *action = [](Context& context) { return run_verify(context); }; });
}

}  // namespace lockstep::cli
