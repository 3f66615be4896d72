// From results of checks to what is said of a server: pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "service/status.h"

namespace lockstep::service {

struct CheckResult {
  std::string error;  // empty: it answered as it should
  std::chrono::milliseconds latency{};
  std::optional<SeenCertificate> certificate;  // that was shown, also where the check failed later
};

struct StateChange {
  bool status = false;       // the state, or whether it is online
  bool certificate = false;  // another one was shown, or the verdict about it is another
};

// Takes one result in. Whether a server is online changes only with the configured count of equal results in a row; a
// server of which nothing is known yet stays unknown until one of the two counts is reached.
StateChange observe(ServerStatus& status, const CheckResult& result, UnixSeconds now);

// The state that follows from what is known. A certificate is worst when it has expired, then when nobody trusts it,
// then when it is for another name.
ServerState judge(const ServerStatus& status, UnixSeconds now);

// True when a certificate is to be replaced soon: so many days before its end, or in the last third of a life that is
// no longer than that.
bool ends_soon(UnixSeconds not_before, UnixSeconds not_after, int warning_days, UnixSeconds now);

// True for two endpoints that are checked alike, so that what was found of one still holds for the other.
bool same_target(const Endpoint& one, const Endpoint& other);

}  // namespace lockstep::service
