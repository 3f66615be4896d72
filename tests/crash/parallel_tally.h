// What the processes and threads of parallel_store share: counts, the word to stop, and which generations were live.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <ctime>

namespace lockstep::parallel {

using Count = std::atomic<std::uint64_t>;

// Lies in memory that is shared by all processes; begins as zeros.
struct Tally {
  Count commits, rollbacks, stagings, promotions, discards, collections;
  Count pinned_reads;    // of a Snapshot, its generation superseded meanwhile
  Count locked_reads;    // by a descriptor of the generation's directory, share-locked
  Count unlocked_reads;  // the same without a lock
  Count vanished;        // unlocked reads whose generation was collected before they came to their end: allowed
  Count name_reads;      // through the two stable names, one after the other
  Count straddled;       // of these, with members of two generations: allowed, and what pinning is for
  Count inspections;
  Count failures;

  static constexpr std::size_t kMostGenerations = 1U << 20U;
  std::array<std::atomic<bool>, kMostGenerations> was_live;

  // Swaps of the pointer so far; a 32-bit word because the kernel waits on nothing else.
  std::atomic<std::uint32_t> swaps;
  std::atomic<bool> stop;

  void count_swap() {
    swaps.fetch_add(1);
    wake();
  }
  void end() {
    stop.store(true);
    wake();
  }
  // Returns when `more` swaps were made since `since`, or when all is to end.
  void await_swaps(std::uint32_t since, std::uint32_t more) {
    for (std::uint32_t now = swaps.load(); now - since < more && !stop.load(); now = swaps.load()) {
      // The bound is for the end that comes between the look at `stop` and the wait.
      const timespec bound{.tv_sec = 0, .tv_nsec = 100'000'000};
      ::syscall(SYS_futex, &swaps, FUTEX_WAIT, now, &bound, nullptr, 0);
    }
  }

 private:
  void wake() { ::syscall(SYS_futex, &swaps, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }
};

}  // namespace lockstep::parallel
