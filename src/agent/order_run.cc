#include "agent/order_run.h"

#include <algorithm>

namespace lockstep::agent {

namespace {

using std::chrono::milliseconds;

// How long an order may take, its CA's checks included. Later runs go on with it.
constexpr milliseconds kLongest{600'000};
// Without a word from the CA: quickly at first, for a CA next door, then as a guest behaves.
constexpr milliseconds kFirstPause{25};
constexpr milliseconds kLongestPause{5'000};
constexpr std::int64_t kLongestAskedPause = 120;  // seconds
constexpr milliseconds kSlice{250};               // between two looks at the stop flag

acme::ChallengeTask task_of(const acme::Authorization& authorization, const acme::Challenge& challenge,
                            std::string key_authorization) {
  return {.type = authorization.identifier.type,
          .identifier = authorization.identifier.value,
          .token = challenge.token,
          .key_authorization = std::move(key_authorization)};
}

bool is_same(const acme::ChallengeTask& a, const acme::ChallengeTask& b) {
  return a.identifier == b.identifier && a.token == b.token && a.key_authorization == b.key_authorization;
}

}  // namespace

Result<acme::DownloadedChain> OrderRun::drive(std::optional<acme::Order> order, const std::string& request_der,
                                              const std::string& preferred_chain,
                                              const std::function<Status()>& before_finalizing) {
  deadline_ = tools_.runtime.clock.monotonic() + kLongest;
  if (order)
    progress_.order = std::move(*order);
  else
    TRY(fetch_order());
  progress_.authorizations.resize(progress_.order.authorizations.size());
  while (true) {
    if (tools_.stop != nullptr && tools_.stop->load())
      return fail(ErrorCode::timed_out, "stopped; the next run goes on with the order");
    const acme::Step step = TRY(acme::next_step(progress_, tools_.solver.challenge_type()));
    if (step.kind == acme::StepKind::download) break;
    const bool waited = TRY(carry_out(step, request_der, before_finalizing));
    if (!waited) looks_ = 0;
  }
  tools_.say(domain_, "downloading the certificate");
  return acme::download_certificate(tools_.session, signer_of(account_), progress_.order.certificate, preferred_chain);
}

// True when the step was to look again after a pause.
Result<bool> OrderRun::carry_out(const acme::Step& step, const std::string& request_der,
                                 const std::function<Status()>& before_finalizing) {
  switch (step.kind) {
    case acme::StepKind::look: TRY(look(step.index)); return false;
    case acme::StepKind::present: TRY(present(step)); return false;
    case acme::StepKind::respond: {
      TRY(respond(step));
      return false;
    }
    case acme::StepKind::wait:
      if (looks_ == 0)
        tools_.say(domain_,
                   "waiting for the CA to check " + progress_.authorizations[step.index].seen->identifier.value);
      TRY(pause());
      TRY(look(step.index));
      return progress_.authorizations[step.index].seen->status == "pending";
    case acme::StepKind::finalize: TRY(finalize(request_der, before_finalizing)); return false;
    case acme::StepKind::poll: {
      const acme::OrderStatus before = progress_.order.status;
      // The last authorization became valid a moment ago: the order follows at once.
      if (before != acme::OrderStatus::pending || looks_ > 0) {
        if (looks_ == 0) tools_.say(domain_, "waiting for the CA to issue");
        TRY(pause());
      }
      TRY(fetch_order());
      ++looks_;
      return progress_.order.status == before;
    }
    case acme::StepKind::download: break;
  }
  return false;
}

Status OrderRun::present(const acme::Step& step) {
  acme::AuthorizationProgress& one = progress_.authorizations[step.index];
  const acme::Challenge& challenge = one.seen->challenges[step.challenge];
  std::string key_authorization = TRY(acme::key_authorization(challenge.token, account_.key));
  const acme::ChallengeTask task = task_of(*one.seen, challenge, std::move(key_authorization));
  tools_.say(domain_, "proving control of " + task.identifier + " by " + challenge.type);
  const bool known = std::any_of(journal_.presented.begin(), journal_.presented.end(),
                                 [&](const acme::ChallengeTask& other) { return is_same(task, other); });
  if (!known) {
    // Written down before it is there: a crash between the two leaves nothing that nobody knows of.
    journal_.presented.push_back(task);
    TRY(note());
  }
  TRY(tools_.solver.present(task));
  one.presented = true;
  return {};
}

Status OrderRun::respond(const acme::Step& step) {
  acme::AuthorizationProgress& one = progress_.authorizations[step.index];
  const std::string url = one.seen->challenges[step.challenge].url;
  const Status responded = acme::respond_to_challenge(tools_.session, signer_of(account_), url);
  one.responded = true;
  if (responded || responded.error().code != ErrorCode::acme_refused) return responded;
  // Answered before, by a run that did not hear so: the authorization itself says what became of it.
  TRY(look(step.index));
  // Servers show fewer challenges of an authorization that is decided.
  const bool still_open = std::any_of(
      one.seen->challenges.begin(), one.seen->challenges.end(),
      [&](const acme::Challenge& challenge) { return challenge.url == url && challenge.status == "pending"; });
  return one.seen->status == "pending" && still_open ? responded : Status();
}

Status OrderRun::finalize(const std::string& request_der, const std::function<Status()>& before_finalizing) {
  TRY(before_finalizing());
  if (!journal_.finalizing) {
    journal_.finalizing = true;
    TRY(note());
  }
  tools_.say(domain_, "sending the request");
  auto order = acme::finalize_order(tools_.session, signer_of(account_), progress_.order.finalize, request_der);
  if (!order && order.error().code == ErrorCode::acme_refused) {
    // Sent before, by a run that did not hear the answer: the order itself says what became of it.
    TRY(fetch_order());
    if (progress_.order.status == acme::OrderStatus::valid || progress_.order.status == acme::OrderStatus::processing)
      return {};
  }
  if (!order) return fail(std::move(order).error());
  progress_.order.status = order->status;
  progress_.order.certificate = order->certificate;
  progress_.order.error = order->error;
  return {};
}

Status OrderRun::look(std::size_t index) {
  auto seen =
      TRY(acme::fetch_authorization(tools_.session, signer_of(account_), progress_.order.authorizations[index]));
  progress_.authorizations[index].seen = std::move(seen.value);
  retry_after_ = seen.retry_after;
  return {};
}

Status OrderRun::fetch_order() {
  auto order = TRY(acme::fetch_order(tools_.session, signer_of(account_), journal_.order_url));
  progress_.order = std::move(order.value);
  retry_after_ = order.retry_after;
  return {};
}

Status OrderRun::pause() {
  milliseconds length = std::min(kLongestPause, kFirstPause * (1 << std::min(looks_, 8)));
  // "At once" is no wish to be asked as fast as it goes.
  if (retry_after_ && *retry_after_ > 0) length = std::chrono::seconds(std::min(*retry_after_, kLongestAskedPause));
  retry_after_.reset();
  ++looks_;
  Clock& clock = tools_.runtime.clock;
  const milliseconds until = clock.monotonic() + length;
  if (until > deadline_)
    return fail(ErrorCode::timed_out, "the CA has not decided within ten minutes",
                "the next run goes on with the order");
  while (clock.monotonic() < until) {
    if (tools_.stop != nullptr && tools_.stop->load())
      return fail(ErrorCode::timed_out, "stopped; the next run goes on with the order");
    clock.sleep_for(std::min(kSlice, until - clock.monotonic()));
  }
  return {};
}

Status OrderRun::note() { return durable_ ? save_journal(tools_.runtime, tools_.root, domain_, journal_) : Status(); }

Status OrderRun::clean_up() {
  if (journal_.presented.empty()) return {};
  for (const acme::ChallengeTask& task : journal_.presented) TRY(tools_.solver.clean_up(task));
  // The journal goes on naming them until it goes itself: taking a proof away twice harms nothing.
  journal_.presented.clear();
  return {};
}

}  // namespace lockstep::agent
