// Keys of transaction signatures (TSIG, RFC 8945), and the files that name servers' tools write them to.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lockstep::dns {

struct TsigKey {
  std::string name;       // a domain name, without the final dot
  std::string algorithm;  // "hmac-sha256", "hmac-sha384" or "hmac-sha512"
  SecretBytes secret;     // base64, as in files
};

// Errors: invalid_argument for an unusable name, algorithm or secret; it never shows the secret.
Status check_tsig_key(const TsigKey& key);

// One key, as tsig-keygen(8) writes it: key "NAME" { algorithm ALG; secret "BASE64"; }; with the comments of
// named.conf; or as keymgr(8) of Knot DNS does: a line "key:" and below it "- id: NAME", "algorithm: ALG" and
// "secret: BASE64". `file` is what errors call it; they say the line and never show the secret. Errors: parse_error,
// too_large, and those of check_tsig_key.
Result<TsigKey> parse_tsig_key(std::string_view text, std::string_view file);

}  // namespace lockstep::dns
