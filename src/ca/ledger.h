// The ledger: what a CA must never forget. Serials, issued certificates, revocations, CRL numbers, and the CA's own
// key.
//
// An interface, because flat files are its first form and a database will be another. A reader sees one consistent
// state; a writer excludes other writers from its begin to its end and changes everything in one commit.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "ca/index.h"

namespace lockstep::ca {

struct AuthorityFiles {
  std::string certificate_pem;
  SecretBytes key_pem;
};

struct IssuedCertificate {
  IndexEntry entry;
  std::string pem;
};

// A change to one of the files that the CA keeps beside its index (ca/records.h).
struct RecordChange {
  std::string file;
  std::string content;  // the whole file; or, to append, lines in the form of index.json
  bool append = false;
};

class LedgerReader {
 public:
  virtual ~LedgerReader() = default;
  virtual Result<std::string> authority_certificate() = 0;  // PEM
  // Visits every entry, in the order of serials.
  virtual Status for_each(const std::function<Status(const IndexEntry&)>& visit) = 0;
  virtual Result<std::optional<IndexEntry>> find(Serial serial) = 0;
  // PEM of an issued certificate. Error: certificate_not_found.
  virtual Result<std::string> certificate(Serial serial) = 0;
  // The newest CRL in PEM, if one was made.
  virtual Result<std::optional<std::string>> crl() = 0;
  // One of the files of records; empty where there is none yet.
  virtual Result<std::string> records(const std::string& file) = 0;
};

class LedgerWriter {
 public:
  virtual ~LedgerWriter() = default;
  virtual Result<AuthorityFiles> authority() = 0;
  [[nodiscard]] virtual Serial next_serial() const = 0;
  [[nodiscard]] virtual Serial next_crl_number() const = 0;
  // Records certificates with the serials from next_serial() on, without gaps, in one commit; what else is to be known
  // of them, and only with them, changes in the same commit.
  virtual Status issue(const std::vector<IssuedCertificate>& certificates,
                       const std::vector<RecordChange>& records = {}) = 0;
  // Changes records alone, in one commit.
  virtual Status change_records(const std::vector<RecordChange>& records) = 0;
  // One of the files of records; empty where there is none yet.
  virtual Result<std::string> records(const std::string& file) = 0;
  // Equal texts mean that the file has not changed; empty where there is none.
  [[nodiscard]] virtual std::string records_version(const std::string& file) const = 0;
  // Visits every line of the index, in the order of serials.
  virtual Status for_each_line(const std::function<Status(std::string_view line)>& visit) = 0;
  // PEM of an issued certificate. Error: certificate_not_found.
  virtual Result<std::string> certificate(Serial serial) = 0;
  // Makes what was read here survive a power cut, before it is shown to anybody.
  virtual Status make_durable() = 0;
  // Revokes one certificate. Errors: certificate_not_found, already_revoked.
  virtual Result<IndexEntry> revoke(Serial serial, const Revocation& revocation) = 0;
  // Makes a CRL and takes its number in one commit: every entry that is revoked is shown to `observe`, then `produce`
  // writes the PEM text.
  using Sink = std::function<Status(std::string_view)>;
  virtual Status publish_crl(const std::function<Status(const EntryGlance&)>& observe,
                             const std::function<Status(const Sink&)>& produce) = 0;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  // Where it is, for people.
  [[nodiscard]] virtual std::string certificate_path(Serial serial) const = 0;
  // Creates the ledger of a new CA with its first serial. Errors: already_initialized, foreign_file.
  virtual Status initialize(const AuthorityFiles& authority) = 0;
  // Both: not_initialized.
  virtual Result<std::unique_ptr<LedgerReader>> read() = 0;
  virtual Result<std::unique_ptr<LedgerWriter>> write() = 0;
};

}  // namespace lockstep::ca
