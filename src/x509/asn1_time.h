// Validity times in DER (RFC 5280 4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050 on.
#pragma once

#include <string>

#include "base/clock.h"
#include "crypto/der.h"

namespace lockstep::x509 {

// The whole element.
std::string encode_time(UnixSeconds time);
// Either form, with seconds and in UTC. Error: parse_error.
Result<UnixSeconds> decode_time(const der::Element& element);

}  // namespace lockstep::x509
