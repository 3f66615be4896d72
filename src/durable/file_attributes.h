// Mode, owner and extended attributes of a file that is about to replace another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/file_system.h"

namespace lockstep::durable {

struct FileAttributes {
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::vector<std::pair<std::string, std::string>> extended;  // labels and access lists; name and value
};

// All of an existing file's attributes.
Result<FileAttributes> read_attributes(fs::File& file);

// Owner, then mode (chown clears set-id bits), then extended attributes. What cannot be kept is an error: a file with
// the wrong label or owner is not the file that was asked for.
Status apply_attributes(fs::File& file, const FileAttributes& attributes);

}  // namespace lockstep::durable
