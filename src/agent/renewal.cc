#include "agent/renewal.h"

#include <algorithm>
#include <numeric>

#include "agent/parallel.h"

namespace lockstep::agent {

namespace {

constexpr std::int64_t kLongestWait = 300;  // seconds that a CA may ask a run to wait
constexpr std::int64_t kDay = 86400;

class DomainRun {
 public:
  DomainRun(Toolbox& toolbox, const Candidate& candidate, const RenewalOptions& options)
      : toolbox_(toolbox), around_(toolbox.surroundings()), candidate_(candidate), options_(options) {
    report_.domain = candidate.domain;
  }

  DomainReport run(const Result<Assessment>& assessed) {
    Status done = fail(ErrorCode::timed_out, "stopped before its turn", "the next run looks at it");
    if (around_.stop == nullptr || !around_.stop->load())
      done = assessed ? bring_up_to_date(*assessed) : Status(fail(assessed.error()));
    if (!done) {
      report_.status = DomainStatus::failed;
      report_.error = done.error();
    }
    return report_;
  }

 private:
  Status bring_up_to_date(const Assessment& assessment) {
    const bool order = assessment.plan.due || options_.force || (assessment.unfinished_order && !options_.dry_run);
    report_.reason =
        order ? (options_.force && !assessment.plan.due ? "asked for" : assessment.plan.reason) : assessment.why_not;
    if (!order && !assessment.deploy_pending) return remember_settings(assessment);
    if (!assessment.settings) {
      if (!order) return {};
      // Somebody else brings imported certificates; that one is due is theirs to know, and nothing that fails here.
      report_.reason = "imported: how it is renewed is not known (" + assessment.plan.reason + ")";
      return {};
    }
    settings_ = *assessment.settings;
    facts_ = {.root = around_.root, .domain = candidate_.domain, .names = settings_.names};
    if (!order) return repeat_deploy(assessment);
    if (const UnixSeconds not_before = assessment.state.attempts.not_before;
        not_before > now() && not_before - now() <= kDay && !options_.force && !candidate_.wanted &&
        !options_.dry_run) {
      report_.reason = "due, but not tried again before " + format_rfc3339(not_before) + " (" +
                       assessment.state.attempts.last_error + ")";
      return fail(ErrorCode::acme_rate_limited, report_.reason, "--force tries at once");
    }
    return renew(assessment);
  }

  // Nothing is due, but hooks, options and the like are what they were told to be from now on.
  Status remember_settings(const Assessment& assessment) {
    if (!candidate_.wanted || options_.dry_run || assessment.state.settings == candidate_.wanted) return {};
    return change_state([&](RenewalState* state) { state->settings = candidate_.wanted; });
  }

  Result<std::optional<HookOutcome>> run(HookKind kind) {
    const HookTools hooks{around_.runtime.files, around_.programs, around_.runtime.clock};
    const auto programs = TRY(hook_programs(hooks.files, around_.root, kind, settings_.hooks));
    if (!programs.empty()) say("running the " + std::string(hook_name(kind)) + " hook");
    return run_hooks(hooks, kind, settings_.hooks, facts_);
  }

  Status renew(const Assessment& assessment) {
    if (!options_.dry_run) {
      const auto pre = TRY(run(HookKind::pre));
      if (pre && !pre->succeeded) return hook_error("pre", *pre);
    }
    Status renewed = order_and_deploy(assessment);
    if (options_.dry_run) return renewed;
    if (!renewed) {
      facts_.error = renewed.error().message;
      // Whatever becomes of the hooks, what is reported is why there is no certificate.
      for (const auto& [kind, name] : {std::pair(HookKind::failure, "failure"), std::pair(HookKind::post, "post")}) {
        const auto outcome = run(kind);
        const std::string not_run = std::string("the ") + name + " hook ";
        if (!outcome) say(not_run + "could not be run: " + outcome.error().message);
        if (outcome && *outcome && !(*outcome)->succeeded)
          say(not_run + "did not succeed: " + (*outcome)->program + " " + (*outcome)->result);
      }
      return renewed;
    }
    const auto post = run(HookKind::post);
    if (!post) return fail(committed("the certificate is live, but its post hook could not be run", post.error()));
    if (*post && !(*post)->succeeded) return hook_error("post", **post);
    return renewed;
  }

