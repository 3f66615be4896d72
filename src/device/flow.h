// What a device does next: pure functions of what is known. Nothing here reads a clock, a file or a network.
#pragma once

#include <cstdint>
#include <optional>

#include "device/settings.h"
#include "device/state.h"

namespace lockstep::device {

struct Validity {
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
};

// All that the decision depends on.
struct Facts {
  UnixSeconds now = 0;
  std::optional<Validity> live;     // none: the device has no identity yet
  bool pending_key = false;         // a key that waits for its certificate
  bool pending_identity = false;    // both halves, not swapped in yet
  bool request_is_live = false;     // the live certificate is the one that the state's request asked for
  bool request_is_pending = false;  // the state's request is of the pending key
  bool can_recover = false;         // the issuer can be asked although the live identity is over
  bool forced = false;              // a person asked for a rotation
};

enum class StepKind {
  wait,           // nothing to do before `until`
  make_request,   // a key, durable as pending, and its request
  send_request,   // to the issuer; the same bytes as often as needed
  check_pending,  // validate what came, and swap it in
  note_swap,      // the swap was done by a run that did not come to say so
  check_health,   // does the issuer accept the live identity?
  discard,        // what is pending belongs to nothing
};

struct Step {
  StepKind kind = StepKind::wait;
  Reason reason = Reason::proactive;
  UnixSeconds until = 0;        // of a wait
  Phase phase = Phase::normal;  // what the device is in now
};

// When the identity is due for renewal. One that does not live as long as the days say is due with a third of its
// lifetime left.
UnixSeconds due_at(const Validity& validity, const Threshold& threshold);
// Whole days until the end, rounded down: negative when it is over.
std::int64_t days_left(UnixSeconds not_after, UnixSeconds now);
// normal, expiring_soon or expired, as the calendar says.
Phase calendar_phase(const Facts& facts, const RenewalPolicy& policy);

Step next_step(const RenewalPolicy& policy, bool recovery_enabled, const DeviceState& state, const Facts& facts);

// Until when nothing is tried, 0 for at once. A pause that no clock that was right can have set is none: the clock was
// ahead when it was.
UnixSeconds pause_end(const RenewalPolicy& policy, const DeviceState& state, UnixSeconds now);

// The state after a failure: counted, and with the moment of the next try. `retry_after`: seconds that the issuer asked
// for, 0 when it did not; `random` spreads the pause by ten per cent.
DeviceState after_failure(DeviceState state, const RenewalPolicy& policy, UnixSeconds now, std::int64_t retry_after,
                          std::uint64_t random);
// The state after a new identity went live.
DeviceState after_swap(DeviceState state, UnixSeconds now);

}  // namespace lockstep::device
