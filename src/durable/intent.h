// The intent record of a publish: what is to replace what, with the checksums that tell how far it got.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::durable {

enum class IntentState {
  commit,  // carry the new files through
  abort,   // put the old files back
};

struct IntentTarget {
  std::string directory;  // absolute
  std::string name;
  std::string temporary;                  // name of the staged new file
  std::string backup;                     // name of the second link to the old file; empty when there was none
  std::optional<std::string> old_sha256;  // nothing when there was no old file
  std::string new_sha256;
};

struct Intent {
  IntentState state = IntentState::commit;
  // Names were exchanged (PublishOptions::keep_edits): what a person saved may lie under the name of a temporary.
  bool keep_edits = false;
  std::vector<IntentTarget> targets;
};

inline constexpr std::size_t kIntentLimit = 64U * 1024U;  // bytes
inline constexpr std::size_t kIntentTargets = 64;

std::string encode_intent(const Intent& intent);
// Errors: damaged. Every name is one component, every directory absolute, every temporary and backup named as ours.
Result<Intent> parse_intent(std::string_view text, std::string_view name);

// ".NAME.lockstep-intent", beside the first target.
std::string intent_name(std::string_view first_target);
bool is_intent_name(std::string_view name);

}  // namespace lockstep::durable
