// Chain verification (RFC 5280 section 6) by OpenSSL, with the time handed in.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "x509/certificate.h"

namespace lockstep::x509 {

// A verdict is a value: `trusted`, or why not.
struct ChainVerdict {
  bool trusted = false;
  std::string reason;  // OpenSSL's text with the subject it is about; empty when trusted
};

// Does a path lead from the leaf through the intermediates to one of the anchors, valid at `time`?
Result<ChainVerdict> verify_chain(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                                  const std::vector<Certificate>& anchors, UnixSeconds time);

}  // namespace lockstep::x509
