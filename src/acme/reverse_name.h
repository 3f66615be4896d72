// The name that stands for an IP address in DNS, and in SNI where only names may stand (RFC 8738 section 6).
#pragma once

#include <string>

#include "base/result.h"

namespace lockstep::acme {

// "1.2.0.192.in-addr.arpa" (RFC 1035 section 3.5), "1.0.0. … .8.b.d.0.1.0.0.2.ip6.arpa" (RFC 3596 section 2.5).
// Error: invalid_argument for what is no address.
Result<std::string> reverse_name(const std::string& address);

}  // namespace lockstep::acme
