// Transaction signatures (RFC 8945) over whole messages.
//
// libldns has them too, but misspells hmac-sha384, asks the system for the time and does not look at the time of an
// answer.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "dns/tsig_key.h"

namespace lockstep::dns {

struct SignedMessage {
  std::string wire;
  std::string mac;
};

// The message with a TSIG record after it.
Result<SignedMessage> sign_message(std::string_view wire, const TsigKey& key, UnixSeconds now);

// Checks that an answer was signed with the key for exactly that request, and not long ago (five minutes). Errors:
// untrusted for an answer that is not; permission_denied with a hint for what the server says against our signature
// (BADKEY, BADSIG, BADTIME); parse_error.
Status verify_answer(std::string_view wire, const TsigKey& key, std::string_view request_mac, UnixSeconds now);

}  // namespace lockstep::dns
