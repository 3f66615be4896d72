#include "acme/account.h"

#include <nlohmann/json.hpp>

namespace lockstep::acme {

namespace {

using nlohmann::ordered_json;

Result<RegisteredAccount> read_account(Session& session, const http::Response& response) {
  RegisteredAccount registered;
  registered.url = response.header("location");
  if (const Status usable = http::check_url(registered.url, session.rules().insecure_http); !usable)
    return fail(ErrorCode::acme_bad_answer, "the CA did not say where the account is: " + usable.error().message);
  registered.account = TRY(parse_account(response.body));
  registered.existed = response.status == 200;
  return registered;
}

Result<Account> post_account(Session& session, const Signer& signer, const ordered_json& payload,
                             const std::string& what) {
  const auto response =
      TRY(session.post(signer.account_url, payload.is_null() ? std::string() : payload.dump(), signer, what));
  return parse_account(response.body);
}

}  // namespace

Result<RegisteredAccount> register_account(Session& session, const crypto::PrivateKey& key,
                                           const Registration& registration) {
  const Directory directory = TRY(session.directory());
  if (!directory.terms_of_service.empty() && !registration.terms_agreed) {
    return fail(ErrorCode::acme_refused, "the CA's terms of service must be agreed to: " + directory.terms_of_service,
                "read them and repeat the command with --agree-tos");
  }
  if (directory.external_account_required && registration.external == nullptr) {
    return fail(ErrorCode::acme_refused, "this CA wants an external account binding",
                "give what its site hands out with --eab-kid and --eab-hmac-file");
  }
  ordered_json payload = ordered_json::object();
  if (registration.terms_agreed) payload["termsOfServiceAgreed"] = true;
  if (!registration.contacts.empty()) payload["contact"] = registration.contacts;
  if (registration.external != nullptr) {
    const std::string binding = TRY(bind_external_account(*registration.external, key, directory.new_account));
    payload["externalAccountBinding"] = ordered_json::parse(binding);
  }
  const auto response = TRY(session.post(directory.new_account, payload.dump(), {.key = key, .account_url = {}},
                                         "cannot register an account"));
  return read_account(session, response);
}

Result<RegisteredAccount> find_account(Session& session, const crypto::PrivateKey& key) {
  const Directory directory = TRY(session.directory());
  const auto response = TRY(session.post(directory.new_account, R"({"onlyReturnExisting":true})",
                                         {.key = key, .account_url = {}}, "cannot look up the account"));
  return read_account(session, response);
}

Result<Account> fetch_account(Session& session, const Signer& signer) {
  return post_account(session, signer, nullptr, "cannot read the account");
}

Result<Account> update_contacts(Session& session, const Signer& signer, const std::vector<std::string>& contacts) {
  return post_account(session, signer, {{"contact", contacts}}, "cannot update the account");
}

Result<Account> deactivate_account(Session& session, const Signer& signer) {
  return post_account(session, signer, {{"status", "deactivated"}}, "cannot deactivate the account");
}

Status change_key(Session& session, const Signer& old_signer, const crypto::PrivateKey& new_key) {
  const Directory directory = TRY(session.directory());
  if (directory.key_change.empty()) return fail(ErrorCode::acme_refused, "this CA does not change account keys");
  const std::string old_jwk = TRY(public_jwk(old_signer.key));
  const ordered_json claim = {{"account", old_signer.account_url}, {"oldKey", ordered_json::parse(old_jwk)}};
  const std::string inner =
      TRY(sign_jws({.url = directory.key_change, .nonce = {}, .key_id = {}, .payload = claim.dump()}, new_key));
  TRY(session.post(directory.key_change, inner, old_signer, "cannot change the account's key"));
  return {};
}

}  // namespace lockstep::acme
