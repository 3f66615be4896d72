// The stores that the tree fuzzer begins with: as commands leave them, and as they stand between two system calls of a
// commit.
#pragma once

#include <string>
#include <vector>

#include "durable/generation_store.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::fuzz {

enum class Owner { folder, authority };

struct Base {
  std::string name;
  Owner owner = Owner::folder;
  testing::SimImage image;
};

inline constexpr const char* kFolder = "/srv/certs/host.example";
inline constexpr const char* kAuthority = "/srv/ca";
// Files that no command is asked to touch: a secret, a whole generation, and another store.
inline constexpr const char* kOutside = "/outside";

inline const char* store_of(Owner owner) { return owner == Owner::folder ? kFolder : kAuthority; }
durable::StoreOptions options_of(Owner owner);

// A clock that moves whenever it is looked at, so that waiting for ever ends at a time limit.
class LookedAtClock final : public testing::ManualClock {
 public:
  std::chrono::milliseconds monotonic() override {
    sleep_for(std::chrono::milliseconds(1));
    return ManualClock::monotonic();
  }
};

struct Machine {
  explicit Machine(testing::SimFileSystem& disk, std::uint64_t seed = 1) : random(seed), runtime{disk, clock, random} {
    runtime.lock_timeout = std::chrono::milliseconds(50);
  }
  LookedAtClock clock;
  testing::SeededRandom random;
  durable::Runtime runtime;
};

// Made once.
const std::vector<Base>& bases();
// What the owner's most frequent command does: an import, or a signing.
Status run_command(testing::SimFileSystem& disk, Owner owner);

}  // namespace lockstep::fuzz
