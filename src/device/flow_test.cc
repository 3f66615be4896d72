// The decisions of a device, without a device.
#include "device/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::device {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr UnixSeconds kNow = 1'772'366'400;

Facts facts_of(std::int64_t begin_days, std::int64_t end_days) {
  Facts facts;
  facts.now = kNow;
  facts.live = Validity{kNow + begin_days * kDay, kNow + end_days * kDay};
  facts.can_recover = true;
  return facts;
}

DeviceState with_request(Reason reason) {
  DeviceState state;
  state.request = PendingRequest{.request_pem = "csr", .reason = reason, .replaces = "01", .id = {}};
  return state;
}

TEST(Flow, NothingToDoUntilItIsDue) {
  const RenewalPolicy policy;
  const Step far = next_step(policy, true, {}, facts_of(-10, 80));
  EXPECT_EQ(far.kind, StepKind::wait);
  EXPECT_EQ(far.phase, Phase::normal);
  EXPECT_EQ(far.until, kNow + policy.check_interval);  // a check is never further away
  Facts near = facts_of(-60, 30);
  near.now -= 3600;
  EXPECT_EQ(next_step(policy, true, {}, near).until, kNow);  // when it is due
}

TEST(Flow, DueByDaysOrByAShareOfTheLifetime) {
  const Validity ninety{kNow, kNow + 90 * kDay};
  EXPECT_EQ(due_at(ninety, {.days = 30, .percent = 0}), kNow + 60 * kDay);
  EXPECT_EQ(due_at(ninety, {.days = 0, .percent = 33}), kNow + 90 * kDay - 90 * kDay * 33 / 100);
  const Validity two_days{kNow, kNow + 2 * kDay};
  EXPECT_EQ(due_at(two_days, {.days = 30, .percent = 0}), kNow + 2 * kDay - 2 * kDay / 3);
  RenewalPolicy policy;
  policy.threshold = {.days = 0, .percent = 50};
  Facts minutes;
  minutes.live = Validity{kNow, kNow + 120};
  minutes.now = kNow + 59;
  EXPECT_EQ(next_step(policy, true, {}, minutes).until, kNow + 60);
  minutes.now = kNow + 60;
  const Step step = next_step(policy, true, {}, minutes);
  EXPECT_EQ(step.kind, StepKind::make_request);
  EXPECT_EQ(step.reason, Reason::proactive);
  EXPECT_EQ(step.phase, Phase::expiring_soon);
}

TEST(Flow, DaysLeftAreNegativeWhenItIsOver) {
  EXPECT_EQ(days_left(kNow + kDay, kNow), 1);
  EXPECT_EQ(days_left(kNow + kDay - 1, kNow), 0);
  EXPECT_EQ(days_left(kNow, kNow), 0);
  EXPECT_EQ(days_left(kNow - 1, kNow), -1);
  EXPECT_EQ(days_left(kNow - kDay, kNow), -1);
  EXPECT_EQ(days_left(kNow - kDay - 1, kNow), -2);
}

TEST(Flow, ExpiredRecoversWithTheBootstrapIdentityOnly) {
  const RenewalPolicy policy;
  const Step step = next_step(policy, true, {}, facts_of(-90, -1));
  EXPECT_EQ(step.kind, StepKind::make_request);
  EXPECT_EQ(step.reason, Reason::expired);
  EXPECT_EQ(step.phase, Phase::expired);
  EXPECT_EQ(next_step(policy, false, {}, facts_of(-90, -1)).kind, StepKind::wait);
  Facts without = facts_of(-90, -1);
  without.can_recover = false;
  const Step waits = next_step(policy, true, {}, without);
  EXPECT_EQ(waits.kind, StepKind::wait);
  EXPECT_EQ(waits.until, kNow + policy.check_interval);
  // One that was asked for before the end is asked for anew, by the other identity.
  Facts pending = facts_of(-90, -1);
  pending.pending_key = pending.request_is_pending = true;
  EXPECT_EQ(next_step(policy, true, with_request(Reason::proactive), pending).kind, StepKind::discard);
  EXPECT_EQ(next_step(policy, true, with_request(Reason::expired), pending).kind, StepKind::send_request);
}

TEST(Flow, WhatACrashLeftIsFinishedOrThrownAway) {
  const RenewalPolicy policy;
  Facts facts = facts_of(-60, 10);
  facts.pending_key = true;
  EXPECT_EQ(next_step(policy, true, {}, facts).kind, StepKind::discard);  // a key without a request
  facts.request_is_pending = true;
  EXPECT_EQ(next_step(policy, true, with_request(Reason::proactive), facts).kind, StepKind::send_request);
  facts.pending_identity = true;
  EXPECT_EQ(next_step(policy, true, with_request(Reason::proactive), facts).kind, StepKind::check_pending);
  EXPECT_EQ(next_step(policy, true, {}, facts).kind, StepKind::discard);
  Facts swapped = facts_of(0, 90);
  swapped.request_is_live = true;
  EXPECT_EQ(next_step(policy, true, with_request(Reason::proactive), swapped).kind, StepKind::note_swap);
  // A request whose key is gone.
  EXPECT_EQ(next_step(policy, true, with_request(Reason::proactive), facts_of(-60, 10)).kind, StepKind::discard);
}

