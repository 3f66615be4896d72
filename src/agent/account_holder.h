// The account that a run uses at one CA, shared by all its orders: read, or made once; finished when a change of its
// key was interrupted; registered anew, once, when the CA has forgotten it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "acme/account.h"
#include "agent/account_store.h"

namespace lockstep::agent {

struct AccountWish {
  std::vector<std::string> contacts;  // "mailto:…"; empty: as they are
  bool terms_agreed = false;
  const acme::ExternalAccount* external = nullptr;
  crypto::KeyType key_type = crypto::KeyType::ec256;
};

class AccountHolder {
 public:
  using Say = std::function<void(const std::string&)>;
  AccountHolder(acme::Session& session, durable::Runtime& runtime, std::string root, AccountWish wish, Say say)
      : session_(session), runtime_(runtime), root_(std::move(root)), wish_(std::move(wish)), say_(std::move(say)) {}

  // A registered account. Its key is durable before the CA hears of it. Safe from several threads. Errors: those of
  // acme::register_account; acme_refused for an account that was deactivated.
  Result<std::shared_ptr<const StoredAccount>> get();
  // The CA said that it does not know the account at `stale_url`: registers the same key again, unless another thread
  // did so already.
  Result<std::shared_ptr<const StoredAccount>> register_again(const std::string& stale_url);
  // Changes to a new key; both are kept until the CA has said which one counts.
  Result<std::shared_ptr<const StoredAccount>> change_key(crypto::KeyType type);
  // Tells the CA other contacts, or that the account is given up for good, and writes down what it said to that.
  Status change_contacts(const std::vector<std::string>& contacts);
  Status deactivate();

 private:
  Result<std::shared_ptr<const StoredAccount>> load_or_register();
  Result<StoredAccount> load_settled(AccountWriter& writer);
  // Under the lock, so that no other process changes the key between what is read and what is sent.
  Status change(const std::function<Result<acme::Account>(const acme::Signer&)>& ask,
                const std::vector<std::string>* contacts);
  Status register_now(AccountWriter& writer, StoredAccount* account);
  Status finish_key_change(AccountWriter& writer, StoredAccount* account);
  Result<std::shared_ptr<const StoredAccount>> adopt(StoredAccount account);

  acme::Session& session_;
  durable::Runtime& runtime_;
  std::string root_;
  AccountWish wish_;
  Say say_;
  std::mutex mutex_;
  std::shared_ptr<const StoredAccount> account_;
};

acme::Signer signer_of(const StoredAccount& account);

}  // namespace lockstep::agent
