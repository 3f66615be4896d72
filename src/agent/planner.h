// Is a certificate due? A pure function of time, certificate, renewal information and configuration, with its reason.
#pragma once

#include <optional>
#include <string>

#include "agent/renewal_state.h"

namespace lockstep::agent {

struct PlanInput {
  UnixSeconds now = 0;
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
  std::string serial;
  const ChosenMoment* ari = nullptr;  // ignored when it is about another certificate
  std::optional<std::int64_t> renew_before;
};

struct Plan {
  bool due = false;
  bool urgent = false;       // less than seven days left (or a tenth of a short life), or expired: first in line
  UnixSeconds renew_at = 0;  // from when on it is due
  std::string reason;        // "a third of its 90 days is left", "the CA suggests 2026-03-01T12:00:00Z"
};

// The CA's window first (RFC 9773), then --renew-before, then a third of the lifetime, half for ten days or less.
// Nothing keeps a certificate that is urgent from being due.
Plan plan_renewal(const PlanInput& input);

// A uniformly random moment of the window (RFC 9773 section 4.2); the one before is kept while certificate and window
// are the same. `random` are 64 random bits.
ChosenMoment choose_moment(const std::string& serial, UnixSeconds start, UnixSeconds end, std::uint64_t random,
                           const std::optional<ChosenMoment>& before);

}  // namespace lockstep::agent
