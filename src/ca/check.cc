#include "ca/check.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/shell.h"
#include "ca/counters.h"
#include "ca/flat_ledger_reader.h"
#include "ca/record_check.h"
#include "fs/io.h"
#include "x509/crl.h"

namespace lockstep::ca {

namespace {

using durable::Finding;
using durable::FindingKind;

constexpr std::size_t kIndexLimit = 2048UL * 1024UL * 1024UL;
constexpr Serial kFirstCrlNumber = 1;

std::string certificate_name(Serial serial) {
  return std::string(kCertificatesDirectory) + "/" + serial_to_hex(serial) + ".pem";
}

class LedgerCheck {
 public:
  LedgerCheck(fs::FileSystem& files, const std::string& directory, const LedgerContents& contents,
              std::optional<UnixSeconds> now)
      : files_(files), directory_(directory), contents_(contents), now_(now) {}

  Result<std::vector<Finding>> run() {
    check_members();
    check_pair();
    read_index();
    check_counters();
    TRY(check_files());
    check_crl();
    const RecordFindings of_records = check_records(contents_.records, entries_);
    for (const auto& [file, what] : of_records) add(file, what);
    return findings_;
  }

 private:
  void add(const std::string& member, std::string what) {
    add(FindingKind::damage, member, std::move(what), durable::repair_command(directory_));
  }
  void add(FindingKind kind, const std::string& member, std::string what, std::string hint) {
    findings_.push_back({kind, fs::join_path(directory_, member), std::move(what), std::move(hint)});
  }
  [[nodiscard]] std::string new_list() const { return "lockstep ca --data-dir " + shell_word(directory_) + " crl"; }

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
    auto certificates = store->open_directory(kCertificatesDirectory);
    if (!certificates) {
      const int why = certificates.error().system_errno;
      if (why != ENOENT && why != ENOTDIR && why != ELOOP) return fail(certificates.error());
      add(FindingKind::damage, kCertificatesDirectory, "it is missing or not a directory: put it back",
          "restore " + shell_word(fs::join_path(directory_, kCertificatesDirectory)) + " from a backup");
      return {};
    }
    certificates_ = std::move(*certificates);
    const std::vector<fs::DirectoryEntry> names = TRY(certificates_->list());
    std::set<Serial> present;
    for (const fs::DirectoryEntry& entry : names) {
      const auto serial = serial_of_file(entry.name);
      if (!serial) {
        const std::string file = std::string(kCertificatesDirectory) + "/" + entry.name;
        add(FindingKind::note, file, "it is not a certificate's file", {});
        continue;
      }
      present.insert(*serial);
      if (!entries_.contains(*serial)) check_unrecorded(*serial, entry.type);
    }
    for (const auto& [serial, entry] : entries_) {
      if (present.contains(serial))
        check_certificate(entry);
      else
        add(FindingKind::damage, kIndexFile, "entry " + serial_to_hex(serial) + " has no certificate file",
            from_a_backup(serial));
    }
    return {};
  }

  // There is one copy of each certificate; only its holder, or a backup, has another.
  [[nodiscard]] std::string from_a_backup(Serial serial) const {
    return "copy it from its holder or from a backup to " +
           shell_word(fs::join_path(directory_, certificate_name(serial)));
  }

  void check_unrecorded(Serial serial, fs::FileType type) {
    const std::string file = certificate_name(serial);
    const std::string path = fs::join_path(directory_, file);
    if (type == fs::FileType::directory) {
      return add(FindingKind::damage, file, "it is a directory where a certificate's file belongs; move it away",
                 "look at it, then: mv " + shell_word(path) + " /ELSEWHERE");
    }
    if (next_serial_ != 0 && serial >= next_serial_) {
      return add(FindingKind::leftover, file, "a certificate that was never recorded; the next command removes it",
                 "lockstep recover " + shell_word(directory_));
    }
    std::string what = "index.json has no entry for serial " + serial_to_hex(serial);
    const auto pem = fs::read_file(*certificates_, fs::split_path(path).name, kSmallFileLimit);
    const auto certificate = pem ? x509::parse_certificate(*pem, file) : Result<x509::Certificate>(fail(pem.error()));
    if (!certificate)
      what += "; " + certificate.error().message;
    else if (authority_ && !x509::is_signed_by(*certificate, authority_->public_key_info).value_or(false))
      what += ", and this CA did not sign it";
    add(file, std::move(what));
  }

