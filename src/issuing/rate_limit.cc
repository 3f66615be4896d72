#include "issuing/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace lockstep::issuing {

std::optional<std::int64_t> RateLimit::take(const std::string& address, std::chrono::milliseconds now) {
  if (per_second_ <= 0) return std::nullopt;
  const double most = std::max(burst_, 1.0);
  auto found = buckets_.find(address);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMostAddresses) forget_full(now);
    const std::string key = buckets_.size() >= kMostAddresses ? std::string() : address;
    found = buckets_.try_emplace(key, Bucket{most, now}).first;
  }
  Bucket& bucket = found->second;
  const double seconds = static_cast<double>((now - bucket.at).count()) / 1000.0;
  bucket.tokens = std::min(most, bucket.tokens + seconds * per_second_);
  bucket.at = now;
  if (bucket.tokens >= 1.0) {
    bucket.tokens -= 1.0;
    return std::nullopt;
  }
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil((1.0 - bucket.tokens) / per_second_)));
}

void RateLimit::forget_full(std::chrono::milliseconds now) {
  const double most = std::max(burst_, 1.0);
  std::erase_if(buckets_, [&](const auto& entry) {
    const double seconds = static_cast<double>((now - entry.second.at).count()) / 1000.0;
    return entry.second.tokens + seconds * per_second_ >= most;
  });
}

}  // namespace lockstep::issuing
