#include "device/settings.h"

#include <charconv>

namespace lockstep::device {

namespace {

constexpr std::int64_t kLongest = 3650LL * 24 * 3600;  // seconds: what no interval is meant to pass

Status out_of_range(const std::string& key, const std::string& value, const std::string& range) {
  return fail(ErrorCode::invalid_argument, "'" + key + "' is " + value + ": it must be " + range);
}

Status check_seconds(const std::string& key, std::int64_t value, std::int64_t least, const std::string& range) {
  if (value >= least && value <= kLongest) return {};
  return out_of_range(key, std::to_string(value) + " s", range);
}

}  // namespace

Result<Threshold> parse_threshold(const std::string& text) {
  const bool share = text.ends_with('%');
  const std::string_view digits(text.data(), text.size() - (share ? 1 : 0));
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (share && is_number && value >= 1 && value <= 99) return Threshold{.days = 0, .percent = value};
  if (!share && is_number && value >= 1 && value <= 365) return Threshold{.days = value, .percent = 0};
  return fail(ErrorCode::invalid_argument, "'" + text + "' is no threshold",
              "use a number of days from 1 to 365, or a share of the lifetime from 1% to 99%");
}

Status check_policy(const RenewalPolicy& policy) {
  if (policy.threshold.percent == 0 && (policy.threshold.days < 1 || policy.threshold.days > 365))
    return out_of_range("threshold_days", std::to_string(policy.threshold.days), "from 1 to 365");
  TRY(check_seconds("check_interval", policy.check_interval, 1, "from 1s to 3650d"));
  TRY(check_seconds("retry_interval", policy.retry_interval, 1, "from 1s to 3650d"));
  if (policy.max_retries < 1 || policy.max_retries > 1000)
    return out_of_range("max_retries", std::to_string(policy.max_retries), "from 1 to 1000");
  if (!(policy.backoff_multiplier >= 1.0 && policy.backoff_multiplier <= 100.0))
    return out_of_range("backoff_multiplier", std::to_string(policy.backoff_multiplier), "from 1 to 100");
  return check_seconds("max_backoff", policy.max_backoff, policy.retry_interval, "from retry_interval to 3650d");
}

std::string_view storage_name(StorageKind kind) { return kind == StorageKind::generations ? "generations" : "files"; }

}  // namespace lockstep::device
