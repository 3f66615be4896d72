#include "agent/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/renewal.h"
#include "agent/scheduler.h"

namespace lockstep::agent {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kDay = 86400;
constexpr UnixSeconds kBegin = 1'772'366'400;  // 2026-03-01T12:00:00Z

PlanInput certificate(std::int64_t life, std::int64_t age) {
  return {.now = kBegin + age, .not_before = kBegin, .not_after = kBegin + life, .serial = "01"};
}

TEST(Planner, AThirdOfALongLife) {
  EXPECT_FALSE(plan_renewal(certificate(90 * kDay, 59 * kDay)).due);
  const Plan plan = plan_renewal(certificate(90 * kDay, 60 * kDay));
  EXPECT_TRUE(plan.due);
  EXPECT_FALSE(plan.urgent);
  EXPECT_THAT(plan.reason, HasSubstr("a third of its 90 days"));
}

TEST(Planner, HalfOfAShortLife) {
  EXPECT_FALSE(plan_renewal(certificate(6 * kDay, 3 * kDay - 1)).due);
  EXPECT_TRUE(plan_renewal(certificate(6 * kDay, 3 * kDay)).due);
  EXPECT_FALSE(plan_renewal(certificate(6 * kDay, 3 * kDay)).urgent);
  EXPECT_TRUE(plan_renewal(certificate(6 * kDay, 6 * kDay - 3600)).urgent);
}

TEST(Planner, UrgentBelowSevenDaysAndWhenItIsOver) {
  EXPECT_FALSE(plan_renewal(certificate(90 * kDay, 83 * kDay)).urgent);
  EXPECT_TRUE(plan_renewal(certificate(90 * kDay, 83 * kDay + 1)).urgent);
  const Plan over = plan_renewal(certificate(90 * kDay, 91 * kDay));
  EXPECT_TRUE(over.due && over.urgent);
  EXPECT_THAT(over.reason, HasSubstr("expired"));
}

TEST(Planner, WhatAPersonAskedFor) {
  PlanInput input = certificate(90 * kDay, 10 * kDay);
  input.renew_before = 80 * kDay;
  EXPECT_TRUE(plan_renewal(input).due);
  input.renew_before = 79 * kDay;
  EXPECT_FALSE(plan_renewal(input).due);
  EXPECT_EQ(plan_renewal(input).renew_at, input.not_after - 79 * kDay);
}

TEST(Planner, TheWindowOfTheCaComesFirst) {
  PlanInput input = certificate(90 * kDay, 5 * kDay);
  const ChosenMoment chosen{.serial = "01", .start = kBegin, .end = kBegin + 10 * kDay, .moment = kBegin + 4 * kDay};
  input.ari = &chosen;
  input.renew_before = 1 * kDay;
  EXPECT_TRUE(plan_renewal(input).due) << "a revocation ahead: the CA wants it renewed early";
  input.serial = "02";
  EXPECT_FALSE(plan_renewal(input).due) << "the window was another certificate's";
  const ChosenMoment late{.serial = "01", .start = kBegin, .end = kBegin + 200 * kDay, .moment = kBegin + 150 * kDay};
  input.serial = "01";
  input.ari = &late;
  input.now = kBegin + 88 * kDay;
  EXPECT_TRUE(plan_renewal(input).due) << "a window after the end must not let it expire";
}

TEST(Planner, TheMomentIsKeptUntilTheWindowChanges) {
  const ChosenMoment first = choose_moment("01", 1000, 2000, 12345, {});
  EXPECT_GE(first.moment, 1000);
  EXPECT_LT(first.moment, 2000);
  EXPECT_EQ(choose_moment("01", 1000, 2000, 999, first).moment, first.moment);
  EXPECT_EQ(choose_moment("01", 1000, 3000, 1999, first).moment, 2999);
  EXPECT_EQ(choose_moment("02", 1000, 2000, 7, first).moment, 1007);
}

TEST(BackOff, DoublesToFiveMinutesWithJitter) {
  using std::chrono::milliseconds;
  EXPECT_EQ(back_off(1, 0), milliseconds(5000));
  EXPECT_EQ(back_off(2, 0), milliseconds(10000));
  EXPECT_EQ(back_off(7, 0), milliseconds(300000));
  EXPECT_EQ(back_off(100, 0), milliseconds(300000));
  EXPECT_EQ(back_off(1, 2499), milliseconds(7499));
}

TEST(Scheduler, WakesForTheFirstThingThatIsDue) {
  EXPECT_EQ(next_wake(1000, {}), 1000 + 12 * 3600);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 5000}, {.renew_at = 4000}}), 4000);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 5000, .ask_again = 3000}}), 3000);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 1001}}), 1010) << "never at once";
  EXPECT_EQ(next_wake(1000, {{.renew_at = 0}}), 1000 + 12 * 3600) << "imported";
}

TEST(Scheduler, WhatFailedWaitsLongerEachTime) {
  EXPECT_EQ(next_wake(1000, {{.renew_at = 500, .failed_in_a_row = 1, .pending = true}}), 1300);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 500, .failed_in_a_row = 3, .pending = true}}), 2200);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 500, .failed_in_a_row = 50, .pending = true}}), 1000 + 6 * 3600);
  EXPECT_EQ(next_wake(1000, {{.renew_at = 500, .not_before = 9000, .failed_in_a_row = 1, .pending = true}}), 9000);
}

}  // namespace
}  // namespace lockstep::agent
