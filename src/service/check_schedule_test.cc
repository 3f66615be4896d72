#include "service/check_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace lockstep::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirst{4'000};

// Every moment at which each is taken, by an executor that is never late, up to `end`.
std::map<std::string, std::vector<milliseconds>> run_until(CheckSchedule& schedule, milliseconds end) {
  std::map<std::string, std::vector<milliseconds>> taken;
  while (const auto next = schedule.next()) {
    if (*next > end) break;
    const auto due = schedule.take(*next);
    EXPECT_EQ(due->lateness, milliseconds(0));
    taken[due->id].push_back(*next);
  }
  return taken;
}

TEST(CheckSchedule, ChecksANewOneSoonAndThenAtItsInterval) {
  for (const double offset : {0.0, 0.2, 0.5, 0.99}) {
    CheckSchedule schedule(kFirst, offset);
    schedule.add("a", seconds(30), seconds(100));
    const auto moments = run_until(schedule, seconds(1000))["a"];
    ASSERT_GT(moments.size(), 20U);
    EXPECT_GE(moments[0], seconds(100));
    EXPECT_LE(moments[0], seconds(104));
    EXPECT_GE(moments[1] - moments[0], seconds(15));
    EXPECT_LE(moments[1] - moments[0], seconds(45));
    for (std::size_t i = 2; i < moments.size(); ++i) EXPECT_EQ(moments[i] - moments[i - 1], seconds(30)) << i;
  }
}

TEST(CheckSchedule, KeepsItsGridHoweverLateItsChecksAre) {
  CheckSchedule schedule(kFirst, 0.3);
  schedule.add("a", seconds(30), seconds(0));
  static_cast<void>(schedule.take(*schedule.next()));
  const milliseconds grid = *schedule.next();
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    const milliseconds due = *schedule.next();
    EXPECT_EQ((due - grid) % seconds(30), milliseconds(0));
    const milliseconds late(random() % 100'000);
    const auto taken = schedule.take(due + late);
    EXPECT_EQ(taken->lateness, late);
    // Never at once again, and never a moment left out without need.
    EXPECT_GE(*schedule.next() - (due + late), seconds(15));
    EXPECT_LE(*schedule.next() - (due + late), seconds(45));
  }
}

TEST(CheckSchedule, SpreadsManyOverTheirInterval) {
  CheckSchedule schedule(kFirst, 0.42);
  for (int i = 0; i < 1000; ++i) schedule.add("server-" + std::to_string(i), seconds(30), seconds(0));
  const auto taken = run_until(schedule, seconds(120));
  ASSERT_EQ(taken.size(), 1000U);
  std::map<std::int64_t, int> first;
  std::map<std::int64_t, int> later;
  for (const auto& [id, moments] : taken) {
    EXPECT_LE(moments.front(), kFirst) << id;
    ++first[moments.front() / seconds(1)];
    for (const milliseconds moment : moments) {
      if (moment >= seconds(60) && moment < seconds(90)) ++later[moment / seconds(1)];
    }
  }
  // A thousand in 30 s are 33 in each.
  for (const auto& [second, count] : later) EXPECT_NEAR(count, 33, 3) << second;
  for (const auto& [second, count] : first) EXPECT_NEAR(count, 250, 5) << second;
}

TEST(CheckSchedule, ChangesOfOthersMoveNothing) {
  CheckSchedule alone(kFirst, 0.1);
  alone.add("a", seconds(30), seconds(0));
  const auto undisturbed = run_until(alone, seconds(600))["a"];

  CheckSchedule schedule(kFirst, 0.1);
  schedule.add("a", seconds(30), seconds(0));
  std::vector<milliseconds> moments;
  for (int second = 0; second < 600; ++second) {
    schedule.add("b" + std::to_string(second % 7), seconds(5 + second % 50), seconds(second));
    if (second % 3 == 0) schedule.remove("b" + std::to_string(second % 5));
    auto taken = run_until(schedule, seconds(second + 1));
    moments.insert(moments.end(), taken["a"].begin(), taken["a"].end());
  }
  EXPECT_EQ(moments, undisturbed);
}

TEST(CheckSchedule, BringsForwardWithoutMovingTheGrid) {
  CheckSchedule schedule(kFirst, 0.0);
  schedule.add("a", seconds(60), seconds(0));
  static_cast<void>(schedule.take(*schedule.next()));
  const milliseconds grid = *schedule.next();
  schedule.bring_forward("a", grid - seconds(50));
  EXPECT_EQ(*schedule.next(), grid - seconds(50));
  schedule.bring_forward("a", grid);  // later than it is: nothing
  static_cast<void>(schedule.take(grid - seconds(50)));
  EXPECT_EQ(*schedule.next(), grid);
  schedule.bring_forward("nobody", seconds(1));
  EXPECT_EQ(*schedule.next(), grid);
}

TEST(CheckSchedule, GivesNothingBeforeItsTimeAndNothingThatIsGone) {
  CheckSchedule schedule(kFirst, 0.9);
  EXPECT_FALSE(schedule.next());
  EXPECT_FALSE(schedule.take(seconds(1)));
  schedule.add("a", seconds(30), seconds(0));
  EXPECT_FALSE(schedule.take(*schedule.next() - milliseconds(1)));
  schedule.remove("a");
  schedule.remove("a");
  EXPECT_FALSE(schedule.next());
  EXPECT_FALSE(schedule.take(seconds(1000)));
}

}  // namespace
}  // namespace lockstep::service
