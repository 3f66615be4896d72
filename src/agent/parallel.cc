#include "agent/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace lockstep::agent {

void in_parallel(const std::vector<std::size_t>& indices, unsigned threads,
                 const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next.fetch_add(1); i < indices.size(); i = next.fetch_add(1)) work(indices[i]);
  };
  std::vector<std::jthread> workers;
  const std::size_t count = std::min<std::size_t>(std::max(1U, threads), indices.size());
  try {
    for (std::size_t i = 1; i < count; ++i) workers.emplace_back(take);
  } catch (const std::system_error&) {
    // Where no more threads may be had, the ones that there are do all of it.
  }
  take();
}

}  // namespace lockstep::agent
