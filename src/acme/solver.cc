#include "acme/solver.h"

#include "base/base64.h"
#include "crypto/digest.h"

namespace lockstep::acme {

std::string dns_record_name(const ChallengeTask& task) { return "_acme-challenge." + task.identifier; }

Status require_dns_name(const ChallengeTask& task) {
  if (task.type == IdentifierType::dns) return {};
  return fail(ErrorCode::invalid_argument, "'" + task.identifier + "' is an IP address: dns-01 is for DNS names only",
              "prove it by http-01 or tls-alpn-01");
}

std::string dns_record_value(std::string_view key_authorization) {
  crypto::Sha256 digest;
  digest.update(key_authorization);
  return base64url_encode(digest.finish_raw());
}

}  // namespace lockstep::acme
