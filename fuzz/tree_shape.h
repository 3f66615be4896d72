// The shape that an input gives a store's directory: what a disk that fails, a person, or an attacker could make of it.
#pragma once

#include <string>

#include "input.h"
#include "tree_base.h"

namespace lockstep::fuzz {

struct Shape {
  const Base* base = nullptr;
  testing::SimImage image;
  std::string story;  // what was done to the base, a line each
  [[nodiscard]] Owner owner() const { return base->owner; }
  [[nodiscard]] std::string store() const { return store_of(base->owner); }
};

// Takes what it needs from the input: a base, then changes until a zero byte or the input's end.
Shape make_shape(Input& input);

}  // namespace lockstep::fuzz
