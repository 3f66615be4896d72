// One consistent state of a flat ledger.
#pragma once

#include <string>

#include "ca/ledger.h"
#include "durable/snapshot.h"

namespace lockstep::ca {

// The members that every generation of a CA has; a CRL comes later. Error: damaged, naming the first that is missing.
Status has_members(const durable::Snapshot& snapshot);

// Visits every entry of a generation's index; the index is checked against the manifest, and an error may come after
// the last visit.
Status for_each_line(const durable::Snapshot& snapshot, const std::function<Status(std::string_view line)>& visit);

// The entry of a serial, if there is one.
Result<std::optional<IndexEntry>> find_entry(const durable::Snapshot& snapshot, Serial serial);

// A file of records as the generation has it; empty where it has none.
Result<std::string> read_records(const durable::Snapshot& snapshot, const std::string& file);

// PEM of an issued certificate from the CA's folder. Error: certificate_not_found.
Result<std::string> read_certificate(fs::Directory& certificates, Serial serial);

class FlatLedgerReader : public LedgerReader {
 public:
  FlatLedgerReader(fs::FileSystem& files, std::string directory, durable::Snapshot snapshot)
      : files_(files), directory_(std::move(directory)), snapshot_(std::move(snapshot)) {}

  Result<std::string> authority_certificate() override;
  Status for_each(const std::function<Status(const IndexEntry&)>& visit) override;
  Result<std::optional<IndexEntry>> find(Serial serial) override;
  Result<std::string> certificate(Serial serial) override;
  Result<std::optional<std::string>> crl() override;
  Result<std::string> records(const std::string& file) override;

 private:
  fs::FileSystem& files_;
  std::string directory_;
  durable::Snapshot snapshot_;
};

}  // namespace lockstep::ca
