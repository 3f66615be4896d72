// A folder's draft: the key and the request of a certificate that was ordered and has not come. Each file is durable by
// itself; the live key is never touched. docs/formats/certificate-folder.md.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "certstore/certificate_folder.h"

namespace lockstep::certstore {

struct Draft {
  SecretBytes key_pem;      // PKCS#8
  std::string request_der;  // PKCS#10, signed by that key
};

// Makes the draft durable, replacing one that was there; the folder is made when it is missing. Errors: those of
// StoreWriter::open and of the file system; nothing is there then that was not there before.
Status save_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                  const FolderOptions& options, const Draft& draft);
// Nothing when there is none, or only a part of one.
Result<std::optional<Draft>> load_draft(fs::FileSystem& files, const std::string& root, const std::string& domain);
// Removes the draft, and with it a folder that holds nothing else. Absence is success.
Status remove_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain);

// Proves that there is room for a certificate's files, by writing as much beside them, before a CA is asked for
// something that it gives only so often. Error: no_space; nothing is left behind.
Status reserve_space(durable::Runtime& runtime, const std::string& root, const std::string& domain);
// Gives the room back, for the commit that needs it. Absence is success.
Status release_space(durable::Runtime& runtime, const std::string& root, const std::string& domain);

}  // namespace lockstep::certstore
