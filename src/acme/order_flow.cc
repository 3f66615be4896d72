#include "acme/order_flow.h"

#include <algorithm>

namespace lockstep::acme {

namespace {

std::string name_of(const Authorization& authorization) {
  return (authorization.wildcard ? "*." : "") + authorization.identifier.value;
}

std::unexpected<Error> refused_order(const Order& order) {
  if (!order.error) return fail(ErrorCode::acme_order_lost, "the CA made the order invalid without saying why");
  Error error = problem_error(*order.error, "the CA made the order invalid");
  // The order is over in any case; a proof that failed is the reason that a person can act on.
  if (error.code != ErrorCode::challenge_failed && error.code != ErrorCode::acme_rate_limited)
    error.code = ErrorCode::acme_order_lost;
  return fail(std::move(error));
}

std::unexpected<Error> failed_authorization(const Authorization& authorization) {
  const std::string what = "the CA could not confirm " + name_of(authorization);
  for (const Challenge& challenge : authorization.challenges) {
    if (!challenge.error) continue;
    Error error = problem_error(*challenge.error, what + " by " + challenge.type);
    error.code = ErrorCode::challenge_failed;
    return fail(std::move(error));
  }
  return fail(ErrorCode::challenge_failed, what);
}

// The index of the challenge that we can solve.
Result<std::size_t> choose(const Authorization& authorization, std::string_view type) {
  std::string offered;
  for (std::size_t i = 0; i < authorization.challenges.size(); ++i) {
    if (authorization.challenges[i].type == type && !authorization.challenges[i].token.empty()) return i;
    offered += (offered.empty() ? "" : ", ") + authorization.challenges[i].type;
  }
  const bool wildcard = authorization.wildcard && type != "dns-01";
  return fail(
      ErrorCode::acme_refused,
      "the CA does not offer " + std::string(type) + " for " + name_of(authorization) + ", only: " + offered,
      wildcard ? "a wildcard is confirmed by DNS: use --dns or --dns-update" : "use another way of confirming it");
}

// What is still to be done for one authorization, and in which pass; nothing when it is valid.
struct Pending {
  int pass = 0;
  Step step;
};
Result<std::optional<Pending>> pending_of(const AuthorizationProgress& progress, std::size_t index,
                                          std::string_view type) {
  if (!progress.seen) return std::optional(Pending{0, {StepKind::look, index, 0}});
  const Authorization& authorization = *progress.seen;
  if (authorization.status == "valid") return std::optional<Pending>();
  if (authorization.status == "invalid") return failed_authorization(authorization);
  if (authorization.status != "pending") {
    return fail(ErrorCode::acme_order_lost,
                "the authorization of " + name_of(authorization) + " is " + authorization.status);
  }
  const std::size_t chosen = TRY(choose(authorization, type));
  const std::string& status = authorization.challenges[chosen].status;
  if (status == "invalid") return failed_authorization(authorization);
  const bool looked_at = status == "processing" || status == "valid";
  if (!progress.presented) return std::optional(Pending{1, {StepKind::present, index, chosen}});
  if (!progress.responded && !looked_at) return std::optional(Pending{2, {StepKind::respond, index, chosen}});
  return std::optional(Pending{3, {StepKind::wait, index, chosen}});
}

}  // namespace

Result<Step> next_step(const OrderProgress& progress, std::string_view challenge_type) {
  switch (progress.order.status) {
    case OrderStatus::invalid: return refused_order(progress.order);
    case OrderStatus::valid: return Step{StepKind::download};
    case OrderStatus::processing: return Step{StepKind::poll};
    case OrderStatus::ready: return Step{StepKind::finalize};
    case OrderStatus::pending: break;
  }
  std::optional<Pending> first;
  for (std::size_t i = 0; i < progress.authorizations.size(); ++i) {
    const std::optional<Pending> pending = TRY(pending_of(progress.authorizations[i], i, challenge_type));
    if (pending && (!first || pending->pass < first->pass)) first = pending;
  }
  return first ? first->step : Step{StepKind::poll};
}

}  // namespace lockstep::acme
