#include "agent/planner.h"

#include <algorithm>

namespace lockstep::agent {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kShortLife = 10 * kDay;
constexpr std::int64_t kUrgent = 7 * kDay;

// "90 days", "36 hours", "5 minutes".
std::string span(std::int64_t seconds) {
  const auto text = [](std::int64_t count, const char* unit) {
    return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
  };
  if (seconds >= 2 * kDay) return text(seconds / kDay, "day");
  if (seconds >= 7200) return text(seconds / 3600, "hour");
  if (seconds >= 120) return text(seconds / 60, "minute");
  return text(seconds, "second");
}

}  // namespace

Plan plan_renewal(const PlanInput& input) {
  const std::int64_t life = std::max<std::int64_t>(0, input.not_after - input.not_before);
  const std::int64_t left = input.not_after - input.now;
  const bool short_life = life <= kShortLife;
  Plan plan;
  plan.urgent = left < (short_life ? life / 10 : std::min(kUrgent, life / 3));
  const bool has_window = input.ari != nullptr && input.ari->end > input.ari->start;
  if (has_window && input.ari->serial == input.serial) {
    plan.renew_at = input.ari->moment;
    plan.reason = "the CA suggests " + format_rfc3339(plan.renew_at);
  } else if (input.renew_before) {
    plan.renew_at = input.not_after - *input.renew_before;
    plan.reason = "renewed " + span(*input.renew_before) + " before its end";
  } else {
    plan.renew_at = input.not_after - life / (short_life ? 2 : 3);
    plan.reason = std::string(short_life ? "renewed at half" : "renewed with a third") + " of its " + span(life) +
                  (short_life ? "" : " left");
  }
  plan.due = input.now >= plan.renew_at;
  if (left <= 0) {
    plan.reason = "it expired at " + format_rfc3339(input.not_after);
  } else if (plan.urgent && !plan.due) {
    plan.reason = "only " + span(left) + " left";
  }
  plan.due = plan.due || plan.urgent || left <= 0;
  plan.urgent = plan.urgent || left <= 0;
  return plan;
}

ChosenMoment choose_moment(const std::string& serial, UnixSeconds start, UnixSeconds end, std::uint64_t random,
                           const std::optional<ChosenMoment>& before) {
  if (before && before->serial == serial && before->start == start && before->end == end) return *before;
  const auto width = static_cast<std::uint64_t>(std::max<std::int64_t>(1, end - start));
  ChosenMoment chosen;
  chosen.serial = serial;
  chosen.start = start;
  chosen.end = end;
  chosen.moment = start + static_cast<std::int64_t>(random % width);
  return chosen;
}

}  // namespace lockstep::agent
