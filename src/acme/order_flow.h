// What is to be done next with an order (RFC 8555 section 7.1.6): a pure function of what the server said last and of
// what was done already. Whoever carries the steps out keeps nothing else in mind, so an order goes on wherever a crash
// left it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "acme/objects.h"

namespace lockstep::acme {

struct AuthorizationProgress {
  std::optional<Authorization> seen;  // as the server showed it last
  bool presented = false;             // the proof is in its place
  bool responded = false;             // the server was told to look
};

struct OrderProgress {
  Order order;
  std::vector<AuthorizationProgress> authorizations;  // in the order of order.authorizations
};

enum class StepKind {
  look,      // fetch the authorization `index`
  present,   // put the proof for `index` in its place
  respond,   // tell the server to look at `index`
  wait,      // for the authorization `index`: fetch it again, later
  finalize,  // send the request
  poll,      // fetch the order again, later
  download,  // the certificate is there
};

struct Step {
  StepKind kind = StepKind::look;
  std::size_t index = 0;
  std::size_t challenge = 0;  // of the authorization, for present and respond
};

// All proofs are in place before the first is looked at: names that share a DNS record do not wait for each other's
// caches. Errors: challenge_failed (the server looked and did not find the proof; its words), acme_refused (it does not
// offer the challenge), acme_order_lost (the order or an authorization is over).
Result<Step> next_step(const OrderProgress& progress, std::string_view challenge_type);

}  // namespace lockstep::acme
