// Repair of a CA's store: forward only.
#include <algorithm>
#include <set>

#include "ca/check.h"
#include "ca/flat_ledger_reader.h"
#include "ca/record_check.h"
#include "ca/salvage.h"
#include "durable/damage.h"
#include "durable/set_aside.h"
#include "fs/io.h"

namespace lockstep::ca {

using durable::unless_damaged;

namespace {

// The damaged generation may have given out one more batch than anything left says: a gap costs nothing, a serial given
// twice cannot be mended.
constexpr Serial kGap = 1000;

// Every member is there, is what was committed, and the key is the certificate's.
Result<bool> is_whole(const durable::Snapshot& snapshot) {
  if (snapshot.manifest().kind != kStoreKind || !has_members(snapshot)) return false;
  const bool verified = TRY(durable::is_whole(snapshot.verify()));
  if (!verified) return false;
  const std::string key_pem = TRY(snapshot.read(kKeyFile, kSmallFileLimit));
  const std::string certificate_pem = TRY(snapshot.read(kCertificateFile, kSmallFileLimit));
  const auto key = crypto::PrivateKey::from_pem(key_pem, kKeyFile);
  const auto certificate = x509::parse_certificate(certificate_pem, kCertificateFile);
  return key && certificate && x509::pair_matches(*certificate, *key).value_or(false);
}

// certs/: what this CA signed and no index has, and what has no business there.
struct Certificates {
  std::vector<IndexEntry> unrecorded;  // ascending
  std::vector<std::string> foreign;    // names of files
};

Result<Certificates> look_at_certificates(fs::Directory& directory, const x509::Certificate& authority,
                                          const std::set<Serial>& recorded) {
  Certificates found;
  const std::vector<fs::DirectoryEntry> names = TRY(directory.list());
  for (const fs::DirectoryEntry& entry : names) {
    const auto serial = serial_of_file(entry.name);
    if (!serial || recorded.contains(*serial) || entry.type == fs::FileType::directory) continue;
    const auto pem = TRY(unless_damaged(fs::read_file(directory, entry.name, kSmallFileLimit)));
    const auto certificate = pem ? x509::parse_certificate(*pem, entry.name) : fail(ErrorCode::damaged, "");
    const bool ours = certificate && certificate->serial == serial_to_hex(*serial) &&
                      x509::is_signed_by(*certificate, authority.public_key_info).value_or(false);
    if (!ours) {
      found.foreign.push_back(entry.name);
      continue;
    }
    found.unrecorded.push_back({.serial = *serial,
                                .subject = certificate->subject.to_text(),
                                .not_before = certificate->not_before,
                                .not_after = certificate->not_after,
                                .revocation = {}});
  }
  std::ranges::sort(found.unrecorded, {}, &IndexEntry::serial);
  return found;
}

// An index of the entries of one that was salvaged and of the certificates that were found, in order, with every
// revocation that is known.
Status write_index(durable::MemberSink& sink, const SalvagedIndex* index, const std::vector<IndexEntry>& entries,
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
  auto next = entries.begin();
  const auto add_up_to = [&](Serial serial) -> Status {
    for (; next != entries.end() && next->serial < serial; ++next) TRY(add(*next));
    return {};
  };
  if (index != nullptr) {
    TRY(index->for_each([&](const IndexEntry& entry) -> Status {
      TRY(add_up_to(entry.serial));
      return add(entry);
    }));
  }
  TRY(add_up_to(kLargestSerial));
  return sink.write(buffer.append(first ? kEmptyIndex : kIndexEnd));
}

class Repair {
 public:
  Repair(durable::StoreWriter& store, const std::string& directory, Repaired* result)
      : store_(store), directory_(directory), result_(result) {}

