// Repair of a CA's store: forward only.
#include <algorithm>
#include <map>

#include "ca/check.h"
#include "ca/counters.h"
#include "ca/flat_ledger_reader.h"
#include "durable/damage.h"
#include "fs/io.h"

namespace lockstep::ca {

using durable::unless_damaged;

namespace {

// Every member is there and is what was committed.
Result<bool> is_whole(const durable::Snapshot& snapshot) {
  if (snapshot.manifest().kind != kStoreKind || !has_members(snapshot)) return false;
  return durable::is_whole(snapshot.verify());
}

// The newest generation that is intact as a whole.
Result<std::optional<durable::Snapshot>> newest_intact(const durable::StoreWriter& store) {
  const std::vector<durable::Generation> generations = TRY(store.generations_on_disk());
  for (const durable::Generation generation : generations) {
    std::optional<durable::Snapshot> snapshot = TRY(unless_damaged(store.open_generation(generation)));
    if (!snapshot) continue;
    const bool whole = TRY(is_whole(*snapshot));
    if (whole) return snapshot;
  }
  return std::optional<durable::Snapshot>();
}

// Certificates in the folder that the index does not have, as entries.
Result<std::vector<IndexEntry>> unrecorded(fs::Directory& certificates, Serial first_free) {
  std::vector<IndexEntry> found;
  const std::vector<fs::DirectoryEntry> names = TRY(certificates.list());
  for (const fs::DirectoryEntry& entry : names) {
    if (!entry.name.ends_with(".pem")) continue;
    const auto serial = parse_serial(entry.name.substr(0, entry.name.size() - 4));
    if (!serial || *serial < first_free) continue;
    const std::string pem = TRY(fs::read_file(certificates, entry.name, kSmallFileLimit));
    const auto certificate = x509::parse_certificate(pem, entry.name);
    // Half a file was never given out: its commit would have come after its fsync.
    if (!certificate || certificate->serial != serial_to_hex(*serial)) continue;
    found.push_back({.serial = *serial,
                     .subject = certificate->subject.to_text(),
                     .not_before = certificate->not_before,
                     .not_after = certificate->not_after,
                     .revocation = {}});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
  return found;
}

// The same of every CRL that this CA signed.
Status add_published_revocations(const durable::StoreWriter& store, const durable::Snapshot& base,
                                 std::map<Serial, Revocation>* found) {
  const std::string root_pem = TRY(base.read(kCertificateFile, kSmallFileLimit));
  const x509::Certificate root = TRY(x509::parse_certificate(root_pem, kCertificateFile));
  const std::vector<durable::Generation> generations = TRY(store.generations_on_disk());
  for (const durable::Generation generation : generations) {
    const auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
    if (!snapshot || !snapshot->has(kCrlFile)) continue;
    const auto text = TRY(unless_damaged(snapshot->read(kCrlFile, kCrlLimit)));
    if (!text) continue;
    const auto crl = x509::parse_crl(*text, kCrlFile);
    if (!crl || !TRY(x509::is_signed_by(*crl, root.public_key_info))) continue;
    TRY(x509::for_each_revoked(*crl, [&](const std::string& serial, const x509::CrlEntry& entry) -> Status {
      const auto number = parse_serial(serial);
      if (number) found->emplace(*number, Revocation{entry.revoked_at, entry.reason});
      return {};
    }));
  }
  return {};
}

// Every revocation that an index as it was committed records, in whichever generation: a revocation is for ever, also
// when the generation that made it is damaged elsewhere.
Result<std::map<Serial, Revocation>> revocations(const durable::StoreWriter& store) {
  std::map<Serial, Revocation> found;
  const std::vector<durable::Generation> generations = TRY(store.generations_on_disk());
  for (const durable::Generation generation : generations) {
    const auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
    if (!snapshot) continue;
    std::map<Serial, Revocation> here;
    Status read = for_each_line(*snapshot, [&](std::string_view line) -> Status {
      const EntryGlance glance = TRY(glance_entry(line));
      if (!glance.revoked) return {};
      const IndexEntry entry = TRY(decode_entry(line));
      here.emplace(entry.serial, *entry.revocation);
      return {};
    });
    const bool whole = TRY(durable::is_whole(std::move(read)));
    if (whole) found.insert(here.begin(), here.end());
  }
  return found;
}

// The base's index with what the base does not know yet: revocations, and entries of certificates that were found.
Status write_index(durable::MemberSink& sink, const durable::Snapshot& base, const std::vector<IndexEntry>& entries,
                   const std::map<Serial, Revocation>& revoked) {
  constexpr std::size_t kBuffer = 256U * 1024U;
  std::string buffer;
  bool first = true;
  const auto add = [&](IndexEntry entry) -> Status {
    const auto known = revoked.find(entry.serial);
    if (!entry.revocation && known != revoked.end()) entry.revocation = known->second;
    buffer += std::string(first ? kIndexBegin : kIndexSeparator) + encode_entry(entry);
    first = false;
    return buffer.size() < kBuffer ? Status() : sink.write(std::exchange(buffer, {}));
  };
  TRY(for_each_line(base, [&](std::string_view line) -> Status {
    IndexEntry entry = TRY(decode_entry(line));
    return add(std::move(entry));
  }));
  for (const IndexEntry& entry : entries) TRY(add(entry));
  return sink.write(buffer.append(first ? kEmptyIndex : kIndexEnd));
}

Status repair_record(durable::StoreWriter& store, Repaired* result) {
  const bool recorded = TRY(store.repair_history());
  if (recorded) result->actions.emplace_back("the record of kept generations was written anew");
  return {};
}

}  // namespace

Result<Counters> highest_counters(const durable::StoreWriter& store) {
  Counters highest;
  const std::vector<durable::Generation> generations = TRY(store.generations_on_disk());
  for (const durable::Generation generation : generations) {
    const auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
    if (!snapshot) continue;
    const auto serial_text = TRY(unless_damaged(snapshot->read(kSerialFile, kSmallFileLimit)));
    const auto number_text = TRY(unless_damaged(snapshot->read(kCrlNumberFile, kSmallFileLimit)));
    if (serial_text) highest.serial = std::max(highest.serial, parse_counter(*serial_text, kSerialFile).value_or(0));
    if (number_text)
      highest.crl_number = std::max(highest.crl_number, parse_counter(*number_text, kCrlNumberFile).value_or(0));
  }
  return highest;
}

Result<Repaired> repair(durable::Runtime& runtime, const std::string& directory) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, directory, store_options(), durable::OpenFor::repair));
  Repaired result;
  if (store.current() != nullptr) {
    const bool whole = TRY(is_whole(*store.current()));
    if (whole) {
      result.generation = store.current()->generation();
      TRY(repair_record(store, &result));
      return result;
    }
  }
  std::optional<durable::Snapshot> base = TRY(newest_intact(store));
  if (!base) {
    return fail(ErrorCode::damaged, "no generation of the CA in '" + directory + "' is intact: nothing was changed",
                "restore the directory from a backup");
  }
  Counters counters = TRY(highest_counters(store));
  if (base->has(kCrlFile)) {
    const std::string text = TRY(base->read(kCrlFile, kCrlLimit));
    const auto crl = x509::parse_crl(text, kCrlFile);
    if (crl) counters.crl_number = std::max(counters.crl_number, parse_serial(crl->number).value_or(0) + 1);
  }
  const std::string base_serial = TRY(base->read(kSerialFile, kSmallFileLimit));
  const Serial first_free = TRY(parse_counter(base_serial, kSerialFile));
  const std::unique_ptr<fs::Directory> certificates = TRY(store.directory().open_directory(kCertificatesDirectory));
  const std::vector<IndexEntry> entries = TRY(unrecorded(*certificates, first_free));
  if (!entries.empty()) counters.serial = std::max(counters.serial, entries.back().serial + 1);
  // The damaged generation may have given out one more batch than anything left says: a gap costs nothing, a serial
  // given twice cannot be mended.
  constexpr Serial kGap = 1000;
  counters.serial += kGap;
  ++counters.crl_number;

  std::map<Serial, Revocation> revoked = TRY(revocations(store));
  TRY(add_published_revocations(store, *base, &revoked));
  bool index_lost = true;
  if (store.current() != nullptr) {
    const bool index_whole = TRY(durable::is_whole(store.current()->verify_member(kIndexFile)));
    index_lost = !index_whole;
  }
  if (index_lost) {
    result.actions.push_back("the newest index is lost: what was revoked after " +
                             format_rfc3339(base->manifest().created_at) +
                             " and is in no CRL that is left must be revoked again");
  }
  result.actions.push_back("generation " + std::to_string(base->generation()) +
                           " is the newest intact one: a new one was made from it");
  result.actions.push_back("the next serial is " + serial_to_hex(counters.serial) + " and the next CRL number " +
                           serial_to_hex(counters.crl_number) + ", above every one found");
  if (!entries.empty()) {
    result.actions.push_back(std::to_string(entries.size()) +
                             " certificates found in certs/ were entered into index.json");
  }
  durable::Change change;
  change.put(kSerialFile, serial_to_hex(counters.serial) + "\n")
      .put(kCrlNumberFile, serial_to_hex(counters.crl_number) + "\n");
  change.produce(kIndexFile,
                 [&](durable::MemberSink& sink) { return write_index(sink, *store.current(), entries, revoked); });
  // Without it the next writer would refuse the store. Should the commit fail, the record stays mended.
  TRY(repair_record(store, &result));
  store.set_base(std::move(*base));
  result.generation = TRY(store.commit(change));
  // The commit stands. A name that cannot be put back now is found by the next look at the store.
  const Status restored = store.restore_names_of_copies();
  static_cast<void>(restored);
  return result;
}

}  // namespace lockstep::ca
