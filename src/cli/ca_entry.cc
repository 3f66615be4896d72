#include "cli/ca_entry.h"

#include <nlohmann/json.hpp>

namespace lockstep::cli {

std::string_view status_text(const ca::IndexEntry& entry, UnixSeconds now) {
  if (entry.revocation) return "revoked";
  return now > entry.not_after ? "expired" : "active";
}

nlohmann::ordered_json entry_json(const ca::IndexEntry& entry, UnixSeconds now) {
  return {{"serial", ca::serial_to_hex(entry.serial)},
          {"subject", entry.subject},
          {"not_before", format_rfc3339(entry.not_before)},
          {"not_after", format_rfc3339(entry.not_after)},
          {"status", status_text(entry, now)},
          {"revoked_at", entry.revocation ? format_rfc3339(entry.revocation->at) : ""},
          {"revocation_reason", entry.revocation ? x509::to_text(entry.revocation->reason) : ""}};
}

}  // namespace lockstep::cli
