// Accounts at CAs: each one a generation store under accounts/, so that the key and what the CA said of it change as
// one. docs/formats/account.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "crypto/private_key.h"
#include "durable/runtime.h"

namespace lockstep::agent {

inline constexpr const char* kAccountStoreKind = "account";

struct StoredAccount {
  std::string server;  // the directory's URL
  std::string url;     // the account's; empty until the CA has taken it
  std::string status;  // as the CA said last
  std::vector<std::string> contacts;
  std::string external_key_id;  // of the binding that it was made with
  bool terms_agreed = false;
  UnixSeconds registered_at = 0;
  crypto::PrivateKey key;
  // Made durable before the CA is asked to change to it; both stay until it has said which one counts.
  std::optional<crypto::PrivateKey> next_key;
};

// ROOT/accounts/HOST_PORT-HASH: one for each directory.
std::string account_path(const std::string& root, const std::string& server);
Result<std::optional<StoredAccount>> load_account(fs::FileSystem& files, const std::string& root,
                                                  const std::string& server);
Status save_account(durable::Runtime& runtime, const std::string& root, const StoredAccount& account);
// The servers that there is an account for, sorted.
Result<std::vector<std::string>> list_accounts(fs::FileSystem& files, const std::string& root);

}  // namespace lockstep::agent
