#include "ca/salvage.h"

#include <algorithm>

#include "ca/flat_ledger.h"
#include "ca/flat_ledger_reader.h"
#include "durable/damage.h"
#include "fs/io.h"
#include "x509/crl.h"

namespace lockstep::ca {

using durable::Generation;
using durable::StoreWriter;
using durable::unless_damaged;

namespace {

constexpr std::size_t kIndexLimit = 2048UL * 1024UL * 1024UL;

// Every list of this CA that is left, whichever generation it is in.
Status for_each_crl(const StoreWriter& store, const x509::Certificate& authority,
                    const std::function<Status(const std::string& pem, const x509::Crl&)>& visit) {
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  for (const Generation generation : generations) {
    const std::optional<std::string> text = TRY(store.remains(generation, kCrlFile, kCrlLimit));
    if (!text) continue;
    const auto crl = x509::parse_crl(*text, kCrlFile);
    if (!crl) continue;
    const bool signed_by_us = TRY(x509::is_signed_by(*crl, authority.public_key_info));
    if (signed_by_us) TRY(visit(*text, *crl));
  }
  return {};
}

Status visit_text(const std::string& canonical, const VisitEntry& visit) {
  IndexLines lines([&](std::string_view line) -> Status {
    const IndexEntry entry = TRY(decode_entry(line));
    return visit(entry);
  });
  TRY(lines.feed(canonical));
  return lines.finish();
}

void take_revocation(std::string_view line, std::map<Serial, Revocation>* found) {
  if (line.ends_with(',')) line.remove_suffix(1);
  const auto entry = decode_entry(line);
  if (entry && entry->revocation) found->emplace(entry->serial, *entry->revocation);
}

// The lines that are whole, of an index that as a whole is not what was committed.
void take_whole_lines(std::string_view text, std::map<Serial, Revocation>* found) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take_revocation(text.substr(0, end), found);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Result<std::optional<Pair>> salvage_pair(const StoreWriter& store) {
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  std::vector<std::string> keys;
  std::vector<std::string> certificates;
  for (const Generation generation : generations) {
    const std::optional<std::string> key = TRY(store.remains(generation, kKeyFile, kSmallFileLimit));
    const std::optional<std::string> certificate = TRY(store.remains(generation, kCertificateFile, kSmallFileLimit));
    if (key) keys.push_back(*key);
    if (certificate) certificates.push_back(*certificate);
  }
  for (const std::string& pem : certificates) {
    auto certificate = x509::parse_certificate(pem, kCertificateFile);
    if (!certificate || !x509::is_signed_by(*certificate, certificate->public_key_info).value_or(false)) continue;
    for (const std::string& key_pem : keys) {
      const auto key = crypto::PrivateKey::from_pem(key_pem, kKeyFile);
      if (key && x509::pair_matches(*certificate, *key).value_or(false))
        return std::optional<Pair>({key_pem, pem, std::move(*certificate)});
    }
  }
  return std::optional<Pair>();
}

Result<std::optional<SalvagedIndex>> salvage_index(const StoreWriter& store) {
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  for (const Generation generation : generations) {
    auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
    SalvagedIndex index{.generation = generation, .created_at = 0, .for_each = {}};
    if (snapshot) {
      if (!snapshot->has(kIndexFile)) continue;
      index.created_at = snapshot->manifest().created_at;
      const auto shared = std::make_shared<durable::Snapshot>(std::move(*snapshot));
      index.for_each = [shared](const VisitEntry& visit) {
        return for_each_line(*shared, [&](std::string_view line) -> Status {
          const IndexEntry entry = TRY(decode_entry(line));
          return visit(entry);
        });
      };
    } else {
      const std::optional<std::string> text = TRY(store.remains(generation, kIndexFile, kIndexLimit));
      const auto canonical = text ? canonical_index(*text, kIndexFile) : fail(ErrorCode::damaged, "");
      if (!canonical) continue;
      index.for_each = [canonical = *canonical](const VisitEntry& visit) { return visit_text(canonical, visit); };
    }
    const bool whole = TRY(durable::is_whole(index.for_each([](const IndexEntry&) { return Status(); })));
    if (whole) return std::optional<SalvagedIndex>(std::move(index));
  }
  return std::optional<SalvagedIndex>();
}

Result<SalvagedCrl> salvage_crl(const StoreWriter& store, const x509::Certificate& authority) {
  SalvagedCrl newest;
  TRY(for_each_crl(store, authority, [&](const std::string& pem, const x509::Crl& crl) -> Status {
    const Serial number = parse_serial(crl.number).value_or(0);
    if (number <= newest.number) return {};
    newest = {pem, number};
    return {};
  }));
  return newest;
}

Result<std::map<Serial, Revocation>> salvage_revocations(const StoreWriter& store, const x509::Certificate& authority) {
  std::map<Serial, Revocation> found;
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  for (const Generation generation : generations) {
    const auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
    if (!snapshot) {
      const std::optional<std::string> text = TRY(store.remains(generation, kIndexFile, kIndexLimit));
      if (text) take_whole_lines(*text, &found);
      continue;
    }
    if (!snapshot->has(kIndexFile)) continue;
    std::map<Serial, Revocation> here;
    Status read = for_each_line(*snapshot, [&](std::string_view line) -> Status {
      take_revocation(line, &here);
      return {};
    });
    const bool whole = TRY(durable::is_whole(std::move(read)));
    if (whole) {
      found.insert(here.begin(), here.end());
      continue;
    }
    const auto text = TRY(unless_damaged(snapshot->read_unchecked(kIndexFile, kIndexLimit)));
    if (text) take_whole_lines(*text, &found);
  }
  TRY(for_each_crl(store, authority, [&](const std::string&, const x509::Crl& crl) {
    return x509::for_each_revoked(crl, [&](const std::string& serial, const x509::CrlEntry& entry) -> Status {
      const auto number = parse_serial(serial);
      if (number) found.emplace(*number, Revocation{entry.revoked_at, entry.reason});
      return {};
    });
  }));
  return found;
}

Result<Counters> highest_counters(const StoreWriter& store) {
  Counters highest;
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  for (const Generation generation : generations) {
    const auto serial = TRY(store.remains(generation, kSerialFile, kSmallFileLimit));
    const auto number = TRY(store.remains(generation, kCrlNumberFile, kSmallFileLimit));
    if (serial) highest.serial = std::max(highest.serial, parse_counter(*serial, kSerialFile).value_or(0));
    if (number) highest.crl_number = std::max(highest.crl_number, parse_counter(*number, kCrlNumberFile).value_or(0));
  }
  return highest;
}

}  // namespace lockstep::ca
