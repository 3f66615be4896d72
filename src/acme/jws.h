// JSON Web Signatures as ACME wants them (RFC 8555 section 6.2, RFC 7515 flattened form). Pure: nothing is sent here.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/private_key.h"

namespace lockstep::acme {

// The public half as a JWK with its members in the order of RFC 7638. Error: unsupported_key (P-256 and RSA only).
Result<std::string> public_jwk(const crypto::PrivateKey& key);
// base64url of the JWK's SHA-256 (RFC 7638).
Result<std::string> thumbprint(const crypto::PrivateKey& key);
// "TOKEN.THUMBPRINT" (RFC 8555 section 8.1).
Result<std::string> key_authorization(std::string_view token, const crypto::PrivateKey& key);

struct JwsFields {
  std::string url;
  std::string nonce;    // left out when empty: the inner signature of a rollover has none
  std::string key_id;   // the account's URL; empty: the public key itself goes along
  std::string payload;  // JSON, or empty for POST-as-GET
};
// The request's body. Errors: unsupported_key, crypto_failure.
Result<std::string> sign_jws(const JwsFields& fields, const crypto::PrivateKey& key);

// External Account Binding (RFC 8555 section 7.3.4): what the CA gave out of band.
struct ExternalAccount {
  std::string key_id;
  SecretBytes hmac_key;  // raw bytes
};
// The value of "externalAccountBinding": HS256 over the account's public key.
Result<std::string> bind_external_account(const ExternalAccount& external, const crypto::PrivateKey& account_key,
                                          const std::string& new_account_url);

}  // namespace lockstep::acme
