#include "ca/flat_ledger_writer.h"

#include <algorithm>
#include <cerrno>

#include "ca/flat_ledger.h"
#include "ca/flat_ledger_reader.h"
#include "durable/atomic_file.h"
#include "fs/io.h"

namespace lockstep::ca {

namespace {

// An issuance of up to this many certificates may leave files at the next serials and so many above: looking for them
// one by one is cheap. A larger one announces its end durably first, so that nobody ever has to list a folder with a
// million names.
constexpr Serial kProbedSerials = 64;
constexpr const char* kAnnouncement = "issuing";
// Beyond so many names the folder is listed after all: an announcement may be damaged, and say any number.
constexpr Serial kMostProbes = 4096;
constexpr std::size_t kBuffer = 256U * 1024U;

std::string file_name(Serial serial) { return serial_to_hex(serial) + ".pem"; }

}  // namespace

Status FlatLedgerWriter::prepare() {
  const durable::Snapshot& state = *store_.current();
  TRY(has_members(state));
  const std::string serial = TRY(state.read(kSerialFile, kSmallFileLimit));
  const std::string crl_number = TRY(state.read(kCrlNumberFile, kSmallFileLimit));
  next_serial_ = TRY(parse_counter(serial, fs::join_path(store_.path(), kSerialFile)));
  next_crl_number_ = TRY(parse_counter(crl_number, fs::join_path(store_.path(), kCrlNumberFile)));
  certificates_ = TRY(store_.directory().open_directory(kCertificatesDirectory));
  return sweep_unrecorded();
}

Result<Serial> FlatLedgerWriter::announced_end() {
  // Name by name, so that no link leads out of the store.
  const std::unique_ptr<fs::Directory> control = TRY(store_.directory().open_directory(durable::kControlDirectory));
  auto directory = control->open_directory(durable::kDraftDirectory);
  if (!directory) {
    if (directory.error().system_errno == ENOENT) return Serial{0};
    return fail(std::move(directory).error());
  }
  auto text = fs::read_file(**directory, kAnnouncement, kSmallFileLimit);
  if (!text) {
    if (text.error().system_errno == ENOENT) return Serial{0};
    if (text.error().system_errno != 0) return fail(std::move(text).error());
  }
  // One that says no number is damaged: then whatever is above the committed serial was never given out.
  return text ? parse_counter(*text, kAnnouncement).value_or(kLargestSerial) : kLargestSerial;
}

Result<std::vector<std::string>> FlatLedgerWriter::names_between(Serial begin, Serial end) {
  std::vector<std::string> names;
  if (end - begin <= kMostProbes) {
    for (Serial serial = begin; serial < end; ++serial) names.push_back(file_name(serial));
    return names;
  }
  const std::vector<fs::DirectoryEntry> entries = TRY(certificates_->list());
  for (const fs::DirectoryEntry& entry : entries) {
    const auto serial = serial_of_file(entry.name);
    if (serial && *serial >= begin && *serial < end) names.push_back(entry.name);
  }
  return names;
}

Status FlatLedgerWriter::sweep_unrecorded() {
  const Serial announced = TRY(announced_end());
  const Serial end = std::max(next_serial_ + kProbedSerials, announced);
  const std::vector<std::string> names = TRY(names_between(next_serial_, end));
  bool removed_any = false;
  for (const std::string& name : names) {
    Status removed = certificates_->remove_file(name);
    if (removed)
      removed_any = true;
    else if (removed.error().system_errno != ENOENT)
      return removed;
  }
  // Gone for good before anything new takes one of these names.
  if (removed_any) TRY(certificates_->sync());
  if (announced != 0) retract_announcement();
  return {};
}

Status FlatLedgerWriter::announce(std::size_t count) {
  if (count <= kProbedSerials) return {};
  const std::unique_ptr<fs::Directory> draft = TRY(store_.draft_directory());
  return durable::atomic_write_in(runtime_, *draft, kAnnouncement, serial_to_hex(next_serial_ + count) + "\n");
}

void FlatLedgerWriter::retract_announcement() {
  // An announcement that stays makes the next writer look further than it must, nothing else.
  auto draft = store_.draft_directory();
  if (!draft) return;
  Status status = (*draft)->remove_file(kAnnouncement);
  static_cast<void>(status);
}

Result<AuthorityFiles> FlatLedgerWriter::authority() {
  AuthorityFiles files;
  files.certificate_pem = TRY(store_.current()->read(kCertificateFile, kSmallFileLimit));
  std::string key = TRY(store_.current()->read(kKeyFile, kSmallFileLimit));
  files.key_pem = SecretBytes(std::move(key));
  return files;
}

Status FlatLedgerWriter::write_certificates(const std::vector<IssuedCertificate>& certificates) {
  for (const IssuedCertificate& certificate : certificates) {
    auto file = certificates_->open_file(file_name(certificate.entry.serial), fs::OpenMode::create_exclusive, 0600);
    if (!file && file.error().system_errno == EEXIST) {
      return fail(ErrorCode::foreign_file,
                  "'" + fs::join_path(certificates_->path(), file_name(certificate.entry.serial)) +
                      "' is there already, though its serial was never given out",
                  "see 'lockstep doctor'");
    }
    if (!file) return fail(std::move(file).error());
    TRY(fs::write_all(**file, certificate.pem));
    TRY((*file)->change_mode(0644));
    TRY(unsynced_.add(std::move(*file)));
  }
  return {};
}

void FlatLedgerWriter::remove_certificates(const std::vector<IssuedCertificate>& certificates) {
  // Runs where an error is already on its way: what stays is above the committed serial, and the next writer removes
  // it.
  unsynced_.abandon();
  for (const IssuedCertificate& certificate : certificates) {
    const Status removed = certificates_->remove_file(file_name(certificate.entry.serial));
    static_cast<void>(removed);
  }
}

void FlatLedgerWriter::add_records(const std::vector<RecordChange>& records, durable::Change* change) const {
  for (const RecordChange& record : records) {
    if (!record.append) {
      change->put(record.file, record.content, 0600);
      continue;
    }
    const durable::ManifestMember* before = store_.current()->manifest().find(record.file);
    const bool first = before == nullptr || before->size == kEmptyIndex.size();
    change->produce(
        record.file,
        [&record, first](durable::MemberSink& sink) {
          const std::string end = record.content + std::string(kIndexEnd);
          return first ? sink.write(std::string(kIndexBegin) + end)
                       : sink.splice_end(kIndexEnd, std::string(kIndexSeparator) + end);
        },
        0600);
  }
}

Status FlatLedgerWriter::record(const std::vector<IssuedCertificate>& certificates,
                                const std::vector<RecordChange>& records) {
  std::string lines;
  for (const IssuedCertificate& certificate : certificates) {
    if (!lines.empty()) lines += kIndexSeparator;
    lines += encode_entry(certificate.entry);
  }
  const bool first = store_.current()->manifest().find(kIndexFile)->size == kEmptyIndex.size();
  durable::Change change;
  change.make_durable_with([this]() -> Status {
    TRY(unsynced_.sync());
    return certificates_->sync();  // the names: without them a recorded certificate could be missing after a power cut
  });
  change.put(kSerialFile, serial_to_hex(next_serial_ + certificates.size()) + "\n");
  change.produce(kIndexFile, [&](durable::MemberSink& sink) {
    return first ? sink.splice_end(kEmptyIndex, std::string(kIndexBegin) + lines + std::string(kIndexEnd))
                 : sink.splice_end(kIndexEnd, std::string(kIndexSeparator) + lines + std::string(kIndexEnd));
  });
  add_records(records, &change);
  return commit(change);
}

Status FlatLedgerWriter::change_records(const std::vector<RecordChange>& records) {
  durable::Change change;
  add_records(records, &change);
  return commit(change);
}

Result<std::string> FlatLedgerWriter::records(const std::string& file) { return read_records(*store_.current(), file); }

std::string FlatLedgerWriter::records_version(const std::string& file) const {
  const durable::ManifestMember* member = store_.current()->manifest().find(file);
  return member == nullptr ? std::string() : member->sha256;
}

Status FlatLedgerWriter::for_each_line(const std::function<Status(std::string_view line)>& visit) {
  return ca::for_each_line(*store_.current(), visit);
}

Result<std::string> FlatLedgerWriter::certificate(Serial serial) { return read_certificate(*certificates_, serial); }

Status FlatLedgerWriter::make_durable() { return durable::make_pointer_durable(runtime_.files, store_.path()); }

Status FlatLedgerWriter::issue(const std::vector<IssuedCertificate>& certificates,
                               const std::vector<RecordChange>& records) {
  LOCKSTEP_CHECK(!certificates.empty());
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    LOCKSTEP_CHECK(certificates[i].entry.serial == next_serial_ + i);
  }
  TRY(announce(certificates.size()));
  Status status = write_certificates(certificates);
  if (status) status = record(certificates, records);
  if (!status && status.error().code != ErrorCode::commit_uncertain) remove_certificates(certificates);
  if (certificates.size() > kProbedSerials) retract_announcement();
  if (status) next_serial_ += certificates.size();
  return status;
}