  Status run() {
    bool whole = false;
    if (store_.current() != nullptr) whole = TRY(is_whole(*store_.current()));
    if (whole) result_->generation = store_.current()->generation();
    TRY(look());
    // What is above the next serial was never given out: the next writer removes it.
    if (whole) TRY(forget_uncommitted());
    if (!whole || !certificates_.unrecorded.empty()) TRY(go_forward(whole));
    const Status settled = settle();
    if (settled) return {};
    if (result_->actions.empty()) return settled;
    // What was done stands; what was not is found and done by the next repair.
    result_->actions.push_back("not everything was done: " + settled.error().message);
    return {};
  }

 private:
  // Looks at everything before anything changes.
  Status look() {
    pair_ = TRY(salvage_pair(store_));
    if (!pair_) {
      return fail(ErrorCode::damaged,
                  "no generation of the CA in '" + directory_ +
                      "' has its key and the certificate that belongs to it: nothing was changed",
                  "restore the directory from a backup");
    }
    folder_ = TRY(store_.directory().open_directory(kCertificatesDirectory));
    index_ = TRY(salvage_index(store_));
    std::set<Serial> recorded;
    if (index_) {
      TRY(index_->for_each([&](const IndexEntry& entry) -> Status {
        recorded.insert(entry.serial);
        return {};
      }));
    }
    if (!recorded.empty()) highest_recorded_ = *recorded.rbegin();
    certificates_ = TRY(look_at_certificates(*folder_, pair_->certificate, recorded));
    return {};
  }

  Status forget_uncommitted() {
    const std::string text = TRY(store_.current()->read(kSerialFile, kSmallFileLimit));
    const Serial next = TRY(parse_counter(text, kSerialFile));
    std::erase_if(certificates_.unrecorded, [&](const IndexEntry& entry) { return entry.serial >= next; });
    std::erase_if(certificates_.foreign, [&](const std::string& name) { return *serial_of_file(name) >= next; });
    return {};
  }

  Result<Counters> next_counters(Serial crl_number, bool whole) {
    Counters counters = TRY(highest_counters(store_));
    counters.crl_number = std::max(counters.crl_number, crl_number + 1);
    counters.serial = std::max({counters.serial, highest_recorded_ + 1, kRootSerial + 1});
    if (!certificates_.unrecorded.empty())
      counters.serial = std::max(counters.serial, certificates_.unrecorded.back().serial + 1);
    if (whole) return counters;
    // Without a manifest a counter counts as it stands: one that says the largest number leaves no room for a gap.
    if (counters.serial > kLargestSerial - kGap || counters.crl_number > kLargestSerial - 1) {
      return fail(ErrorCode::damaged, "a counter of the CA in '" + directory_ + "' leaves no number to give",
                  "restore the directory from a backup");
    }
    counters.serial += kGap;
    ++counters.crl_number;
    return counters;
  }

  Status go_forward(bool whole) {
    const SalvagedCrl crl = TRY(salvage_crl(store_, pair_->certificate));
    const Counters counters = TRY(next_counters(crl.number, whole));
    const std::map<Serial, Revocation> revoked = TRY(salvage_revocations(store_, pair_->certificate));
    std::vector<std::string> said;
    if (!whole) say_what_is_lost(counters, crl, &said);
    if (!certificates_.unrecorded.empty()) {
      said.push_back(std::to_string(certificates_.unrecorded.size()) +
                     " certificates found in certs/ were entered into index.json");
    }
    durable::Change change;
    // The index first, as in a new CA: a list is made while the index before it is copied.
    change.produce(
        kIndexFile,
        [&](durable::MemberSink& sink) {
          return write_index(sink, index_ ? &*index_ : nullptr, certificates_.unrecorded, revoked);
        },
        0600);
    change.put(kKeyFile, pair_->key_pem, 0600)
        .put(kCertificateFile, pair_->certificate_pem, 0644)
        .put(kSerialFile, serial_to_hex(counters.serial) + "\n", 0600)
        .put(kCrlNumberFile, serial_to_hex(counters.crl_number) + "\n", 0600);
    if (crl.pem) change.put(kCrlFile, *crl.pem, 0644);
    TRY(carry_records(&change, &said));
    // Without it the next writer would refuse the store. Should the commit fail, the record stays mended.
    TRY(store_.prepare_repair(&result_->actions));
    store_.set_base({});
    result_->generation = TRY(store_.commit(change));
    result_->actions.push_back("generation " + std::to_string(result_->generation) +
                               " was made of what is intact in the others");
    result_->actions.insert(result_->actions.end(), said.begin(), said.end());
    // The commit stands. A name that cannot be put back now is found by the next look at the store.
    const Status restored = store_.restore_names_of_copies();
    static_cast<void>(restored);
    return {};
  }

