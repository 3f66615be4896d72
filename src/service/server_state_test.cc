#include "service/server_state.h"

#include <gtest/gtest.h>

#include <random>

namespace lockstep::service {
namespace {

constexpr UnixSeconds kNow = 1'772'366'400;
constexpr std::int64_t kDay = 86400;

CheckResult answered(std::optional<SeenCertificate> certificate = {}) {
  return {.error = {}, .latency = std::chrono::milliseconds(5), .certificate = std::move(certificate)};
}
CheckResult refused() { return {.error = "connection refused"}; }

SeenCertificate fine(std::int64_t days = 90) {
  return {.not_before = kNow - kDay, .not_after = kNow + days * kDay, .chain_ok = true, .name_ok = true};
}

ServerStatus fresh(int successes = 3, int failures = 3) {
  ServerStatus status;
  status.endpoint = {.id = "a", .consecutive_successes = successes, .consecutive_failures = failures};
  return status;
}

TEST(ServerState, IsUnknownUntilTheCountIsReached) {
  ServerStatus status = fresh();
  for (int i = 1; i <= 2; ++i) {
    EXPECT_FALSE(observe(status, answered(), kNow + i).status);
    EXPECT_EQ(status.state, ServerState::unknown);
    EXPECT_EQ(status.consecutive_successes, i);
    EXPECT_FALSE(status.last_status_change);
  }
  EXPECT_TRUE(observe(status, answered(), kNow + 3).status);
  EXPECT_EQ(status.state, ServerState::online);
  EXPECT_TRUE(status.online);
  EXPECT_EQ(status.last_status_change, kNow + 3);
  EXPECT_EQ(status.last_checked, kNow + 3);
  EXPECT_EQ(status.latency_ms, 5);
  EXPECT_FALSE(observe(status, answered(), kNow + 4).status);
  EXPECT_EQ(status.last_status_change, kNow + 3);
}

TEST(ServerState, AShortLifeEndsSoonInItsLastThird) {
  constexpr std::int64_t kOneDay = 86400;
  const UnixSeconds until = kNow + 6 * kOneDay;
  EXPECT_FALSE(ends_soon(kNow, until, 30, kNow));
  EXPECT_FALSE(ends_soon(kNow, until, 30, kNow + 4 * kOneDay - 1));
  EXPECT_TRUE(ends_soon(kNow, until, 30, kNow + 4 * kOneDay));
  EXPECT_TRUE(ends_soon(kNow - 90 * kOneDay, until, 30, kNow));
  EXPECT_FALSE(ends_soon(kNow - 90 * kOneDay, until, 3, kNow));
}

TEST(ServerState, GoesOfflineAndComesBackByItsCounts) {
  ServerStatus status = fresh(2, 4);
  observe(status, answered(), kNow);
  observe(status, answered(), kNow);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(observe(status, refused(), kNow).status);
    EXPECT_EQ(status.state, ServerState::online);
    EXPECT_EQ(status.error, "connection refused");
  }
  EXPECT_TRUE(observe(status, refused(), kNow).status);
  EXPECT_EQ(status.state, ServerState::offline);
  EXPECT_FALSE(observe(status, answered(), kNow).status);
  EXPECT_EQ(status.error, "");
  EXPECT_FALSE(observe(status, refused(), kNow).status);
  EXPECT_FALSE(observe(status, answered(), kNow).status);
  EXPECT_TRUE(observe(status, answered(), kNow).status);
  EXPECT_EQ(status.state, ServerState::online);
}

TEST(ServerState, IsOfflineOnceEnoughFailed) {
  ServerStatus status = fresh(3, 2);
  EXPECT_FALSE(observe(status, refused(), kNow).status);
  EXPECT_EQ(status.state, ServerState::unknown);
  EXPECT_TRUE(observe(status, refused(), kNow).status);
  EXPECT_EQ(status.state, ServerState::offline);
  EXPECT_FALSE(status.online);
}

TEST(ServerState, FollowsFromTheCertificate) {
  const auto state_with = [](const SeenCertificate& certificate) {
    ServerStatus status = fresh(1, 1);
    observe(status, answered(certificate), kNow);
    EXPECT_TRUE(status.online);
    return status.state;
  };
  EXPECT_EQ(state_with(fine()), ServerState::online);
  EXPECT_EQ(state_with(fine(31)), ServerState::online);
  EXPECT_EQ(state_with(fine(30)), ServerState::expiring);
  EXPECT_EQ(state_with(fine(0)), ServerState::expiring);  // its last second
  EXPECT_EQ(state_with(fine(-1)), ServerState::expired);
  // An hour's certificate would be expiring from its first moment on; it is with a third of its life left.
  SeenCertificate brief = fine();
  brief.not_before = kNow - 1800;
  brief.not_after = kNow + 1800;
  EXPECT_EQ(state_with(brief), ServerState::online);
  brief.not_after = kNow + 900;
  EXPECT_EQ(state_with(brief), ServerState::expiring);
  SeenCertificate bad = fine(5);
  bad.name_ok = false;
  EXPECT_EQ(state_with(bad), ServerState::mismatched_name);
  bad.chain_ok = false;
  EXPECT_EQ(state_with(bad), ServerState::untrusted);
  bad.not_after = kNow - 1;
  EXPECT_EQ(state_with(bad), ServerState::expired);
}

TEST(ServerState, TellsOfAnotherCertificate) {
  ServerStatus status = fresh(1, 1);
  EXPECT_TRUE(observe(status, answered(fine()), kNow).certificate);
  EXPECT_FALSE(observe(status, answered(fine()), kNow).certificate);
  SeenCertificate other = fine();
  other.serial = "02";
  const StateChange change = observe(status, answered(other), kNow);
  EXPECT_TRUE(change.certificate);
  EXPECT_FALSE(change.status);
  // One that was shown before the check failed counts too, and none at all takes nothing away.
  CheckResult failed = refused();
  failed.certificate = fine();
  EXPECT_TRUE(observe(status, failed, kNow).certificate);
  EXPECT_FALSE(observe(status, refused(), kNow).certificate);
  EXPECT_EQ(status.certificate, fine());
}

// Against the rule as one would say it: the last `count` results are equal and other than what it is.
TEST(ServerState, FlipsExactlyWhenTheCountIsReached) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    const int up = 1 + static_cast<int>(random() % 10);
    const int down = 1 + static_cast<int>(random() % 10);
    ServerStatus status = fresh(up, down);
    std::vector<bool> results;
    bool known = false;
    bool online = false;
    const auto bias = 1 + random() % 9;
    for (int i = 0; i < 100; ++i) {
      const bool ok = random() % 10 < bias;
      results.push_back(ok);
      const StateChange change = observe(status, ok ? answered() : refused(), kNow + i);
      const auto last_are = [&](int count, bool what) {
        if (results.size() < static_cast<std::size_t>(count)) return false;
        return std::all_of(results.end() - count, results.end(), [&](bool one) { return one == what; });
      };
      const bool flips_up = (!known || !online) && last_are(up, true);
      const bool flips_down = (!known || online) && last_are(down, false);
      ASSERT_EQ(change.status, flips_up || flips_down) << "round " << round << ", result " << i;
      if (flips_up || flips_down) known = true;
      if (flips_up) online = true;
      if (flips_down) online = false;
      ASSERT_EQ(status.online, online);
      ASSERT_EQ(status.state, !known ? ServerState::unknown : online ? ServerState::online : ServerState::offline);
      ASSERT_EQ(status.consecutive_successes == 0, !ok);
      ASSERT_EQ(status.consecutive_failures == 0, ok);
    }
  }
}

TEST(ServerState, KnowsWhatIsCheckedAlike) {
  const Endpoint one{.id = "a", .name = "x", .ip = "192.0.2.1"};
  Endpoint other = one;
  other.name = "y";
  other.check_interval_seconds = 60;
  other.tags = {"t"};
  other.ca_bundle = "/b";
  EXPECT_TRUE(same_target(one, other));
  for (const auto change : {+[](Endpoint& e) { e.ip = "192.0.2.2"; }, +[](Endpoint& e) { e.dns_address = "a"; },
                            +[](Endpoint& e) { e.port = 1; }, +[](Endpoint& e) { e.protocol = "tcp"; },
                            +[](Endpoint& e) { e.server_name = "b"; }}) {
    other = one;
    change(other);
    EXPECT_FALSE(same_target(one, other));
  }
}

}  // namespace
}  // namespace lockstep::service
