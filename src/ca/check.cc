#include "ca/check.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "ca/counters.h"
#include "ca/flat_ledger_reader.h"
#include "fs/io.h"
#include "x509/crl.h"

namespace lockstep::ca {

namespace {

using durable::Finding;
using durable::FindingKind;

constexpr std::size_t kIndexLimit = 2048UL * 1024UL * 1024UL;

class LedgerCheck {
 public:
  LedgerCheck(fs::FileSystem& files, const std::string& directory, const LedgerContents& contents)
      : files_(files), directory_(directory), contents_(contents) {}

  Result<std::vector<Finding>> run() {
    check_members();
    check_pair();
    read_index();
    check_counters();
    TRY(check_files());
    check_crl();
    return findings_;
  }

 private:
  void add(const char* member, std::string message) {
    findings_.push_back({FindingKind::damage, fs::join_path(directory_, member), std::move(message)});
  }

  void check_members() {
    const auto snapshot = durable::Snapshot::open(files_, directory_);
    const Status complete = snapshot ? has_members(*snapshot) : Status();  // what cannot be opened has been reported
    if (!complete) add(durable::kControlDirectory, complete.error().message);
  }

  void check_pair() {
    auto certificate = x509::parse_certificate(contents_.certificate, kCertificateFile);
    if (!certificate) return add(kCertificateFile, certificate.error().message);
    authority_ = std::move(*certificate);
    const auto key = crypto::PrivateKey::from_pem(contents_.key, kKeyFile);
    if (!key) return add(kKeyFile, key.error().message);
    if (!x509::pair_matches(*authority_, *key).value_or(false)) add(kKeyFile, "it is not the key of ca.crt");
  }

  void read_index() {
    const auto canonical = canonical_index(contents_.index, fs::join_path(directory_, kIndexFile));
    if (!canonical) return add(kIndexFile, canonical.error().message);
    IndexLines lines([&](std::string_view line) -> Status {
      const IndexEntry entry = TRY(decode_entry(line));
      entries_.emplace(entry.serial, entry);
      return {};
    });
    Status read = lines.feed(*canonical);
    if (read) read = lines.finish();
    if (!read) add(kIndexFile, read.error().message);
  }

  void check_counters() {
    const auto serial = parse_counter(contents_.serial, fs::join_path(directory_, kSerialFile));
    const auto number = parse_counter(contents_.crl_number, fs::join_path(directory_, kCrlNumberFile));
    if (!serial)
      add(kSerialFile, serial.error().message);
    else if (*serial <= highest_entry()) {
      add(kSerialFile, "the next serial " + serial_to_hex(*serial) + " is not above the highest one in index.json, " +
                           serial_to_hex(highest_entry()));
    }
    if (!number) add(kCrlNumberFile, number.error().message);
    next_serial_ = serial.value_or(0);
    next_number_ = number.value_or(0);
  }

  [[nodiscard]] Serial highest_entry() const { return entries_.empty() ? kRootSerial : entries_.rbegin()->first; }

  Status check_files() {
    const std::unique_ptr<fs::Directory> store = TRY(files_.open_directory(directory_));
    // No link is followed: issuing follows none either.
    const auto certificates = store->open_directory(kCertificatesDirectory);
    if (!certificates) {
      const int why = certificates.error().system_errno;
      if (why != ENOENT && why != ENOTDIR && why != ELOOP) return fail(certificates.error());
      add(kCertificatesDirectory, "it is missing or not a directory: put it back");
      return {};
    }
    const std::vector<fs::DirectoryEntry> names = TRY((*certificates)->list());
    std::map<Serial, bool> present;
    for (const fs::DirectoryEntry& entry : names) {
      const auto serial = entry.name.ends_with(".pem") ? parse_serial(entry.name.substr(0, entry.name.size() - 4))
                                                       : Result<Serial>(fail(ErrorCode::invalid_argument, ""));
      const std::string file = std::string(kCertificatesDirectory) + "/" + entry.name;
      if (!serial || serial_to_hex(*serial) + ".pem" != entry.name) {
        findings_.push_back({FindingKind::note, fs::join_path(directory_, file), "it is not a certificate's file"});
        continue;
      }
      present[*serial] = true;
      if (entries_.contains(*serial)) continue;
      if (entry.type == fs::FileType::directory) {
        add(file.c_str(), "it is a directory where a certificate's file belongs; move it away");
      } else if (next_serial_ != 0 && *serial >= next_serial_) {
        findings_.push_back({FindingKind::leftover, fs::join_path(directory_, file),
                             "a certificate that was never recorded; the next command removes it"});
      } else {
        add(file.c_str(), "index.json has no entry for serial " + serial_to_hex(*serial));
      }
    }
    for (const auto& [serial, entry] : entries_) {
      if (!present.contains(serial))
        add(kIndexFile, "entry " + serial_to_hex(serial) + " has no certificate file");
      else
        check_certificate(**certificates, entry);
    }
    return {};
  }

