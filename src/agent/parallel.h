// The same work for many things, some at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace lockstep::agent {

// Runs `work(i)` for each index, `threads` at a time, in the order given. `work` throws nothing.
void in_parallel(const std::vector<std::size_t>& indices, unsigned threads,
                 const std::function<void(std::size_t)>& work);

}  // namespace lockstep::agent
