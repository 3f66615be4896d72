// Names inside a generation store; docs/formats/generation-store.md is their specification.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep::durable {

inline constexpr const char* kControlDirectory = ".lockstep";
inline constexpr const char* kLockFile = "lock";
inline constexpr const char* kCurrentPointer = "current";
inline constexpr const char* kPendingPointer = "pending";
inline constexpr const char* kHistoryFile = "history";
inline constexpr const char* kDraftDirectory = "draft";
inline constexpr const char* kManifestFile = "manifest.json";

// A generation's number; 0 means "none".
using Generation = std::uint64_t;
inline constexpr Generation kLargestGeneration =
    999'999'999'999;  // no store lives to see it; a damaged file may say more

// "gen-00000007"; more digits when eight do not suffice.
std::string generation_name(Generation generation);
// The number of a name that generation_name could have made; nothing for any other text.
std::optional<Generation> parse_generation_name(std::string_view name);

// What a stable name points at: ".lockstep/current/NAME".
std::string stable_target(std::string_view member);

// True for a name that a member may have: one component, not hidden, not the manifest's, at most 128 bytes.
bool is_member_name(std::string_view name);

}  // namespace lockstep::durable
