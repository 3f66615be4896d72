#include "ca/index.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace lockstep::ca {

namespace {

constexpr std::size_t kLongestLine = 64U * 1024U;
constexpr std::string_view kActive = "active";
constexpr std::string_view kRevoked = "revoked";

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::damaged, "index.json: " + std::string(what), "run 'lockstep doctor'");
}

// Takes `,"NAME":"VALUE"` (without the comma for the first field) from the front; VALUE holds no escapes.
bool take_plain(std::string_view* line, std::string_view opening, std::string_view* value) {
  if (!line->starts_with(opening)) return false;
  line->remove_prefix(opening.size());
  const std::size_t quote = line->find('"');
  if (quote == std::string_view::npos) return false;
  *value = line->substr(0, quote);
  line->remove_prefix(quote + 1);
  return true;
}

// The end of a JSON string that may hold escapes, from just after its opening quote.
std::size_t string_end(std::string_view text) {
  std::size_t at = text.find_first_of("\"\\");
  while (at != std::string_view::npos && text[at] != '"') at = text.find_first_of("\"\\", at + 2);
  return at;
}

struct RawEntry {
  std::string_view serial, subject, not_before, not_after, status, revoked_at, reason;
};

bool split_entry(std::string_view line, RawEntry* raw) {
  constexpr std::string_view kSubject = ",\"subject\":\"";
  if (!take_plain(&line, "{\"serial\":\"", &raw->serial) || !line.starts_with(kSubject)) return false;
  line.remove_prefix(kSubject.size());
  const std::size_t end = string_end(line);
  if (end == std::string_view::npos) return false;
  raw->subject = line.substr(0, end);
  line.remove_prefix(end + 1);
  return take_plain(&line, ",\"not_before\":\"", &raw->not_before) &&
         take_plain(&line, ",\"not_after\":\"", &raw->not_after) && take_plain(&line, ",\"status\":\"", &raw->status) &&
         take_plain(&line, ",\"revoked_at\":\"", &raw->revoked_at) &&
         take_plain(&line, ",\"revocation_reason\":\"", &raw->reason) && line == "}" &&
         (raw->status == kActive || raw->status == kRevoked) && (raw->status == kRevoked) == !raw->revoked_at.empty() &&
         (raw->status == kRevoked) == !raw->reason.empty();
}

Result<IndexEntry> entry_of(const RawEntry& raw, std::string subject) {
  IndexEntry entry;
  entry.serial = TRY(parse_serial(raw.serial));
  entry.subject = std::move(subject);
  entry.not_before = TRY(parse_rfc3339(raw.not_before));
  entry.not_after = TRY(parse_rfc3339(raw.not_after));
  if (raw.status == kRevoked) {
    Revocation revocation;
    revocation.at = TRY(parse_rfc3339(raw.revoked_at));
    revocation.reason = TRY(x509::parse_revocation_reason(raw.reason));
    entry.revocation = revocation;
  }
  return entry;
}

// One entry of a hand-written index. Field by field, so that the error can name the one that is wrong.
Result<IndexEntry> entry_of_json(const nlohmann::json& item) {
  constexpr std::array<const char*, 7> kFields = {"serial", "subject",    "not_before",       "not_after",
                                                  "status", "revoked_at", "revocation_reason"};
  const auto bad = [](const std::string& what) { return fail(ErrorCode::damaged, what); };
  if (!item.is_object()) return bad("it is not an object");
  std::array<std::string, 7> values;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto found = item.find(kFields[i]);
    if (found == item.end() || !found->is_string())
      return bad("the field '" + std::string(kFields[i]) + "' is missing or not a text");
    values[i] = found->get<std::string>();
  }
  if (item.size() != kFields.size()) return bad("it has a field that an entry does not have");
  if (values[4] != kActive && values[4] != kRevoked) return bad("status is neither 'active' nor 'revoked'");
  if ((values[4] == kRevoked) != !values[5].empty() || (values[4] == kRevoked) != !values[6].empty()) {
    return bad("revoked_at and revocation_reason must be there if and only if the status is 'revoked'");
  }
  const RawEntry raw{values[0], values[1], values[2], values[3], values[4], values[5], values[6]};
  return entry_of(raw, values[1]);
}

}  // namespace

std::string encode_entry(const IndexEntry& entry) {
  std::string line = "{\"serial\":\"" + serial_to_hex(entry.serial) + "\",\"subject\":" + json_quote(entry.subject) +
                     ",\"not_before\":\"" + format_rfc3339(entry.not_before) + "\",\"not_after\":\"" +
                     format_rfc3339(entry.not_after) + "\",\"status\":\"";
  if (entry.revocation) {
    line += std::string(kRevoked) + "\",\"revoked_at\":\"" + format_rfc3339(entry.revocation->at) +
            "\",\"revocation_reason\":\"" + std::string(x509::to_text(entry.revocation->reason)) + "\"}";
  } else {
    line += std::string(kActive) + "\",\"revoked_at\":\"\",\"revocation_reason\":\"\"}";
  }
  return line;
}

