// What each thread of parallel_store does until it is told to stop. Every role opens the store as another program
// would.
#pragma once

#include <cstdint>
#include <string>

#include "durable/generation_store.h"
#include "parallel_tally.h"

namespace lockstep::parallel {

struct Place {
  durable::Runtime& runtime;
  std::string path;  // the store's directory
  Tally& tally;
};

durable::StoreOptions store_options();

// A change that gives every member the same version.
durable::Change version_change(const std::string& version, std::uint64_t seed);
// The members of a snapshot are whole and of one version. Error: damaged, saying what is wrong.
Status check_snapshot(const durable::Snapshot& snapshot);

using Role = Status (*)(const Place& place, std::uint64_t seed);

Status write_versions(const Place& place, std::uint64_t seed);   // commits, rolls back, stages, promotes, discards
Status collect_often(const Place& place, std::uint64_t seed);    // collection by itself
Status read_pinned(const Place& place, std::uint64_t seed);      // by Snapshot, slowly
Status read_descriptor(const Place& place, std::uint64_t seed);  // by one open of `current`, with a lock and without
Status read_names(const Place& place, std::uint64_t seed);       // by the stable names: the control
Status inspect_often(const Place& place, std::uint64_t seed);    // what doctor does

}  // namespace lockstep::parallel
