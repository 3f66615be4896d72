// Accounts at CAs: each one a generation store under accounts/, so that the key and what the CA said of it change as
// one. docs/formats/account.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "crypto/private_key.h"
#include "durable/directories.h"
#include "durable/generation_store.h"
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
// For a look; who is going to change it uses AccountWriter. Nothing when there is none.
Result<std::optional<StoredAccount>> load_account(fs::FileSystem& files, const std::string& root,
                                                  const std::string& server);

// One change of an account at a time over all processes, what is said to the CA about it included: of two that register
// at once, the second finds the first one's account. Holds the store's lock.
class AccountWriter {
 public:
  // Errors: those of durable::StoreWriter::open. An account that was not there is not there after it either, unless it
  // is saved.
  static Result<AccountWriter> open(durable::Runtime& runtime, const std::string& root, const std::string& server);

  [[nodiscard]] Result<std::optional<StoredAccount>> load() const;
  // Errors: those of durable::StoreWriter::commit.
  Status save(const StoredAccount& account);

 private:
  // Takes the root away again that was made for an account that is not saved.
  struct MadeRoot {
    explicit MadeRoot(fs::FileSystem& where) : files(where) {}
    MadeRoot(const MadeRoot&) = delete;
    MadeRoot& operator=(const MadeRoot&) = delete;
    ~MadeRoot() { directories.remove(files); }
    fs::FileSystem& files;
    durable::CreatedDirectories directories;
  };
  AccountWriter(std::unique_ptr<MadeRoot> made, durable::StoreWriter store)
      : made_(std::move(made)), store_(std::move(store)) {}
  std::unique_ptr<MadeRoot> made_;  // outlives the store, which takes what is in it away first
  durable::StoreWriter store_;
};

// The servers that there is an account for, sorted.
Result<std::vector<std::string>> list_accounts(fs::FileSystem& files, const std::string& root);

}  // namespace lockstep::agent
