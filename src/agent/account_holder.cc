#include "agent/account_holder.h"

namespace lockstep::agent {

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
  const std::string& server = session_.directory_url();
  std::optional<StoredAccount> stored = TRY(load_account(runtime_.files, root_, server));
  if (!stored || stored->next_key || stored->url.empty()) {
    AccountWriter writer = TRY(AccountWriter::open(runtime_, root_, server));
    stored = TRY(writer.load());
    if (stored && stored->next_key) TRY(finish_key_change(writer, &*stored));
    if (!stored) {
      // What the CA would refuse anyway is said before a key is made for it.
      const acme::Directory directory = TRY(session_.directory());
      if (!directory.terms_of_service.empty() && !wish_.terms_agreed) {
        return fail(ErrorCode::acme_refused,
                    "the CA's terms of service must be agreed to: " + directory.terms_of_service,
                    "read them and repeat the command with --agree-tos");
      }
      crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(wish_.key_type));
      stored.emplace(StoredAccount{.server = server, .key = std::move(key), .next_key = {}});
      TRY(writer.save(*stored));
    }
    if (stored->url.empty()) TRY(register_now(writer, &*stored));
  }
  if (stored->status == "deactivated") {
    return fail(ErrorCode::acme_refused, "the account " + stored->url + " is deactivated",
                "move '" + account_path(root_, server) + "' away to make another one");
  }
  return adopt(std::move(*stored));
}

// The account that is there, with a change of its key that was interrupted come to its end.
Result<StoredAccount> AccountHolder::load_settled(AccountWriter& writer) {
  std::optional<StoredAccount> stored = TRY(writer.load());
  if (!stored) {
    return fail(ErrorCode::not_found, "the account at " + session_.directory_url() + " was removed meanwhile",
                "register one with 'lockstep account register'");
  }
  if (stored->next_key) TRY(finish_key_change(writer, &*stored));
  return std::move(*stored);
}

Status AccountHolder::register_now(AccountWriter& writer, StoredAccount* account) {
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
  TRY(writer.save(*account));
  say_((registered.existed ? "found the account " : "registered the account ") + registered.url);
  return {};
}

Status AccountHolder::finish_key_change(AccountWriter& writer, StoredAccount* account) {
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
  return writer.save(*account);
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::register_again(const std::string& stale_url) {
  const std::lock_guard lock(mutex_);
  if (account_ != nullptr && account_->url != stale_url) return account_;
  AccountWriter writer = TRY(AccountWriter::open(runtime_, root_, session_.directory_url()));
  StoredAccount account = TRY(load_settled(writer));
  if (account.url == stale_url) {
    say_("the CA does not know the account " + stale_url + " any more; registering it again");
    TRY(register_now(writer, &account));
  }
  return adopt(std::move(account));
}

Result<std::shared_ptr<const StoredAccount>> AccountHolder::change_key(crypto::KeyType type) {
  TRY(get());  // which refuses an account that is over
  const std::lock_guard lock(mutex_);
  AccountWriter writer = TRY(AccountWriter::open(runtime_, root_, session_.directory_url()));
  StoredAccount account = TRY(load_settled(writer));
  account.next_key = TRY(crypto::PrivateKey::generate(type));
  TRY(writer.save(account));
  const Status changed = acme::change_key(session_, signer_of(account), *account.next_key);
  if (!changed) {
    // Refused for good: the old key counts. Without an answer nobody knows, and the next run asks.
    const ErrorCode code = changed.error().code;
    if (code != ErrorCode::network && code != ErrorCode::timed_out && code != ErrorCode::acme_bad_answer) {
      account.next_key.reset();
      TRY(writer.save(account));
    }
    return fail(changed.error());
  }
  account.key = std::move(*account.next_key);
  account.next_key.reset();
  TRY(writer.save(account));
  return adopt(std::move(account));
}

Status AccountHolder::change_contacts(const std::vector<std::string>& contacts) {
  return change([&](const acme::Signer& signer) { return acme::update_contacts(session_, signer, contacts); },
                &contacts);
}

Status AccountHolder::deactivate() {
  return change([&](const acme::Signer& signer) { return acme::deactivate_account(session_, signer); }, nullptr);
}

Status AccountHolder::change(const std::function<Result<acme::Account>(const acme::Signer&)>& ask,
                             const std::vector<std::string>* contacts) {
  TRY(get());  // which refuses an account that is over
  const std::lock_guard lock(mutex_);
  AccountWriter writer = TRY(AccountWriter::open(runtime_, root_, session_.directory_url()));
  StoredAccount account = TRY(load_settled(writer));
  const acme::Account said = TRY(ask(signer_of(account)));
  account.status = said.status;
  if (contacts != nullptr) account.contacts = *contacts;
  TRY(writer.save(account));
  TRY(adopt(std::move(account)));
  return {};
}

}  // namespace lockstep::agent