  void check_certificate(fs::Directory& certificates, const IndexEntry& entry) {
    const std::string name = serial_to_hex(entry.serial) + ".pem";
    const std::string file = std::string(kCertificatesDirectory) + "/" + name;
    const auto pem = fs::read_file(certificates, name, kSmallFileLimit);
    const auto certificate = pem ? x509::parse_certificate(*pem, name) : Result<x509::Certificate>(fail(pem.error()));
    if (!certificate) return add(file.c_str(), certificate.error().message);
    if (certificate->serial != serial_to_hex(entry.serial)) {
      return add(file.c_str(), "it is the certificate with serial " + certificate->serial);
    }
    if (certificate->subject.to_text() != entry.subject || certificate->not_before != entry.not_before ||
        certificate->not_after != entry.not_after) {
      add(kIndexFile, "entry " + serial_to_hex(entry.serial) + " differs from its certificate in subject or dates");
    }
    if (authority_ && !x509::is_signed_by(*certificate, authority_->public_key_info).value_or(false)) {
      add(file.c_str(), "this CA did not sign it");
    }
  }

  void check_crl() {
    if (!contents_.crl) return;
    const auto crl = x509::parse_crl(*contents_.crl, kCrlFile);
    if (!crl) return add(kCrlFile, crl.error().message);
    if (authority_ && !x509::is_signed_by(*crl, authority_->public_key_info).value_or(false)) {
      return add(kCrlFile, "this CA did not sign it");
    }
    const auto number = parse_serial(crl->number);
    if (!number || (next_number_ != 0 && *number >= next_number_)) {
      add(kCrlNumberFile, "the next CRL number is not above that of ca.crl, " + crl->number);
    }
    const Status listed = x509::for_each_revoked(*crl, [&](const std::string& hex, const x509::CrlEntry&) -> Status {
      const auto serial = parse_serial(hex);
      const auto entry = serial ? entries_.find(*serial) : entries_.end();
      if (entry == entries_.end() || !entry->second.revocation) {
        add(kIndexFile, "entry " + hex + " is revoked in ca.crl but not in the index: a revocation is for ever");
      }
      return {};
    });
    if (!listed) add(kCrlFile, listed.error().message);
  }

  fs::FileSystem& files_;
  const std::string& directory_;
  const LedgerContents& contents_;
  std::vector<Finding> findings_;
  std::optional<x509::Certificate> authority_;
  std::map<Serial, IndexEntry> entries_;
  Serial next_serial_ = 0;
  Serial next_number_ = 0;
};

}  // namespace

Result<LedgerContents> read_contents(fs::FileSystem& files, const std::string& directory) {
  const auto read = [&](const char* name, std::size_t limit) {
    return fs::read_input(files, fs::join_path(directory, name), limit);
  };
  LedgerContents contents;
  contents.key = TRY(read(kKeyFile, kSmallFileLimit));
  contents.certificate = TRY(read(kCertificateFile, kSmallFileLimit));
  contents.serial = TRY(read(kSerialFile, kSmallFileLimit));
  contents.crl_number = TRY(read(kCrlNumberFile, kSmallFileLimit));
  contents.index = TRY(read(kIndexFile, kIndexLimit));
  auto crl = read(kCrlFile, kCrlLimit);
  if (crl)
    contents.crl = std::move(*crl);
  else if (crl.error().system_errno != ENOENT)
    return fail(std::move(crl).error());
  return contents;
}

Result<std::vector<durable::Finding>> check_ledger(fs::FileSystem& files, const std::string& directory,
                                                   const LedgerContents& contents) {
  return LedgerCheck(files, directory, contents).run();
}

Result<durable::Generation> adopt(durable::Runtime& runtime, const std::string& directory) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, directory, store_options(), durable::OpenFor::adopt));
  if (store.current() == nullptr) return fail(ErrorCode::not_initialized, "CA not initialized. Run 'ca init' first.");
  const LedgerContents contents = TRY(read_contents(runtime.files, directory));
  const std::vector<Finding> findings = TRY(check_ledger(runtime.files, directory, contents));
  for (const Finding& finding : findings) {
    if (finding.kind != FindingKind::damage) continue;
    return fail(ErrorCode::edited_by_hand,
                "'" + finding.path + "': " + finding.message + "; the edit is not taken over",
                "correct the edit, or put the old content back");
  }
  const Counters highest = TRY(highest_counters(store));
  const Serial serial = TRY(parse_counter(contents.serial, kSerialFile));
  const Serial crl_number = TRY(parse_counter(contents.crl_number, kCrlNumberFile));
  if (serial < highest.serial || crl_number < highest.crl_number) {
    return fail(ErrorCode::edited_by_hand,
                "the edit would give numbers again that were given out: the next serial was " +
                    serial_to_hex(highest.serial) + " and the next CRL number " + serial_to_hex(highest.crl_number),
                "set the counters to at least these");
  }
  durable::Change change;
  change.put(kIndexFile, TRY(canonical_index(contents.index, kIndexFile)));
  change.put(kKeyFile, contents.key).put(kCertificateFile, contents.certificate);
  change.put(kSerialFile, contents.serial).put(kCrlNumberFile, contents.crl_number);
  if (contents.crl) change.put(kCrlFile, *contents.crl, 0644);
  const durable::Generation generation = TRY(store.commit(change));
  // The commit stands. A name that cannot be put back now is found by the next look at the store.
  const Status restored = store.restore_replaced_names();
  static_cast<void>(restored);
  return generation;
}

}  // namespace lockstep::ca
