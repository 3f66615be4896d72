// Finishing an image: link counts, parents and its hash. Shared by the enumerator's files.
#pragma once

#include "testing/sim_crash.h"

namespace lockstep::testing::sim {

// Of what one inode holds: type, attributes, content and target; never 0.
std::uint64_t content_hash(const Inode& inode);

// Makes an image of chosen inodes, all of which the root reaches.
SimImage finish_image(const State& state, Inodes chosen, std::string choice);

}  // namespace lockstep::testing::sim
