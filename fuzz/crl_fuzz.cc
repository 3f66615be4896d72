// Revocation lists from anywhere: every entry that is listed is found, and a list written from the parts of another
// says the same.
#include <map>

#include "test_key.h"
#include "x509/crl.h"

namespace {

using namespace lockstep;
using fuzz::require;

struct Listed {
  std::string serial;
  x509::CrlEntry entry;
};

// The entries of a list; nothing when one is malformed.
std::optional<std::vector<Listed>> entries_of(const x509::Crl& crl) {
  std::vector<Listed> entries;
  const Status read =
      x509::for_each_revoked(crl, [&](const std::string& serial, const x509::CrlEntry& entry) -> Status {
        entries.push_back({serial, entry});
        return {};
      });
  if (!read) return std::nullopt;
  return entries;
}

bool same(const x509::CrlEntry& one, const x509::CrlEntry& other) {
  return one.revoked_at == other.revoked_at && one.reason == other.reason;
}

void check_found(const x509::Crl& crl, const std::vector<Listed>& entries) {
  std::map<std::string, x509::CrlEntry> first;
  for (const Listed& each : entries) first.emplace(each.serial, each.entry);
  for (const auto& [serial, entry] : first) {
    const auto found = x509::find_revoked(crl, serial);
    require(found && *found && same(**found, entry), "a serial that is listed is found", serial);
  }
}

void check_rewritten(const x509::Crl& crl, const std::vector<Listed>& entries) {
  if (crl.number.empty()) return;
  x509::CrlBuilder builder({.issuer_der = crl.issuer.der(),
                            .this_update = crl.this_update,
                            .next_update = crl.next_update.value_or(crl.this_update),
                            .number = crl.number,
                            .authority_key_id = crl.authority_key_id});
  std::vector<Listed> written;
  for (const Listed& each : entries) {
    if (x509::to_text(each.entry.reason) == "other") continue;
    if (builder.add(each.serial, each.entry.revoked_at, each.entry.reason)) written.push_back(each);
  }
  std::string pem;
  const Status finished = builder.finish(fuzz::test_key(), [&](std::string_view piece) {
    pem += piece;
    return Status();
  });
  require(finished.has_value(), "a list can be signed");
  const x509::Crl made = fuzz::must(x509::parse_crl(pem, "written"), "a list that was written is read");
  require(made.issuer.der() == crl.issuer.der() && made.number == crl.number && made.this_update == crl.this_update &&
              made.authority_key_id == crl.authority_key_id,
          "a list that is written from the parts of another has its parts", pem);
  const auto listed = entries_of(made);
  require(listed && listed->size() == written.size(), "a list has the entries that it was given", pem);
  for (std::size_t i = 0; i < written.size(); ++i) {
    require((*listed)[i].serial == written[i].serial && same((*listed)[i].entry, written[i].entry),
            "an entry reads back as it was written", written[i].serial);
  }
  require(fuzz::must(x509::is_signed_by(made, fuzz::test_key().public_key_info()), "a signature can be verified"),
          "a signature of ours verifies");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto crl = x509::parse_crl(fuzz::text_of(data, size), "input");
  if (!crl) return 0;
  static_cast<void>(x509::is_signed_by(*crl, fuzz::test_key().public_key_info()));
  const auto entries = entries_of(*crl);
  if (!entries) return 0;
  check_found(*crl, *entries);
  check_rewritten(*crl, *entries);
  return 0;
}
