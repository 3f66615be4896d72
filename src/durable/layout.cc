#include "durable/layout.h"

#include <charconv>

#include "fs/io.h"

namespace lockstep::durable {

namespace {
constexpr std::string_view kPrefix = "gen-";
constexpr std::size_t kDigits = 8;
}  // namespace

std::string generation_name(Generation generation) {
  std::string digits = std::to_string(generation);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return std::string(kPrefix) + digits;
}

std::optional<Generation> parse_generation_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  Generation generation = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), generation);
  if (error != std::errc() || end != digits.data() + digits.size() || generation == 0) return std::nullopt;
  if (generation > kLargestGeneration) return std::nullopt;
  // One number has one name: "gen-7" and "gen-000000007" are not ours.
  if (generation_name(generation) != name) return std::nullopt;
  return generation;
}

std::string stable_target(std::string_view member) {
  return std::string(kControlDirectory) + "/" + kCurrentPointer + "/" + std::string(member);
}

bool is_member_name(std::string_view name) {
  constexpr std::size_t kLongest = 128;
  return fs::is_single_component(name) && name.front() != '.' && name != kManifestFile && name.size() <= kLongest;
}

}  // namespace lockstep::durable
