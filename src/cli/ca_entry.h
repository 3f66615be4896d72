// How an entry of the ledger is shown.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "ca/index.h"

namespace lockstep::cli {

// "active", "expired" or "revoked": expiry is computed, never stored.
std::string_view status_text(const ca::IndexEntry& entry, UnixSeconds now);

nlohmann::ordered_json entry_json(const ca::IndexEntry& entry, UnixSeconds now);

}  // namespace lockstep::cli
