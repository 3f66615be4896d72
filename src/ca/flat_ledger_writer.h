// Changes to a flat ledger, each one commit.
//
// Certificates lie in a plain folder that only grows. A certificate's file and name are durable before the commit that
// records it; whatever lies at or above the committed next serial was never recorded, and prepare() removes it.
#pragma once

#include <memory>
#include <string>

#include "ca/ledger.h"
#include "durable/generation_store.h"

namespace lockstep::ca {

class FlatLedgerWriter : public LedgerWriter {
 public:
  FlatLedgerWriter(durable::Runtime& runtime, durable::StoreWriter store)
      : runtime_(runtime), store_(std::move(store)) {}

  // Reads the counters and removes what an issuance that was cut off left in the folder.
  Status prepare();

  Result<AuthorityFiles> authority() override;
  [[nodiscard]] Serial next_serial() const override { return next_serial_; }
  [[nodiscard]] Serial next_crl_number() const override { return next_crl_number_; }
  Status issue(const std::vector<IssuedCertificate>& certificates, const std::vector<RecordChange>& records) override;
  Status change_records(const std::vector<RecordChange>& records) override;
  Result<std::string> records(const std::string& file) override;
  [[nodiscard]] std::string records_version(const std::string& file) const override;
  Status for_each_line(const std::function<Status(std::string_view line)>& visit) override;
  Result<std::string> certificate(Serial serial) override;
  Status make_durable() override;
  Result<IndexEntry> revoke(Serial serial, const Revocation& revocation) override;
  Status publish_crl(const std::function<Status(const EntryGlance&)>& observe,
                     const std::function<Status(const Sink&)>& produce) override;

 private:
  // File names of certificates with serials from `begin` up to, without, `end`, whether they are there or not.
  Result<std::vector<std::string>> names_between(Serial begin, Serial end);
  Status sweep_unrecorded();
  Result<Serial> announced_end();
  Status announce(std::size_t count);
  void retract_announcement();
  Status write_certificates(const std::vector<IssuedCertificate>& certificates);
  void remove_certificates(const std::vector<IssuedCertificate>& certificates);
  Status record(const std::vector<IssuedCertificate>& certificates, const std::vector<RecordChange>& records);
  void add_records(const std::vector<RecordChange>& records, durable::Change* change) const;
  Status commit(const durable::Change& change);

  durable::Runtime& runtime_;
  durable::StoreWriter store_;
  std::unique_ptr<fs::Directory> certificates_;
  durable::UnsyncedFiles unsynced_;  // certificates
  Serial next_serial_ = 0;
  Serial next_crl_number_ = 0;
};

}  // namespace lockstep::ca
