#include "agent/scheduler.h"

#include <algorithm>

namespace lockstep::agent {

namespace {

constexpr std::int64_t kShortest = 10;
constexpr std::int64_t kLongest = 12 * 3600;
constexpr std::int64_t kFirstPause = 300;
constexpr std::int64_t kLongestPause = 6 * 3600;
constexpr std::uint64_t kDoublings = 7;

std::int64_t pause_after(std::uint64_t failures) {
  if (failures == 0) return kFirstPause;
  return std::min(kLongestPause, kFirstPause << std::min(failures - 1, kDoublings));
}

UnixSeconds wake_of(UnixSeconds now, const WakeFacts& facts) {
  UnixSeconds wake = now + kLongest;
  if (facts.ask_again != 0) wake = std::min(wake, facts.ask_again);
  if (facts.renew_at == 0) return wake;
  // What is due now was just tried: it failed, and is tried again after a pause.
  const bool tried = facts.renew_at <= now || facts.pending;
  UnixSeconds due = tried ? now + pause_after(facts.failed_in_a_row) : facts.renew_at;
  if (facts.not_before > due && facts.not_before - now <= 2 * kLongest) due = facts.not_before;
  return std::min(wake, due);
}

}  // namespace

UnixSeconds next_wake(UnixSeconds now, const std::vector<WakeFacts>& facts) {
  UnixSeconds wake = now + kLongest;
  for (const WakeFacts& one : facts) wake = std::min(wake, wake_of(now, one));
  return std::max(wake, now + kShortest);
}

Result<std::vector<WakeFacts>> read_wake_facts(durable::Runtime& runtime, const std::string& root,
                                               const std::vector<Candidate>& candidates) {
  std::vector<WakeFacts> facts;
  for (const Candidate& candidate : candidates) {
    const auto assessment = assess(runtime, root, candidate);
    // One that cannot be read was reported by the round; it is looked at again with the next one.
    if (!assessment) continue;
    WakeFacts one;
    if (assessment->settings) one.renew_at = std::max<UnixSeconds>(1, assessment->plan.renew_at);
    if (assessment->settings && assessment->state.ari) one.ask_again = assessment->state.ari->ask_again;
    one.not_before = assessment->state.attempts.not_before;
    one.failed_in_a_row = assessment->state.attempts.failed_in_a_row;
    one.pending = assessment->deploy_pending || assessment->unfinished_order || assessment->plan.due;
    facts.push_back(one);
  }
  return facts;
}

}  // namespace lockstep::agent
