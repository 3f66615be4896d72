#include "acme/solver.h"

#include "base/base64.h"
#include "crypto/digest.h"

namespace lockstep::acme {

std::string dns_record_value(std::string_view key_authorization) {
  crypto::Sha256 digest;
  digest.update(key_authorization);
  return base64url_encode(digest.finish_raw());
}

}  // namespace lockstep::acme
