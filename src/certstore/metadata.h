// metadata.json of a certificate folder: what is known of the certificate beside itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "x509/certificate.h"

namespace lockstep::certstore {

struct Metadata {
  UnixSeconds issued_at = 0;
  UnixSeconds expires_at = 0;
  std::string acme_order_url;  // empty for an imported certificate
  std::string renewed_by;      // program and version
  std::string serial;          // lower-case hex
  std::vector<std::string> sans;
  std::string ca;  // the issuer's name
  std::string key_type;
};

Metadata metadata_of(const x509::Certificate& leaf, std::string renewed_by);
std::string encode_metadata(const Metadata& metadata);
// Errors: damaged. Unknown fields are ignored: a newer version may have written them.
Result<Metadata> parse_metadata(std::string_view text, std::string_view name);

}  // namespace lockstep::certstore
