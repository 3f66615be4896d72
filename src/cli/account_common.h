// What the account commands share: how an account is shown.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/account_store.h"
#include "cli/acme_common.h"

namespace lockstep::cli {

std::string account_text(const agent::StoredAccount& account);
nlohmann::ordered_json account_json(const agent::StoredAccount& account);
// Error: not_found when there is no account for that server yet.
Status require_account(Context& context, const std::string& server);

}  // namespace lockstep::cli
