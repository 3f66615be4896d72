// index.json: one object per issued certificate, one object a line, in a fixed form.
//
// The form is JSON that any tool reads; that it is always the same form is what lets a signing append to it without
// parsing it, and a CRL over a million entries be made in one pass. docs/formats/ca-directory.md specifies it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ca/serial.h"
#include "x509/crl.h"

namespace lockstep::ca {

struct Revocation {
  UnixSeconds at = 0;
  x509::RevocationReason reason = x509::RevocationReason::unspecified;
};

struct IndexEntry {
  Serial serial = 0;
  std::string subject;  // RFC 4514
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
  std::optional<Revocation> revocation;  // nothing while active
};

// An empty index, and the ends that an index has.
inline constexpr std::string_view kEmptyIndex = "[]\n";
inline constexpr std::string_view kIndexBegin = "[\n";
inline constexpr std::string_view kIndexEnd = "\n]\n";
inline constexpr std::string_view kIndexSeparator = ",\n";

// One entry as its line, without separator.
std::string encode_entry(const IndexEntry& entry);

// A line that encode_entry wrote. Errors: damaged.
Result<IndexEntry> decode_entry(std::string_view line);

// What can be had of a line from its two ends, enough for a CRL. What lies between is not looked at: for lines whose
// checksum is checked. Error: damaged.
struct EntryGlance {
  std::string_view serial;  // hexadecimal, as written
  bool revoked = false;
  std::string_view revoked_at;  // both empty while active
  std::string_view reason;
};
Result<EntryGlance> glance_entry(std::string_view line);

// The subject of a line that encode_entry wrote, as it stands between its quotes: with the escapes of JSON. Empty for
// another line.
std::string_view subject_of_line(std::string_view line);

// Takes an index in pieces and hands on its entries' lines. Checks the frame: brackets, separators, line lengths.
class IndexLines {
 public:
  // `list` is what errors call it.
  explicit IndexLines(std::function<Status(std::string_view line)> visit, std::string_view list = "index.json")
      : visit_(std::move(visit)), list_(list) {}
  Status feed(std::string_view piece);
  // After the last piece. Error: damaged when the index is not complete.
  Status finish();
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  Status take(std::string_view line);
  [[nodiscard]] std::unexpected<Error> broken(std::string_view what) const;
  std::function<Status(std::string_view)> visit_;
  std::string_view list_;
  std::string rest_;
  std::uint64_t count_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  bool expects_more_ = false;
};

// Reads an index in any JSON form, as a person may have left it, and writes it in ours. Errors name the entry: a
// missing or unknown field, a bad value, a serial that is not above the one before it.
Result<std::string> canonical_index(std::string_view json, std::string_view name);

}  // namespace lockstep::ca
