// When each endpoint is due: pure, in the caller's time.
//
// An endpoint has a grid of moments, its interval apart, and is due at these; how long its checks take and how late
// they begin moves nothing. The grids of endpoints that are added together are spread over their interval. The first
// check comes before the grid begins, spread over a few seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lockstep::service {

class CheckSchedule {
 public:
  using Time = std::chrono::milliseconds;  // since any moment

  // First checks come within `first` of being added. `offset`, from 0 to 1, is where the spread begins, so that two
  // programs do not check at the same moments.
  CheckSchedule(Time first, double offset) : first_(first), spread_(offset) {}

  // A new one, or one that begins anew. Precondition: a positive interval.
  void add(const std::string& id, Time interval, Time now);
  void remove(const std::string& id);
  // Due at `when` if that is earlier; the grid stays. Nothing for an id that is not there.
  void bring_forward(const std::string& id, Time when);

  struct Due {
    std::string id;
    Time lateness{};  // behind its moment
  };
  // Takes the one that is due longest, if any is; it is next due at the first moment of its grid that is at least half
  // an interval away.
  std::optional<Due> take(Time now);
  // When the next one is due; nothing when there is none.
  [[nodiscard]] std::optional<Time> next() const;
  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  struct Item {
    Time interval{};
    Time grid{};  // one of its moments
    Time due{};
  };

  void set_due(const std::string& id, Item& item, Time due);

  Time first_;
  double spread_;
  std::unordered_map<std::string, Item> items_;
  std::set<std::pair<Time, std::string>> by_time_;
};

}  // namespace lockstep::service
