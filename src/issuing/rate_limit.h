// How much each client address may ask for: a bucket of tokens each, with the time handed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

namespace lockstep::issuing {

class RateLimit {
 public:
  // `per_second` tokens come in, up to `burst`. `per_second` 0 limits nothing.
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  // Nothing when the address may go on; else the seconds, at least one, after which it may.
  std::optional<std::int64_t> take(const std::string& address, std::chrono::milliseconds now);

 private:
  // Buckets that are full again say nothing and are forgotten; should all of so many be in use, a new address shares
  // one with the others that came too late.
  static constexpr std::size_t kMostAddresses = 65'536;

  struct Bucket {
    double tokens = 0;
    std::chrono::milliseconds at{};
  };
  void forget_full(std::chrono::milliseconds now);

  double per_second_;
  double burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace lockstep::issuing