  Status order_and_deploy(const Assessment& assessment) {
    auto obtained = obtain_with_tries(assessment);
    if (!obtained) {
      const Status remembered = options_.dry_run ? Status() : remember_failure(obtained.error());
      if (!remembered) say("the failure could not be noted: " + remembered.error().message);
      return fail(std::move(obtained).error());
    }
    if (obtained->by_another) {
      report_.reason = "another run has just brought it";
      return {};
    }
    report_.obtained = *obtained;
    report_.status = DomainStatus::renewed;
    if (options_.dry_run) return {};
    facts_.old_serial = obtained->old_serial;
    facts_.new_serial = obtained->serial;
    facts_.generation = obtained->generation;
    Status deployed = deploy();
    if (deployed || deployed.error().code == ErrorCode::hook_failed) return deployed;
    return fail(committed("the certificate is live, but what became of its hook could not be noted", deployed.error()));
  }

  Result<Obtained> obtain_with_tries(const Assessment& assessment) {
    for (int attempt = 1;; ++attempt) {
      auto obtained = obtain_once(assessment);
      if (obtained || attempt >= options_.tries || !is_transient(obtained.error())) return obtained;
      std::chrono::milliseconds wait = back_off(attempt, random_bits(around_.runtime.random));
      if (const std::int64_t asked = obtained.error().retry_after; asked > 0) {
        if (asked > kLongestWait) return obtained;
        wait = std::chrono::seconds(asked);
      } else if (obtained.error().code == ErrorCode::acme_rate_limited) {
        return obtained;  // until when nobody said: another try now would only count against us
      }
      say(obtained.error().message + "; trying again in " + std::to_string(wait.count() / 1000) + " s");
      if (!sleep(wait)) return obtained;
    }
  }

  Result<Obtained> obtain_once(const Assessment& assessment) {
    ObtainTools tools = TRY(toolbox_.tools(settings_));
    ObtainOptions options{.force = options_.force, .dry_run = options_.dry_run, .group = {}, .committed = {}};
    if (!settings_.group.empty()) options.group = TRY(around_.find_group(settings_.group));
    if (!assessment.exists || (assessment.settings != assessment.state.settings)) options.force = true;
    options.still_wanted = [this, &assessment]() -> Result<bool> {
      const Assessment again = TRY(assess(around_.runtime, around_.root, candidate_));
      const auto serial = [](const Assessment& one) { return one.live ? one.live->leaf.serial : std::string(); };
      return serial(again) == serial(assessment) || again.plan.due;
    };
    options.committed = [this](const Obtained& result) {
      return change_state([&](RenewalState* state) {
        state->settings = settings_;
        state->deploy = PendingDeploy{result.generation, result.old_serial, result.serial};
        state->ari.reset();
        state->attempts = {.total = state->attempts.total + 1, .last = now()};
      });
    };
    return obtain(tools, settings_, options);
  }

  Status remember_failure(const Error& error) {
    return change_state([&](RenewalState* state) {
      if (!state->settings) state->settings = settings_;
      Attempts& attempts = state->attempts;
      ++attempts.total;
      ++attempts.failed_in_a_row;
      attempts.last = now();
      attempts.last_error = error.message;
      attempts.last_error_code = error_code_name(error.code);
      if (error.retry_after > 0) attempts.not_before = now() + std::min(error.retry_after, kDay);
    });
  }

  Status repeat_deploy(const Assessment& assessment) {
    report_.hook_repeated = true;
    report_.reason = "repeating the deploy hook of an earlier run";
    facts_.old_serial = assessment.state.deploy->old_serial;
    facts_.new_serial = assessment.state.deploy->new_serial;
    facts_.generation = assessment.state.deploy->generation;
    return options_.dry_run ? Status() : deploy();
  }

  Status deploy() {
    const auto outcome = TRY(run(HookKind::deploy));
    if (!outcome || outcome->succeeded) {
      return change_state([&](RenewalState* state) {
        // Another run may have installed another certificate meanwhile, whose hook is its own to run.
        if (state->deploy && state->deploy->generation == facts_.generation) state->deploy.reset();
        if (outcome) state->last_hook = *outcome;
      });
    }
    TRY(change_state([&](RenewalState* state) { state->last_hook = *outcome; }));
    if (settings_.hooks.rollback_on_deploy_failure && !facts_.old_serial.empty()) return roll_back(*outcome);
    return hook_error("deploy", *outcome);
  }

  Status roll_back(const HookOutcome& failed) {
    const durable::Generation generation =
        TRY(certstore::roll_back(around_.runtime, around_.root, candidate_.domain, {}));
    report_.rolled_back = true;
    facts_.generation = generation;
    std::swap(facts_.old_serial, facts_.new_serial);
    const auto again = TRY(run(HookKind::deploy));
    TRY(change_state([&](RenewalState* state) {
      state->deploy.reset();
      ++state->attempts.failed_in_a_row;
      state->attempts.last_error = "the deploy hook failed: " + failed.program + " " + failed.result;
      state->attempts.last_error_code = error_code_name(ErrorCode::hook_failed);
      // Not at every run of a timer: the next certificate would meet the same hook.
      state->attempts.not_before = now() + kDay;
      if (again) state->last_hook = *again;
    }));
    Status error = hook_error("deploy", failed);
    error.error().message += again && again->succeeded
                                 ? "; the certificate before is served again"
                                 : "; the certificate before is live again, and the hook failed for it too";
    return error;
  }

