// Members that hold secrets, and the modes that keep them so.
#pragma once

#include <string>
#include <vector>

#include "durable/snapshot.h"

namespace lockstep::durable {

struct SecretFiles {
  std::vector<std::string> names;
  std::uint32_t forbidden = 0077;  // permission bits that none of them may have
};

struct OpenSecret {
  std::string name;
  std::string path;
  std::string mode_now;     // octal
  std::string mode_wanted;  // octal, without the forbidden bits
};

// The secrets of a generation that more people can reach than may. What is missing, or no regular file, is none.
std::vector<OpenSecret> open_secrets(const Snapshot& snapshot, const SecretFiles& secrets);

// Takes the forbidden bits away, durably. Returns the paths.
Result<std::vector<std::string>> close_secrets(const Snapshot& snapshot, const SecretFiles& secrets);

// "600".
std::string octal_mode(std::uint32_t mode);

}  // namespace lockstep::durable
