// Is a CA's ledger consistent with itself? And what can be made of one that is not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ca/flat_ledger.h"
#include "durable/inspect.h"

namespace lockstep::ca {

// The members of a CA's store as they are, committed or edited.
struct LedgerContents {
  std::string key, certificate, serial, crl_number, index;
  std::optional<std::string> crl;              // nothing when there is no list
  std::map<std::string, std::string> records;  // what the issuing server keeps, by file (ca/records.h)
};

// Reads the members through the stable names, unchecked: an edited file counts as it stands.
Result<LedgerContents> read_contents(fs::FileSystem& files, const std::string& directory);

// Everything that does not fit together, an entry each: key and certificate, counters, index, certificate files, CRL;
// with `now` also a CRL that is out of date.
Result<std::vector<durable::Finding>> check_ledger(fs::FileSystem& files, const std::string& directory,
                                                   const LedgerContents& contents, std::optional<UnixSeconds> now = {});

// Takes a consistent hand edit over as a new generation. Errors: edited_by_hand naming what is inconsistent; nothing
// changed then. Returns the generation, or the current one when nothing was edited.
Result<durable::Generation> adopt(durable::Runtime& runtime, const std::string& directory);

struct Repaired {
  durable::Generation generation = 0;
  std::vector<std::string> actions;  // what was done, a sentence each; empty when nothing had to be
};
// Makes a new generation of what is intact in all of them: the key and the certificate that belongs to it, the newest
// index with an entry for every certificate of this CA and every revocation that is recorded anywhere, the newest list;
// and counters above every value found. A CA never goes back to an older serial. What is replaced or cannot be used is
// set aside. Errors: damaged when no key with its certificate is left, nothing changed; those of the file system.
Result<Repaired> repair(durable::Runtime& runtime, const std::string& directory);

}  // namespace lockstep::ca
