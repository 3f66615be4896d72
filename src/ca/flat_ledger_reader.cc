#include "ca/flat_ledger_reader.h"

#include <cerrno>

#include "ca/flat_ledger.h"
#include "ca/records.h"
#include "fs/io.h"

namespace lockstep::ca {

Status has_members(const durable::Snapshot& snapshot) {
  for (const char* name : {kKeyFile, kCertificateFile, kSerialFile, kCrlNumberFile, kIndexFile}) {
    if (snapshot.has(name)) continue;
    return fail(ErrorCode::damaged, "'" + snapshot.path() + "' has no member '" + name + "'",
                "run 'lockstep doctor --repair'");
  }
  return {};
}

Status for_each_line(const durable::Snapshot& snapshot, const std::function<Status(std::string_view line)>& visit) {
  IndexLines lines(visit);
  TRY(snapshot.read_pieces(kIndexFile, [&](std::string_view piece) { return lines.feed(piece); }));
  return lines.finish();
}

Result<std::optional<IndexEntry>> find_entry(const durable::Snapshot& snapshot, Serial serial) {
  const std::string hex = serial_to_hex(serial);
  std::optional<IndexEntry> found;
  TRY(for_each_line(snapshot, [&](std::string_view line) -> Status {
    const EntryGlance glance = TRY(glance_entry(line));
    if (glance.serial == hex) found = TRY(decode_entry(line));
    return {};
  }));
  return found;
}

Result<std::string> FlatLedgerReader::authority_certificate() {
  return snapshot_.read(kCertificateFile, kSmallFileLimit);
}

Status FlatLedgerReader::for_each(const std::function<Status(const IndexEntry&)>& visit) {
  return for_each_line(snapshot_, [&](std::string_view line) -> Status {
    const IndexEntry entry = TRY(decode_entry(line));
    return visit(entry);
  });
}

Result<std::optional<IndexEntry>> FlatLedgerReader::find(Serial serial) { return find_entry(snapshot_, serial); }

Result<std::string> read_records(const durable::Snapshot& snapshot, const std::string& file) {
  if (!snapshot.has(file)) return std::string();
  return snapshot.read(file, kRecordsLimit);
}

Result<std::string> read_certificate(fs::Directory& certificates, Serial serial) {
  auto pem = fs::read_file(certificates, serial_to_hex(serial) + ".pem", kSmallFileLimit);
  if (!pem && pem.error().system_errno == ENOENT) {
    return fail(ErrorCode::certificate_not_found, "certificate with serial " + serial_to_hex(serial) + " not found");
  }
  return pem;
}

Result<std::string> FlatLedgerReader::certificate(Serial serial) {
  const std::string path = fs::join_path(directory_, kCertificatesDirectory);
  const std::unique_ptr<fs::Directory> certificates = TRY(files_.open_directory(path));
  return read_certificate(*certificates, serial);
}

Result<std::string> FlatLedgerReader::records(const std::string& file) { return read_records(snapshot_, file); }

Result<std::optional<std::string>> FlatLedgerReader::crl() {
  if (!snapshot_.has(kCrlFile)) return std::optional<std::string>();
  std::string text = TRY(snapshot_.read(kCrlFile, kCrlLimit));
  return std::optional<std::string>(std::move(text));
}

}  // namespace lockstep::ca
