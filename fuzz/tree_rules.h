// What a command may change on a disk that holds a store, and what it must leave as it is.
#pragma once

#include <string>

#include "tree_base.h"
#include "tree_view.h"

namespace lockstep::fuzz {

struct Allowance {
  Owner owner = Owner::folder;
  bool succeeded = true;
  bool commits = false;   // a new generation, another pointer and another record
  bool collects = false;  // kept generations go, but for those that a pointer names
  bool repairs = false;   // what is in the way is set aside, and keys are closed to others
};

// The first change that is not allowed, with the reason; empty when there is none. Nothing outside of the store changes,
// no generation that is named or kept, no file that is not ours.
std::string forbidden_change(const StoreView& before, const StoreView& after, const std::string& store,
                             const Allowance& allowance);

}  // namespace lockstep::fuzz
