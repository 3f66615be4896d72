// manifest.json: what a generation consists of, with the checksums that tell damage from content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "durable/layout.h"

namespace lockstep::durable {

struct ManifestMember {
  std::string name;
  std::uint64_t size = 0;  // bytes
  std::string sha256;      // 64 lower-case hexadecimal digits
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct Manifest {
  std::string kind;  // whose store this is: "ca", "certificate"
  Generation generation = 0;
  Generation parent = 0;            // the generation this one was made from; 0 for the first
  Generation highest = 0;           // no number up to this one is ever given again
  std::vector<Generation> history;  // committed generations that were kept when this one was made, ascending
  UnixSeconds created_at = 0;
  std::vector<ManifestMember> members;

  // The member of that name, or nullptr.
  [[nodiscard]] const ManifestMember* find(std::string_view name) const;
};

inline constexpr std::size_t kManifestLimit = 256U * 1024U;  // bytes
inline constexpr std::size_t kMemberLimit = 256;             // members in one generation

std::string encode_manifest(const Manifest& manifest);

// `name` is what errors call it. Errors: damaged for everything that encode_manifest could not have written.
Result<Manifest> parse_manifest(std::string_view text, std::string_view name);

// `.lockstep/history`: the committed generations that are kept, and the highest number that was ever given.
struct History {
  std::vector<Generation> kept;
  Generation highest = 0;
};

inline constexpr std::size_t kHistoryLimit = 256U * 1024U;  // bytes

std::string encode_history(const History& history);
// Error: damaged.
Result<History> parse_history(std::string_view text, std::string_view name);

}  // namespace lockstep::durable
