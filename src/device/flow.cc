#include "device/flow.h"

#include <algorithm>
#include <cmath>

namespace lockstep::device {

namespace {

constexpr std::int64_t kDay = 86400;

// How far in the future a pause can have been set by a clock that was right.
std::int64_t longest_pause(const RenewalPolicy& policy) {
  return std::max({policy.max_backoff + policy.max_backoff / 10 + 1, policy.check_interval, kDay});
}

}  // namespace

UnixSeconds pause_end(const RenewalPolicy& policy, const DeviceState& state, UnixSeconds now) {
  return state.not_before - now > longest_pause(policy) ? 0 : state.not_before;
}

UnixSeconds due_at(const Validity& validity, const Threshold& threshold) {
  const std::int64_t lifetime = std::max<std::int64_t>(0, validity.not_after - validity.not_before);
  if (threshold.percent == 0) {
    // One that lives shorter than that would be due from the first moment on, and every one after it.
    const std::int64_t before = threshold.days * kDay;
    return validity.not_after - (before < lifetime ? before : lifetime / 3);
  }
  return validity.not_after - lifetime * threshold.percent / 100;
}

std::int64_t days_left(UnixSeconds not_after, UnixSeconds now) {
  const std::int64_t left = not_after - now;
  return left >= 0 ? left / kDay : -((-left + kDay - 1) / kDay);
}

Phase calendar_phase(const Facts& facts, const RenewalPolicy& policy) {
  if (!facts.live) return Phase::normal;
  if (facts.now >= facts.live->not_after) return Phase::expired;
  return facts.now >= due_at(*facts.live, policy.threshold) ? Phase::expiring_soon : Phase::normal;
}

Step next_step(const RenewalPolicy& policy, bool recovery_enabled, const DeviceState& state, const Facts& facts) {
  const Phase calendar = calendar_phase(facts, policy);
  Step step{.kind = StepKind::wait, .reason = Reason::proactive, .until = 0, .phase = calendar};
  if (!facts.live) step.reason = Reason::enroll;
  if (calendar == Phase::expired) step.reason = Reason::expired;
  const auto with = [&step](StepKind kind) {
    step.kind = kind;
    return step;
  };

  // What an earlier run left is finished, or thrown away where it cannot be.
  if (state.request && facts.request_is_live) return with(StepKind::note_swap);
  const bool request_fits = state.request && facts.request_is_pending;
  if (facts.pending_identity) return with(request_fits ? StepKind::check_pending : StepKind::discard);
  if (facts.pending_key && !request_fits) return with(StepKind::discard);

  // The first identity comes by a person's command alone: it needs what only the person has.
  if (!facts.live && !facts.forced) {
    step.until = facts.now + policy.check_interval;
    return with(StepKind::wait);
  }
  const UnixSeconds paused_until = facts.forced ? 0 : pause_end(policy, state, facts.now);
  const bool paused = paused_until > facts.now;
  const auto wait_until = [&](UnixSeconds moment) {
    step.until = std::clamp(moment, facts.now + 1, facts.now + policy.check_interval);
    return with(StepKind::wait);
  };
  if (state.unproven) {
    if (paused) return wait_until(paused_until);
    return with(StepKind::check_health);
  }
  if (state.phase == Phase::renewal_failed && paused) step.phase = Phase::renewal_failed;
  if (state.request) {
    // An expired identity cannot ask as one that is not, and the other way round: it is asked anew.
    const bool same_reason = state.request->reason == step.reason;
    step.phase = step.reason == Reason::expired ? Phase::recovering : Phase::renewing;
    if (!same_reason || !facts.pending_key) return with(StepKind::discard);
    if (paused) return wait_until(paused_until);
    return with(StepKind::send_request);
  }
  if (!facts.live) return with(StepKind::make_request);
  const bool due = calendar != Phase::normal;
  const bool wanted = facts.forced || (due && policy.enabled);
  const bool can_recover = recovery_enabled && facts.can_recover;
  if (!wanted || (calendar == Phase::expired && !can_recover)) {
    const UnixSeconds due_moment = due_at(*facts.live, policy.threshold);
    return wait_until(due ? facts.now + policy.check_interval : due_moment);
  }
  if (paused) return wait_until(paused_until);
  return with(StepKind::make_request);
}

DeviceState after_failure(DeviceState state, const RenewalPolicy& policy, UnixSeconds now, std::int64_t retry_after,
                          std::uint64_t random) {
  ++state.attempts;
  ++state.failures;
  if (state.request && state.request->reason == Reason::expired) {
    ++state.recovery_attempts;
    ++state.recovery_failures;
  }
  ++state.failed_in_a_row;
  state.last_attempt = now;
  if (state.failed_in_a_row >= static_cast<std::uint64_t>(policy.max_retries)) {
    // Slowly from here on, and never not at all.
    state.phase = Phase::renewal_failed;
    state.not_before = now + std::max(policy.check_interval, retry_after);
    return state;
  }
  const auto exponent = static_cast<double>(std::min<std::uint64_t>(state.failed_in_a_row - 1, 1000));
  const double grown = static_cast<double>(policy.retry_interval) * std::pow(policy.backoff_multiplier, exponent);
  const double pause = std::min(grown, static_cast<double>(policy.max_backoff));
  constexpr std::uint64_t kSteps = 2001;  // from -10.00 % to +10.00 %
  const double spread = (static_cast<double>(random % kSteps) - 1000.0) / 10000.0;
  const auto own = std::max<std::int64_t>(1, static_cast<std::int64_t>(pause * (1.0 + spread)));
  state.not_before = now + (retry_after > 0 ? retry_after : own);
  return state;
}

DeviceState after_swap(DeviceState state, UnixSeconds now) {
  const Reason reason = state.request ? state.request->reason : Reason::proactive;
  state.unproven = true;
  state.unproven_id = state.request ? state.request->id : std::string();
  state.request.reset();
  state.phase = Phase::normal;
  state.last_renewed = now;
  state.last_attempt = now;
  ++state.attempts;
  if (reason != Reason::enroll) ++state.renewals;
  if (reason == Reason::expired) {
    ++state.recoveries;
    ++state.recovery_attempts;
  }
  state.failed_in_a_row = 0;
  state.not_before = 0;
  state.last_error.clear();
  state.last_error_code.clear();
  return state;
}

}  // namespace lockstep::device
