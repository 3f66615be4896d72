// Proving control of a name (RFC 8555 section 8, RFC 8737, RFC 8738): one interface, one solver for each way.
//
// A solver is shared by the threads that obtain several certificates at once. Taking a proof away works without the
// process that put it there: whoever finds an interrupted order cleans up after it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::acme {

enum class IdentifierType { dns, ip };

struct ChallengeTask {
  IdentifierType type = IdentifierType::dns;
  std::string identifier;         // without "*."
  std::string token;              // base64url, checked
  std::string key_authorization;  // RFC 8555 section 8.1
};

class ChallengeSolver {
 public:
  virtual ~ChallengeSolver() = default;
  // "http-01", "tls-alpn-01" or "dns-01".
  [[nodiscard]] virtual std::string_view challenge_type() const = 0;
  // Puts the proof in its place and returns when the CA may look. On an error nothing is left there.
  virtual Status present(const ChallengeTask& task) = 0;
  // Takes this proof away, and nothing else. Absence is success.
  virtual Status clean_up(const ChallengeTask& task) = 0;
};

// The name of the TXT record.
std::string dns_record_name(const ChallengeTask& task);
// dns-01 is for DNS names. Error: invalid_argument for an address.
Status require_dns_name(const ChallengeTask& task);
// The TXT record's value: base64url of the key authorization's SHA-256 (RFC 8555 section 8.4).
std::string dns_record_value(std::string_view key_authorization);

}  // namespace lockstep::acme
