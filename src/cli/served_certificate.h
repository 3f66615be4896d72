// The certificate folder whose certificate the status service shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/file_system.h"
#include "http/server.h"

namespace lockstep::cli {

class ServedCertificate {
 public:
  ServedCertificate(fs::FileSystem& files, const std::string& root, const std::string& domain);

  struct Read {
    http::TlsIdentity identity;
    std::vector<std::string> names;
  };
  // The live pair, if it is another than the one read last. Errors: those of the store.
  Result<std::optional<Read>> read_if_new();

 private:
  fs::FileSystem& files_;
  std::string path_;
  std::string shown_;  // SHA-256 of the chain: the number of a generation may come again in another folder
};

}  // namespace lockstep::cli
