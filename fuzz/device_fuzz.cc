// A device's state, device/NAME.json: what is accepted reads back as it was written, and the flow can go on from it.
#include "device/flow.h"
#include "property.h"

namespace {

using namespace lockstep;
using namespace lockstep::device;
using fuzz::require;

// Whatever the file says, a device with an identity always has a next moment, and it is no longer off than a check.
void check_flow(const DeviceState& state) {
  const RenewalPolicy policy;
  constexpr UnixSeconds kNow = 1'780'000'000;
  Facts facts;
  facts.now = kNow;
  facts.live = Validity{kNow - 10 * 86400, kNow + 80 * 86400};
  const Step step = next_step(policy, true, state, facts);
  require(step.kind != StepKind::wait || (step.until > kNow && step.until <= kNow + policy.check_interval),
          "a device with an identity looks again at the next check at the latest", std::to_string(step.until));
  const DeviceState failed = after_failure(state, policy, kNow, 0, 1234);
  require(failed.not_before > kNow, "after a failure there is a pause", std::to_string(failed.not_before));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto parsed = parse_state(input, "input");
  if (!parsed) {
    require(parsed.error().message.find("'input'") != std::string::npos, "an error names the file",
            parsed.error().message);
    return 0;
  }
  const std::string text = encode_state(*parsed);
  const DeviceState again = fuzz::must(parse_state(text, "written"), "a state that was written is read");
  require(encode_state(again) == text, "a state reads back as it was written", text);
  check_flow(*parsed);
  return 0;
}
