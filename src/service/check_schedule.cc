#include "service/check_schedule.h"

#include <algorithm>
#include <cmath>

namespace lockstep::service {

namespace {

// The golden ratio's fraction: each further multiple falls into one of the largest gaps that are left between the
// multiples before it, however many there will be.
constexpr double kStep = 0.6180339887498949;

CheckSchedule::Time part_of(CheckSchedule::Time whole, double part) {
  return CheckSchedule::Time(static_cast<std::int64_t>(static_cast<double>(whole.count()) * part));
}

}  // namespace

void CheckSchedule::set_due(const std::string& id, Item& item, Time due) {
  by_time_.erase({item.due, id});
  item.due = due;
  by_time_.emplace(due, id);
}

void CheckSchedule::add(const std::string& id, Time interval, Time now) {
  remove(id);
  spread_ = std::fmod(spread_ + kStep, 1.0);
  Item& item = items_[id];
  item.interval = interval;
  item.grid = now + part_of(interval, spread_);
  set_due(id, item, now + part_of(std::min(first_, interval), spread_));
}

void CheckSchedule::remove(const std::string& id) {
  const auto found = items_.find(id);
  if (found == items_.end()) return;
  by_time_.erase({found->second.due, id});
  items_.erase(found);
}

void CheckSchedule::bring_forward(const std::string& id, Time when) {
  const auto found = items_.find(id);
  if (found != items_.end() && when < found->second.due) set_due(id, found->second, when);
}

std::optional<CheckSchedule::Due> CheckSchedule::take(Time now) {
  if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
  const std::string id = by_time_.begin()->second;
  Item& item = items_.at(id);
  const Due due{.id = id, .lateness = now - item.due};
  const Time earliest = now + item.interval / 2;
  // Rounded up to the grid, also from before its first moment.
  const std::int64_t behind = (earliest - item.grid).count();
  const std::int64_t interval = item.interval.count();
  const std::int64_t steps = behind <= 0 ? 0 : (behind + interval - 1) / interval;
  set_due(id, item, item.grid + Time(steps * interval));
  return due;
}

std::optional<CheckSchedule::Time> CheckSchedule::next() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

}  // namespace lockstep::service