  // What the issuing server keeps. Requests and devices from the newest generation that has them whole. A token that
  // was used must not become unused again, so tokens come from the live generation or not at all; nor is a server's
  // pair worth an older one: the server makes another.
  Status carry_records(durable::Change* change, std::vector<std::string>* said) {
    const std::vector<durable::Generation> generations = TRY(store_.generations_on_disk());
    const auto live = store_.live();
    std::set<std::string> lost;
    for (const char* file : kRecordFiles) {
      const bool any_will_do = file == std::string_view(kRequestsFile) || file == std::string_view(kDevicesFile);
      for (const durable::Generation generation : generations) {
        const std::optional<std::string> text = TRY(store_.remains(generation, file, kRecordsLimit));
        const bool usable = text && check_records({{file, *text}}, {}, RecordScope::form).empty();
        if (!usable || (!any_will_do && generation != live)) {
          if (text) lost.insert(file);
          continue;
        }
        change->put(file, *text, 0600);
        lost.erase(file);
        break;
      }
    }
    for (const std::string& file : lost) said->push_back(file + " is lost and was left out");
    return {};
  }

  void say_what_is_lost(const Counters& counters, const SalvagedCrl& crl, std::vector<std::string>* said) {
    const auto live = store_.live();
    const bool newest_index = index_ && live && index_->generation == *live;
    if (!newest_index) {
      const UnixSeconds since = index_ ? index_->created_at : 0;
      const std::string moment = since != 0 ? "after " + format_rfc3339(since) + " " : "";
      said->push_back("the newest index is lost: what was revoked " + moment +
                      "and is in no index or CRL that is left must be revoked again");
    }
    said->push_back("the next serial is " + serial_to_hex(counters.serial) + " and the next CRL number " +
                    serial_to_hex(counters.crl_number) + ", above every one found");
    if (!crl.pem && counters.crl_number > 2) said->push_back("no ca.crl is left: make one with 'lockstep ca crl'");
  }

  // Everything but the records themselves, which are whole by now.
  Status settle() {
    const std::vector<std::string> closed = TRY(durable::close_secrets(*store_.current(), secrets()));
    for (const std::string& path : closed) result_->actions.push_back("'" + path + "' was closed to others");
    TRY(store_.set_aside_damage(&result_->actions));
    return set_aside_foreign();
  }

  Status set_aside_foreign() {
    if (certificates_.foreign.empty()) return {};
    const std::unique_ptr<fs::Directory> control = TRY(store_.directory().open_directory(durable::kControlDirectory));
    for (const std::string& name : certificates_.foreign) {
      const std::string path = TRY(durable::keep_aside(*folder_, *control, name));
      TRY(folder_->remove_file(name));
      TRY(folder_->sync());
      result_->actions.push_back("certs/" + name + " is no certificate of this CA: it was set aside as '" + path + "'");
    }
    return {};
  }

  durable::StoreWriter& store_;
  const std::string& directory_;
  Repaired* result_;
  std::optional<Pair> pair_;
  std::unique_ptr<fs::Directory> folder_;
  std::optional<SalvagedIndex> index_;
  Serial highest_recorded_ = 0;
  Certificates certificates_;
};

}  // namespace

Result<Repaired> repair(durable::Runtime& runtime, const std::string& directory) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, directory, store_options(), durable::OpenFor::repair));
  Repaired result;
  TRY(Repair(store, directory, &result).run());
  return result;
}

}  // namespace lockstep::ca