Status FlatLedgerWriter::commit(const durable::Change& change) {
  TRY(store_.commit(change));
  // The commit stands, whether old generations can be removed now or by the next writer.
  const Status collected = store_.collect();
  static_cast<void>(collected);
  return {};
}

Result<IndexEntry> FlatLedgerWriter::revoke(Serial serial, const Revocation& revocation) {
  const durable::Snapshot& state = *store_.current();
  const std::optional<IndexEntry> found = TRY(find_entry(state, serial));
  if (!found) {
    return fail(ErrorCode::certificate_not_found, "certificate with serial " + serial_to_hex(serial) + " not found");
  }
  if (found->revocation) {
    return fail(ErrorCode::already_revoked, "certificate with serial " + serial_to_hex(serial) + " is already revoked");
  }
  IndexEntry revoked = *found;
  revoked.revocation = revocation;
  const std::string old_line = encode_entry(*found);
  const std::string new_line = encode_entry(revoked);

  durable::Change change;
  change.produce(kIndexFile, [&](durable::MemberSink& sink) -> Status {
    std::string buffer(kIndexBegin);
    bool first = true;
    TRY(ca::for_each_line(state, [&](std::string_view line) -> Status {
      if (!first) buffer += kIndexSeparator;
      first = false;
      buffer += line == old_line ? std::string_view(new_line) : line;
      if (buffer.size() < kBuffer) return {};
      return sink.write(std::exchange(buffer, {}));
    }));
    return sink.write(buffer.append(kIndexEnd));
  });
  TRY(commit(change));
  return revoked;
}

Status FlatLedgerWriter::publish_crl(const std::function<Status(const EntryGlance&)>& observe,
                                     const std::function<Status(const Sink&)>& produce) {
  bool observed = false;
  durable::Change change;
  change.put(kCrlNumberFile, serial_to_hex(next_crl_number_ + 1) + "\n");
  // One pass over the index serves its copy and the list: the CRL is a later member than the index.
  change.produce(kIndexFile, [&](durable::MemberSink& sink) -> Status {
    IndexLines lines([&](std::string_view line) -> Status {
      const EntryGlance glance = TRY(glance_entry(line));
      return glance.revoked ? observe(glance) : Status();
    });
    TRY(sink.copy_parent([&](std::string_view piece) { return lines.feed(piece); }));
    observed = true;
    return lines.finish();
  });
  change.produce(
      kCrlFile,
      [&](durable::MemberSink& sink) -> Status {
        LOCKSTEP_CHECK(observed);
        return produce([&](std::string_view piece) { return sink.write(piece); });
      },
      0644);
  TRY(commit(change));
  ++next_crl_number_;
  return {};
}

}  // namespace lockstep::ca