  void check_certificate(const IndexEntry& entry) {
    const std::string file = certificate_name(entry.serial);
    const std::string restore = from_a_backup(entry.serial);
    const auto pem = fs::read_file(*certificates_, fs::split_path("/" + file).name, kSmallFileLimit);
    if (!pem) {
      findings_.push_back(durable::finding_of(pem.error(), fs::join_path(directory_, file), restore));
      return;
    }
    const auto certificate = x509::parse_certificate(*pem, file);
    if (!certificate) return add(FindingKind::damage, file, certificate.error().message, restore);
    if (certificate->serial != serial_to_hex(entry.serial)) {
      return add(FindingKind::damage, file, "it is the certificate with serial " + certificate->serial, restore);
    }
    if (certificate->subject.to_text() != entry.subject || certificate->not_before != entry.not_before ||
        certificate->not_after != entry.not_after) {
      add(kIndexFile, "entry " + serial_to_hex(entry.serial) + " differs from its certificate in subject or dates");
    }
    if (authority_ && !x509::is_signed_by(*certificate, authority_->public_key_info).value_or(false)) {
      add(FindingKind::damage, file, "this CA did not sign it", restore);
    }
  }

  void check_crl() {
    const std::string repair_first = durable::repair_command(directory_) + " && " + new_list();
    if (!contents_.crl) {
      // A CA that never made one has none.
      if (next_number_ > kFirstCrlNumber)
        add(FindingKind::note, kCrlFile, "there is none, though one was made", new_list());
      return;
    }
    const auto crl = x509::parse_crl(*contents_.crl, kCrlFile);
    if (!crl) return add(FindingKind::damage, kCrlFile, crl.error().message, repair_first);
    if (authority_ && !x509::is_signed_by(*crl, authority_->public_key_info).value_or(false)) {
      return add(FindingKind::damage, kCrlFile, "this CA did not sign it", repair_first);
    }
    if (now_ && crl->next_update && *crl->next_update < *now_) {
      add(FindingKind::note, kCrlFile, "it is out of date since " + format_rfc3339(*crl->next_update), new_list());
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
    if (!listed) add(FindingKind::damage, kCrlFile, listed.error().message, repair_first);
  }

  fs::FileSystem& files_;
  const std::string& directory_;
  const LedgerContents& contents_;
  std::optional<UnixSeconds> now_;
  std::unique_ptr<fs::Directory> certificates_;
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
  for (const char* file : kRecordFiles) {
    auto text = read(file, kRecordsLimit);
    if (text)
      contents.records[file] = std::move(*text);
    else if (text.error().system_errno != ENOENT)
      return fail(std::move(text).error());
  }
  return contents;
}

Result<std::vector<durable::Finding>> check_ledger(fs::FileSystem& files, const std::string& directory,
                                                   const LedgerContents& contents, std::optional<UnixSeconds> now) {
  return LedgerCheck(files, directory, contents, now).run();
}

Result<durable::Generation> adopt(durable::Runtime& runtime, const std::string& directory) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, directory, store_options(), durable::OpenFor::adopt));
  if (store.current() == nullptr) return fail(ErrorCode::not_initialized, "CA not initialized. Run 'ca init' first.");
  const LedgerContents contents = TRY(read_contents(runtime.files, directory));
  const std::vector<Finding> findings = TRY(check_ledger(runtime.files, directory, contents));
  for (const Finding& finding : findings) {
    if (finding.kind != FindingKind::damage) continue;
    return fail(ErrorCode::edited_by_hand, "'" + finding.path + "': " + finding.what + "; the edit is not taken over",
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
  if (contents.crl)
    change.put(kCrlFile, *contents.crl, 0644);
  else if (store.current()->has(kCrlFile))
    change.remove(kCrlFile);
  for (const auto& [file, text] : contents.records) change.put(file, text, 0600);
  const durable::Generation generation = TRY(store.commit(change));
  // The commit stands. A name that cannot be put back now is found by the next look at the store.
  const Status restored = store.restore_replaced_names();
  static_cast<void>(restored);
  return generation;
}

}  // namespace lockstep::ca
