// The seam over the real kernel.
#pragma once

#include "fs/file_system.h"

namespace lockstep::fs {

// Stateless; may be used from several threads. Every descriptor is close-on-exec. A call that a signal interrupted is
// made again inside the method.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<Directory>> open_directory(const std::string& path) override;
  Result<Stat> stat_path(const std::string& path) override;
  Result<std::string> real_path(const std::string& path) override;
  Result<std::string> absolute_path(const std::string& path) override;
  Result<std::unique_ptr<File>> open_for_reading(const std::string& path) override;
  [[nodiscard]] std::uint32_t effective_user() const override;
};

}  // namespace lockstep::fs
