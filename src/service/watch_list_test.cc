#include "service/watch_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace lockstep::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr UnixSeconds kEpoch = 1'772'366'400;

Moment at(milliseconds time) { return {.monotonic = time, .wall = kEpoch + time / seconds(1)}; }

Endpoint endpoint(const std::string& id, std::int64_t interval = 30) {
  return {.id = id,
          .name = "name of " + id,
          .ip = "192.0.2.1",
          .protocol = "tcp",
          .check_interval_seconds = interval,
          .consecutive_successes = 1,
          .consecutive_failures = 2};
}

http::ProbeResult success() { return {.latency = milliseconds(3)}; }
http::ProbeResult failure() { return {.error = "connection refused"}; }

class Watching : public ::testing::Test {
 protected:
  // Everything that is due up to `end` is checked at its moment and ends at once with what `answer` says.
  template <class Answer>
  void run_until(milliseconds end, Answer answer) {
    while (list_.next() && *list_.next() <= end) {
      const Moment now = at(*list_.next());
      while (const auto start = list_.start_next(now)) {
        moments_[start->id].push_back(now.monotonic);
        EXPECT_TRUE(list_.finish(start->id, start->run, answer(start->id), now));
      }
    }
  }
  void run_until(milliseconds end) {
    run_until(end, [](const std::string&) { return success(); });
  }

  WatchList list_{{.concurrent = 3, .deadline = seconds(10)}, 0.0};
  std::map<std::string, std::vector<milliseconds>> moments_;
};

TEST_F(Watching, KeepsStateCountersAndMomentsOfWhatStays) {
  list_.apply({endpoint("a"), endpoint("b")}, at(seconds(0)));
  run_until(seconds(100));
  const auto before = moments_["a"];
  const ServerStatus status = *list_.status("a");
  EXPECT_GT(status.consecutive_successes, 1);
  // Others come, change and go, and the order is another.
  EXPECT_THAT(list_.apply({endpoint("c"), endpoint("a"), endpoint("b", 60)}, at(seconds(100))), IsEmpty());
  EXPECT_THAT(list_.apply({endpoint("a")}, at(seconds(101))), ::testing::UnorderedElementsAre("b", "c"));
  EXPECT_EQ(list_.status("a")->consecutive_successes, status.consecutive_successes);
  EXPECT_EQ(list_.status("a")->last_checked, status.last_checked);
  run_until(seconds(200));
  const auto all = moments_["a"];
  for (std::size_t i = 2; i < all.size(); ++i) EXPECT_EQ(all[i] - all[i - 1], seconds(30)) << i;
  EXPECT_EQ(all.size(), before.size() + (before.back() + seconds(120) <= seconds(200) ? 4U : 3U));
}

TEST_F(Watching, ChecksNewOnesWithinFiveSeconds) {
  std::vector<Endpoint> many;
  for (int i = 0; i < 1000; ++i) many.push_back(endpoint("server-" + std::to_string(i), 86400));
  list_.apply(many, at(seconds(50)));
  run_until(seconds(55));
  EXPECT_EQ(moments_.size(), 1000U);
  for (const ServerStatus& status : list_.statuses()) EXPECT_EQ(status.state, ServerState::online);
  EXPECT_EQ(list_.statuses().front().endpoint.id, "server-0");
}

TEST_F(Watching, SettlesSoonWhatIsNotKnown) {
  Endpoint slow = endpoint("a", 3600);
  slow.consecutive_successes = 3;
  list_.apply({slow}, at(seconds(0)));
  run_until(seconds(20));
  EXPECT_EQ(list_.status("a")->state, ServerState::online);
  EXPECT_EQ(moments_["a"].size(), 3U);
}

TEST_F(Watching, ChangesOfWhatIsCheckedBeginAnewAndOthersDoNot) {
  list_.apply({endpoint("a")}, at(seconds(0)));
  run_until(seconds(100));
  Endpoint renamed = endpoint("a");
  renamed.name = "another";
  EXPECT_THAT(list_.apply({renamed}, at(seconds(100))), IsEmpty());
  EXPECT_EQ(list_.status("a")->endpoint.name, "another");
  EXPECT_EQ(list_.status("a")->state, ServerState::online);
  Endpoint moved = renamed;
  moved.port = 8443;
  EXPECT_THAT(list_.apply({moved}, at(seconds(101))), ElementsAre("a"));
  EXPECT_EQ(list_.status("a")->state, ServerState::unknown);
  EXPECT_EQ(list_.status("a")->consecutive_successes, 0);
  EXPECT_FALSE(list_.status("a")->last_checked);
  run_until(seconds(106));
  EXPECT_EQ(list_.status("a")->state, ServerState::online);
}

