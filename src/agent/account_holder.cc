#include "agent/account_holder.h"

namespace lockstep::agent {

namespace {

Result<crypto::PrivateKey> copy_key(const crypto::PrivateKey& key) {
  const SecretBytes pem = TRY(key.to_pem());
  return crypto::PrivateKey::from_pem(pem.reveal(), "the account's key");
}

// A StoredAccount that may be changed: keys are not copied by themselves.
Result<StoredAccount> copy(const StoredAccount& account) {
  crypto::PrivateKey key = TRY(copy_key(account.key));
  StoredAccount result{.server = account.server,
                       .url = account.url,
                       .status = account.status,
                       .contacts = account.contacts,
                       .external_key_id = account.external_key_id,
                       .terms_agreed = account.terms_agreed,
                       .registered_at = account.registered_at,
                       .key = std::move(key),
                       .next_key = {}};
  if (account.next_key) result.next_key = TRY(copy_key(*account.next_key));
  return result;
}

}  // namespace

acme::Signer signer_of(const StoredAccount& account) { return {.key = account.key, .account_url = account.url}; }

Result<std::shared_ptr<const StoredAccount>> AccountHolder::get() {
  const std::lock_guard lock(mutex_);
  if (account_ == nullptr) account_ = TRY(load_or_register());
  return account_;
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::adopt(StoredAccount account) {
  account_ = std::make_shared<const StoredAccount>(std::move(account));
  return account_;
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::load_or_register() {
  std::optional<StoredAccount> stored = TRY(load_account(runtime_.files, root_, session_.directory_url()));
  if (stored && stored->next_key) TRY(finish_key_change(&*stored));
  if (stored && stored->status == "deactivated") {
    return fail(ErrorCode::acme_refused, "the account " + stored->url + " is deactivated",
                "move '" + account_path(root_, session_.directory_url()) + "' away to make another one");
  }
  if (stored && !stored->url.empty()) return adopt(std::move(*stored));
  if (!stored) {
    // What the CA would refuse anyway is said before a key is made for it.
    const acme::Directory directory = TRY(session_.directory());
    if (!directory.terms_of_service.empty() && !wish_.terms_agreed) {
      return fail(ErrorCode::acme_refused, "the CA's terms of service must be agreed to: " + directory.terms_of_service,
                  "read them and repeat the command with --agree-tos");
    }
    crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(wish_.key_type));
    stored.emplace(StoredAccount{.server = session_.directory_url(), .key = std::move(key), .next_key = {}});
    TRY(save_account(runtime_, root_, *stored));
  }
  TRY(register_now(&*stored));
  return adopt(std::move(*stored));
}

Status AccountHolder::register_now(StoredAccount* account) {
  const acme::Registration registration{.contacts = wish_.contacts.empty() ? account->contacts : wish_.contacts,
                                        .terms_agreed = wish_.terms_agreed || account->terms_agreed,
                                        .external = wish_.external};
  const acme::RegisteredAccount registered = TRY(acme::register_account(session_, account->key, registration));
  if (registered.account.status != "valid") {
    return fail(ErrorCode::acme_refused, "the account " + registered.url + " is " + registered.account.status);
  }
  account->url = registered.url;
  account->status = registered.account.status;
  account->contacts = registration.contacts;
  account->terms_agreed = registration.terms_agreed;
  if (wish_.external != nullptr) account->external_key_id = wish_.external->key_id;
  account->registered_at = runtime_.clock.now();
  TRY(save_account(runtime_, root_, *account));
  say_((registered.existed ? "found the account " : "registered the account ") + registered.url);
  return {};
}

Status AccountHolder::finish_key_change(StoredAccount* account) {
  const auto with_next = acme::find_account(session_, *account->next_key);
  if (with_next && with_next->url == account->url) {
    account->key = std::move(*account->next_key);
    say_("an interrupted change of the account's key had reached the CA; the new key counts");
  } else if (!with_next && with_next.error().code != ErrorCode::acme_account_unknown) {
    return fail(with_next.error());
  } else {
    say_("an interrupted change of the account's key had not reached the CA; the old key counts");
  }
  account->next_key.reset();
  return save_account(runtime_, root_, *account);
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::register_again(const std::string& stale_url) {
  const std::lock_guard lock(mutex_);
  if (account_ != nullptr && account_->url != stale_url) return account_;
  std::optional<StoredAccount> stored = TRY(load_account(runtime_.files, root_, session_.directory_url()));
  if (!stored) return load_or_register();
  if (stored->url == stale_url) {
    say_("the CA does not know the account " + stale_url + " any more; registering it again");
    TRY(register_now(&*stored));
  }
  return adopt(std::move(*stored));
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::change_key(crypto::KeyType type) {
  const std::shared_ptr<const StoredAccount> before = TRY(get());
  const std::lock_guard lock(mutex_);
  StoredAccount account = TRY(copy(*before));
  account.next_key = TRY(crypto::PrivateKey::generate(type));
  TRY(save_account(runtime_, root_, account));
  const Status changed = acme::change_key(session_, signer_of(account), *account.next_key);
  if (!changed) {
    // Refused for good: the old key counts. Without an answer nobody knows, and the next run asks.
    const ErrorCode code = changed.error().code;
    if (code != ErrorCode::network && code != ErrorCode::timed_out && code != ErrorCode::acme_bad_answer) {
      account.next_key.reset();
      TRY(save_account(runtime_, root_, account));
    }
    return fail(changed.error());
  }
  account.key = std::move(*account.next_key);
  account.next_key.reset();
  TRY(save_account(runtime_, root_, account));
  return adopt(std::move(account));
}

Status AccountHolder::update(const acme::Account& said, const std::vector<std::string>* contacts) {
  const std::shared_ptr<const StoredAccount> before = TRY(get());
  const std::lock_guard lock(mutex_);
  StoredAccount account = TRY(copy(*before));
  account.status = said.status;
  if (contacts != nullptr) account.contacts = *contacts;
  TRY(save_account(runtime_, root_, account));
  TRY(adopt(std::move(account)));
  return {};
}

}  // namespace lockstep::agent