Result<IndexEntry> decode_entry(std::string_view line) {
  RawEntry raw;
  if (!split_entry(line, &raw)) return broken("an entry that is not in the form that is written");
  // The quotes are one byte each on both sides of the view.
  const std::string_view quoted(raw.subject.data() - 1, raw.subject.size() + 2);
  const auto subject = parse_json(quoted, "index.json", {.bytes = kLongestLine, .depth = 1});
  if (!subject) return broken("a subject that is not a JSON string");
  return entry_of(raw, subject->get<std::string>());
}

Result<EntryGlance> glance_entry(std::string_view line) {
  constexpr std::string_view kActiveEnd = R"(,"status":"active","revoked_at":"","revocation_reason":""})";
  constexpr std::string_view kBeforeTime = R"(,"status":"revoked","revoked_at":")";
  constexpr std::string_view kBeforeReason = R"(","revocation_reason":")";
  constexpr std::size_t kTime = 20;
  const auto malformed = [] { return broken("an entry that is not in the form that is written"); };
  EntryGlance glance;
  std::string_view front = line;
  if (!take_plain(&front, "{\"serial\":\"", &glance.serial)) return malformed();
  if (line.ends_with(kActiveEnd)) return glance;
  // From the end: what comes before may be long, and only its end is of a fixed form.
  if (!line.ends_with("\"}")) return malformed();
  line.remove_suffix(2);
  const std::size_t quote = line.rfind('"');
  if (quote == std::string_view::npos || quote + 1 == line.size()) return malformed();
  glance.reason = line.substr(quote + 1);
  line = line.substr(0, quote + 1);
  if (!line.ends_with(kBeforeReason)) return malformed();
  line.remove_suffix(kBeforeReason.size());
  if (line.size() < kTime) return malformed();
  glance.revoked_at = line.substr(line.size() - kTime);
  line.remove_suffix(kTime);
  if (!line.ends_with(kBeforeTime)) return malformed();
  glance.revoked = true;
  return glance;
}

std::string_view subject_of_line(std::string_view line) {
  RawEntry raw;
  return split_entry(line, &raw) ? raw.subject : std::string_view();
}

std::unexpected<Error> IndexLines::broken(std::string_view what) const {
  return fail(ErrorCode::damaged, std::string(list_) + ": " + std::string(what), "run 'lockstep doctor'");
}

Status IndexLines::take(std::string_view line) {
  if (ended_) return broken("something follows its end");
  if (!begun_) {
    begun_ = true;
    if (line == "[]") {
      ended_ = true;
      return {};
    }
    expects_more_ = true;
    return line == "[" ? Status() : broken("it does not begin with a bracket");
  }
  if (line == "]" && !expects_more_) {
    ended_ = true;
    return {};
  }
  if (!expects_more_) return broken("a separator is missing after entry " + std::to_string(count_));
  expects_more_ = line.ends_with(',');
  if (expects_more_) line.remove_suffix(1);
  ++count_;
  return visit_(line);
}

Status IndexLines::feed(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t newline = piece.find('\n');
    if (newline == std::string_view::npos) {
      rest_.append(piece);
      if (rest_.size() > kLongestLine) return broken("a line longer than " + std::to_string(kLongestLine) + " bytes");
      return {};
    }
    if (rest_.empty()) {
      TRY(take(piece.substr(0, newline)));
    } else {
      rest_.append(piece.substr(0, newline));
      const std::string line = std::exchange(rest_, {});
      TRY(take(line));
    }
    piece.remove_prefix(newline + 1);
  }
  return {};
}

Status IndexLines::finish() {
  if (!ended_ || !rest_.empty()) return broken("it is cut off");
  return {};
}

Result<std::string> canonical_index(std::string_view json, std::string_view name) {
  constexpr std::size_t kLargestIndex = 2048UL * 1024UL * 1024UL;
  const nlohmann::json document = TRY(parse_json(json, name, {.bytes = kLargestIndex, .depth = 2}));
  if (!document.is_array()) return fail(ErrorCode::damaged, "'" + std::string(name) + "' is not an array");
  if (document.empty()) return std::string(kEmptyIndex);
  std::string text(kIndexBegin);
  Serial before = kRootSerial;
  for (std::size_t i = 0; i < document.size(); ++i) {
    auto entry = entry_of_json(document[i]);
    const std::string where = "'" + std::string(name) + "', entry " + std::to_string(i + 1);
    if (!entry) return fail(std::move(entry).error().with_context(where));
    if (entry->serial <= before) {
      return fail(ErrorCode::damaged,
                  where + ": its serial " + serial_to_hex(entry->serial) + " is not above the one before it");
    }
    before = entry->serial;
    if (i != 0) text += kIndexSeparator;
    text += encode_entry(*entry);
  }
  return text.append(kIndexEnd);
}

}  // namespace lockstep::ca