TEST_F(Watching, ResultsOfWhatIsGoneMeanNothing) {
  list_.apply({endpoint("a"), endpoint("b")}, at(seconds(0)));
  const auto first = list_.start_next(at(seconds(4)));
  const auto second = list_.start_next(at(seconds(4)));
  ASSERT_TRUE(first && second);
  Endpoint moved = endpoint(second->id);
  moved.ip = "192.0.2.2";
  list_.apply({moved}, at(seconds(5)));
  EXPECT_FALSE(list_.finish(first->id, first->run, success(), at(seconds(6))));
  EXPECT_FALSE(list_.finish(second->id, second->run, success(), at(seconds(6))));
  EXPECT_EQ(list_.status(second->id)->state, ServerState::unknown);
  EXPECT_FALSE(list_.status(first->id));
  // Their places are free again: three may be under way.
  list_.apply({endpoint("c"), endpoint("d"), endpoint("e"), endpoint("f")}, at(seconds(7)));
  std::set<std::string> started;
  while (const auto start = list_.start_next(at(seconds(20)))) started.insert(start->id);
  EXPECT_EQ(started.size(), 3U);
  EXPECT_FALSE(list_.next()) << "no place is free, so there is no moment to wait for";
}

TEST_F(Watching, NeverChecksOneTwiceAtOnce) {
  list_.apply({endpoint("a", 5)}, at(seconds(0)));
  const auto start = list_.start_next(at(seconds(5)));
  ASSERT_TRUE(start);
  EXPECT_EQ(start->target.deadline, seconds(5)) << "no longer than its interval";
  for (int second = 6; second < 30; ++second) EXPECT_FALSE(list_.start_next(at(seconds(second))));
  EXPECT_TRUE(list_.finish(start->id, start->run, failure(), at(seconds(30))));
  // What was missed meanwhile is made up for once.
  EXPECT_TRUE(list_.start_next(at(seconds(30))));
}

TEST_F(Watching, ItsOwnShortageSaysNothingOfAServer) {
  list_.apply({endpoint("a")}, at(seconds(0)));
  run_until(seconds(40));
  const auto start = list_.start_next(at(seconds(70)));
  ASSERT_TRUE(start);
  http::ProbeResult ours = failure();
  ours.ours = true;
  EXPECT_FALSE(list_.finish("a", start->run, ours, at(seconds(70))));
  EXPECT_EQ(list_.status("a")->consecutive_failures, 0);
  EXPECT_LE(*list_.next(), seconds(73));
  EXPECT_THAT(list_.metrics(), HasSubstr("lockstep_service_own_failures_total 1\n"));
}

TEST_F(Watching, ConnectsAndAsksByTheRules) {
  Endpoint both = endpoint("a");
  both.protocol = "https";
  both.dns_address = "www.example";
  both.port = 8443;
  list_.apply({both}, at(seconds(0)));
  auto target = list_.start_next(at(seconds(4)))->target;
  EXPECT_EQ(target.kind, http::ProbeKind::https);
  EXPECT_EQ(target.host, "192.0.2.1");
  EXPECT_EQ(target.port, 8443);
  EXPECT_EQ(target.server_name, "www.example");
  EXPECT_EQ(target.deadline, seconds(10));
  both.ip.clear();
  both.protocol = "tls";
  both.server_name = "sni.example";
  list_.apply({both}, at(seconds(4)));
  target = list_.start_next(at(seconds(9)))->target;
  EXPECT_EQ(target.kind, http::ProbeKind::tls);
  EXPECT_EQ(target.host, "www.example");
  EXPECT_EQ(target.server_name, "sni.example");
}

TEST_F(Watching, SumsUpAndCounts) {
  list_.apply({endpoint("a"), endpoint("b"), endpoint("c")}, at(seconds(0)));
  EXPECT_EQ(list_.summary().total, 3U);
  EXPECT_EQ(list_.summary().offline, 0U);
  run_until(seconds(60), [](const std::string& id) { return id == "b" ? failure() : success(); });
  EXPECT_EQ(list_.summary().online, 2U);
  EXPECT_EQ(list_.summary().offline, 1U);
  const std::string metrics = list_.metrics();
  EXPECT_THAT(metrics, HasSubstr("lockstep_service_servers{state=\"online\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("lockstep_service_server_online{id=\"b\",name=\"name of b\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("lockstep_service_check_lateness_seconds_bucket{le=\"0.001\"} "));
  EXPECT_THAT(metrics, HasSubstr("lockstep_service_status_changes_total 3\n"));
}

TEST_F(Watching, TakesAnIdOnce) {
  list_.apply({endpoint("a"), endpoint("a", 60)}, at(seconds(0)));
  ASSERT_EQ(list_.statuses().size(), 1U);
  EXPECT_EQ(list_.statuses()[0].endpoint.check_interval_seconds, 30);
}

}  // namespace
}  // namespace lockstep::service
