// When the agent wakes next: a pure function of what is known after a round. Nothing is kept but the store.
#pragma once

#include <optional>
#include <vector>

#include "agent/renewal.h"

namespace lockstep::agent {

// What the sleep depends on, of one certificate.
struct WakeFacts {
  UnixSeconds renew_at = 0;    // 0: never (imported)
  UnixSeconds ask_again = 0;   // for renewal information; 0: never
  UnixSeconds not_before = 0;  // no try before that; 0: at once
  std::uint64_t failed_in_a_row = 0;
  bool pending = false;  // a hook or an order that is to be gone on with
};

// The time to wake at: the first thing that is due, what failed again after a growing pause (5 minutes doubling to 6
// hours), and at least twice a day, for clocks that jump and folders that others change. Never less than 10 s from
// `now`.
UnixSeconds next_wake(UnixSeconds now, const std::vector<WakeFacts>& facts);

// The facts of all certificates below the root, as they are on disk.
Result<std::vector<WakeFacts>> read_wake_facts(durable::Runtime& runtime, const std::string& root,
                                               const std::vector<Candidate>& candidates);

}  // namespace lockstep::agent
