// Account operations of RFC 8555 section 7.3.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/session.h"

namespace lockstep::acme {

struct Registration {
  std::vector<std::string> contacts;  // "mailto:a@example.com"
  bool terms_agreed = false;
  const ExternalAccount* external = nullptr;
};

struct RegisteredAccount {
  std::string url;
  Account account;
  bool existed = false;  // the server knew the key before
};

// newAccount. Errors: acme_refused before anything is sent when the CA has terms that were not agreed to or wants an
// external account that is not given; those of Session::post.
Result<RegisteredAccount> register_account(Session& session, const crypto::PrivateKey& key,
                                           const Registration& registration);
// The account of a key (onlyReturnExisting). Error: acme_account_unknown.
Result<RegisteredAccount> find_account(Session& session, const crypto::PrivateKey& key);
Result<Account> fetch_account(Session& session, const Signer& signer);
Result<Account> update_contacts(Session& session, const Signer& signer, const std::vector<std::string>& contacts);
// For good: the CA never takes the key again.
Result<Account> deactivate_account(Session& session, const Signer& signer);
// Section 7.3.5: from now on the new key counts. Error: already_exists when the new key has an account.
Status change_key(Session& session, const Signer& old_signer, const crypto::PrivateKey& new_key);

}  // namespace lockstep::acme