TEST(Flow, AnUnprovenIdentityIsAskedAboutBeforeAnythingElse) {
  const RenewalPolicy policy;
  DeviceState state;
  state.unproven = true;
  EXPECT_EQ(next_step(policy, true, state, facts_of(-60, 10)).kind, StepKind::check_health);
  state.not_before = kNow + 60;
  EXPECT_EQ(next_step(policy, true, state, facts_of(-60, 10)).until, kNow + 60);
}

TEST(Flow, TheFirstIdentityComesByCommandOnly) {
  const RenewalPolicy policy;
  Facts none;
  none.now = kNow;
  EXPECT_EQ(next_step(policy, true, {}, none).kind, StepKind::wait);
  none.forced = true;
  const Step step = next_step(policy, true, {}, none);
  EXPECT_EQ(step.kind, StepKind::make_request);
  EXPECT_EQ(step.reason, Reason::enroll);
  // The agent, which has no token, does not spoil an enrolment whose answer was lost.
  none.forced = false;
  none.pending_key = none.request_is_pending = true;
  EXPECT_EQ(next_step(policy, true, with_request(Reason::enroll), none).kind, StepKind::wait);
}

TEST(Flow, PausesGrowAndEndInSlowRetries) {
  RenewalPolicy policy;
  policy.max_retries = 4;
  DeviceState state;
  const auto pause = [&](std::int64_t retry_after, std::uint64_t random) {
    state = after_failure(std::move(state), policy, kNow, retry_after, random);
    return state.not_before - kNow;
  };
  EXPECT_EQ(pause(0, 1000), 3600);  // the middle of the spread
  EXPECT_EQ(pause(0, 1000), 7200);
  EXPECT_EQ(pause(77, 1000), 77);  // Retry-After wins
  EXPECT_NE(state.phase, Phase::renewal_failed);
  EXPECT_EQ(pause(0, 1000), policy.check_interval);
  EXPECT_EQ(state.phase, Phase::renewal_failed);
  EXPECT_EQ(state.failures, 4U);
  state = {};
  EXPECT_EQ(pause(0, 0), 3240);
  state = {};
  EXPECT_EQ(pause(0, 2000), 3960);
  policy.max_retries = 1000;
  state.failed_in_a_row = 900;
  EXPECT_EQ(pause(0, 1000), policy.max_backoff);
}

TEST(Flow, APauseIsKeptAndOneOfAWrongClockIsNot) {
  const RenewalPolicy policy;
  DeviceState state;
  state.not_before = kNow + 1800;
  EXPECT_EQ(next_step(policy, true, state, facts_of(-60, 10)).until, kNow + 1800);
  Facts forced = facts_of(-60, 10);
  forced.forced = true;
  EXPECT_EQ(next_step(policy, true, state, forced).kind, StepKind::make_request);
  state.not_before = kNow + 365 * kDay;  // set while the clock was a year ahead
  EXPECT_EQ(next_step(policy, true, state, facts_of(-60, 10)).kind, StepKind::make_request);
}

TEST(Flow, PolicyIsCheckedWithItsRanges) {
  const auto refused = [](const std::function<void(RenewalPolicy*)>& change, const std::string& key) {
    RenewalPolicy policy;
    change(&policy);
    const Status status = check_policy(policy);
    ASSERT_FALSE(status) << key;
    EXPECT_THAT(status.error().message, ::testing::HasSubstr("'" + key + "'"));
    EXPECT_THAT(status.error().message, ::testing::HasSubstr("from "));
  };
  EXPECT_TRUE(check_policy({}));
  refused([](RenewalPolicy* policy) { policy->threshold.days = 0; }, "threshold_days");
  refused([](RenewalPolicy* policy) { policy->threshold.days = 366; }, "threshold_days");
  refused([](RenewalPolicy* policy) { policy->check_interval = 0; }, "check_interval");
  refused([](RenewalPolicy* policy) { policy->retry_interval = 0; }, "retry_interval");
  refused([](RenewalPolicy* policy) { policy->max_retries = 0; }, "max_retries");
  refused([](RenewalPolicy* policy) { policy->backoff_multiplier = 0.5; }, "backoff_multiplier");
  refused([](RenewalPolicy* policy) { policy->max_backoff = 60; }, "max_backoff");
  EXPECT_EQ(parse_threshold("33%").value(), (Threshold{.days = 0, .percent = 33}));
  EXPECT_EQ(parse_threshold("7").value(), (Threshold{.days = 7, .percent = 0}));
  for (const char* text : {"", "0", "366", "0%", "100%", "x", "1.5", "-1", "30 %"})
    EXPECT_FALSE(parse_threshold(text)) << text;
}

}  // namespace
}  // namespace lockstep::device
