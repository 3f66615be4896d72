// What a simulated disk may hold after a power cut.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/sim_state.h"

namespace lockstep::testing {

// One state that a crash can leave: everything in it is durable. Boot it with SimFileSystem(image).
struct SimImage {
  sim::Inodes inodes;  // those that a path reaches
  sim::Number next_number = 0;
  std::uint32_t user = 0;
  std::uint64_t hash = 0;  // of all paths, types, modes, owners, attributes, contents and which names share a file
  std::string choice;      // for messages: which of the possible states this is
};

// How thorough an enumeration is.
struct CrashLimits {
  std::size_t exhaustive = 4096;  // up to this many states every one is given; beyond, samples
  std::size_t samples = 256;      // random ones, on top of: none, all, each single one, all but one
  std::uint64_t seed = 1;
};

namespace sim {

class CrashEnumerator {
 public:
  explicit CrashEnumerator(CrashLimits limits) : limits_(limits) {}

  // Distinct images of a crash at this moment, in a repeatable order. Only what some surviving path reaches counts.
  std::vector<SimImage> images(const State& state);
  // Whether the last call gave every state.
  [[nodiscard]] bool was_exhaustive() const { return was_exhaustive_; }

 private:
  using InodePointer = std::shared_ptr<Inode>;
  using Variants = std::vector<InodePointer>;
  struct Cached {
    InodePointer original;  // keeps the address, which is the key, from being used again
    std::optional<Variants> variants;
  };

  struct Unit {  // what survives or not: an operation of a directory, or a slot
    Number inode = 0;
    std::optional<SlotKey> slot;
    std::size_t operation = 0;
    auto operator<=>(const Unit&) const = default;
  };
  // 0: lost; else the version that is on disk.
  using Decide = std::function<std::size_t(const Unit& unit, std::size_t versions)>;

  const std::optional<Variants>& variants_of(const InodePointer& inode);
  [[nodiscard]] std::optional<Variants> make_variants(const InodePointer& inode) const;
  bool expand(const State& state, std::vector<Number> undecided, Inodes chosen, std::vector<SimImage>& out);
  SimImage sample(const State& state, const Decide& decide) const;
  std::vector<SimImage> samples(const State& state) const;

  CrashLimits limits_;
  bool was_exhaustive_ = true;
  std::map<const Inode*, Cached> cache_;
};

// The visible state as if all of it were on disk.
SimImage settled_image(const State& state);

}  // namespace sim
}  // namespace lockstep::testing
