// index.json: an index that canonical_index accepts comes out in the fixed form, which reads back entry by entry; and
// the readers of the fixed form survive everything else, and agree with each other.
#include "base/clock.h"
#include "ca/index.h"
#include "property.h"

namespace {

using namespace lockstep;
using fuzz::require;

void check_line(std::string_view line) {
  const auto glance = ca::glance_entry(line);
  const auto entry = ca::decode_entry(line);
  if (!entry) return;
  require(glance.has_value(), "what is read in full can be read at a glance", line);
  const auto serial = ca::parse_serial(glance->serial);
  require(serial && *serial == entry->serial, "a glance sees the serial", line);
  require(glance->revoked == entry->revocation.has_value(), "a glance sees what is revoked", line);
  if (glance->revoked) {
    const auto at = parse_rfc3339(glance->revoked_at);
    const auto reason = x509::parse_revocation_reason(glance->reason);
    require(at && *at == entry->revocation->at, "a glance sees when it was revoked", line);
    require(reason && *reason == entry->revocation->reason, "a glance sees why it was revoked", line);
  }
  const std::string written = ca::encode_entry(*entry);
  require(ca::encode_entry(fuzz::must(ca::decode_entry(written), "an entry that was written is read")) == written,
          "an entry reads back as it was written", written);
}

// The entries of an index in the fixed form, written again; nothing when it is not in that form.
std::optional<std::string> read_back(std::string_view text) {
  std::string written;
  ca::IndexLines lines([&](std::string_view line) -> Status {
    check_line(line);
    const auto entry = ca::decode_entry(line);
    if (!entry) return fail(entry.error());
    written += written.empty() ? ca::kIndexBegin : ca::kIndexSeparator;
    written += ca::encode_entry(*entry);
    return {};
  });
  // In two pieces, so that lines are put together again.
  const Status fed = lines.feed(text.substr(0, text.size() / 2));
  if (!fed || !lines.feed(text.substr(text.size() / 2)) || !lines.finish()) return std::nullopt;
  return written.empty() ? std::string(ca::kEmptyIndex) : written.append(ca::kIndexEnd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  check_line(input);
  if (const auto written = read_back(input)) {
    require(read_back(*written) == written, "an index reads back as it was written", *written);
  }
  const auto canonical = ca::canonical_index(input, "input");
  if (!canonical) return 0;
  require(read_back(*canonical) == *canonical, "an adopted index is in the form that is written", *canonical);
  require(fuzz::must(ca::canonical_index(*canonical, "written"), "an adopted index can be adopted") == *canonical,
          "adopting twice is adopting once", *canonical);
  return 0;
}