  Status hook_error(const std::string& kind, const HookOutcome& outcome) {
    std::string message = "the " + kind + " hook '" + outcome.program + "' " + outcome.result;
    std::string tail = outcome.output;
    while (!tail.empty() && tail.back() == '\n') tail.pop_back();
    if (const std::size_t line = tail.rfind('\n'); line != std::string::npos) tail.erase(0, line + 1);
    if (!tail.empty()) message += ": " + tail;
    return fail(ErrorCode::hook_failed, message,
                kind == "deploy" ? "the certificate is live; the next run repeats the hook without another order" : "");
  }

  Status change_state(const std::function<void(RenewalState*)>& change) {
    RenewalState state = TRY(load_state(around_.runtime.files, around_.root, candidate_.domain));
    change(&state);
    return save_state(around_.runtime, around_.root, candidate_.domain, state);
  }

  // False when the run is to stop.
  bool sleep(std::chrono::milliseconds length) {
    constexpr std::chrono::milliseconds kSlice{250};
    Clock& clock = around_.runtime.clock;
    const auto until = clock.monotonic() + length;
    while (clock.monotonic() < until) {
      if (around_.stop != nullptr && around_.stop->load()) return false;
      clock.sleep_for(std::min(kSlice, until - clock.monotonic()));
    }
    return true;
  }

  void say(const std::string& what) { around_.say(candidate_.domain, what); }
  UnixSeconds now() { return around_.runtime.clock.now(); }

  Toolbox& toolbox_;
  Surroundings& around_;
  const Candidate& candidate_;
  const RenewalOptions& options_;
  CertificateSettings settings_;
  HookFacts facts_;
  DomainReport report_;
};

}  // namespace

bool is_transient(const Error& error) {
  switch (error.code) {
    case ErrorCode::network:
    case ErrorCode::timed_out:
    case ErrorCode::acme_unavailable:
    case ErrorCode::acme_rate_limited: return true;
    default: return false;
  }
}

std::chrono::milliseconds back_off(int attempt, std::uint64_t random) {
  constexpr std::int64_t kFirst = 5'000;
  constexpr std::int64_t kMost = 300'000;
  constexpr int kDoublings = 6;
  const std::int64_t base = std::min(kMost, kFirst << std::clamp(attempt - 1, 0, kDoublings));
  return std::chrono::milliseconds(base + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(base / 2)));
}

std::vector<DomainReport> renew_all(Toolbox& toolbox, const std::vector<Candidate>& candidates,
                                    const RenewalOptions& options) {
  std::vector<std::size_t> all(candidates.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<Result<Assessment>> assessed(candidates.size(), Result<Assessment>(Assessment{}));
  Surroundings& around = toolbox.surroundings();
  if (options.observer != nullptr) options.observer->begun(candidates.size());
  // The disk is asked by many at once, because reading what no cache holds is waiting; the network by as few as were
  // asked for. A thread costs more than a few folders.
  constexpr std::size_t kFew = 64;
  constexpr unsigned kReaders = 16;
  in_parallel(all, candidates.size() > kFew ? std::max(kReaders, options.concurrency) : options.concurrency,
              [&](std::size_t i) { assessed[i] = assess(around.runtime, around.root, candidates[i]); });
  in_parallel(all, options.concurrency, [&](std::size_t i) {
    if (!assessed[i] || options.force) return;
    const Status asked = refresh_renewal_info(toolbox, &*assessed[i], candidates[i].domain);
    // A CA that does not answer leaves the plan as the dates alone give it.
    if (!asked) around.say(candidates[i].domain, "no renewal information: " + asked.error().message);
  });
  std::vector<std::size_t> order = all;
  const auto rank = [&](std::size_t i) { return assessed[i] && assessed[i]->plan.urgent ? 0 : 1; };
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(rank(i), i); });
  std::vector<DomainReport> reports(candidates.size());
  in_parallel(order, options.concurrency, [&](std::size_t i) {
    if (options.observer != nullptr) options.observer->started(candidates[i].domain);
    reports[i] = DomainRun(toolbox, candidates[i], options).run(assessed[i]);
    if (options.observer != nullptr) options.observer->finished(reports[i]);
  });
  return reports;
}

}  // namespace lockstep::agent
