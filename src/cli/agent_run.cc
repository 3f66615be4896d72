// lockstep agent run: keeps every certificate up to date, for ever or (--once) for one round.
#include <mutex>
#include <nlohmann/json.hpp>

#include "agent/metrics.h"
#include "agent/scheduler.h"
#include "base/metric_text.h"
#include "cli/acme_common.h"
#include "cli/cert_common.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/daemon.h"
#include "cli/device_common.h"
#include "device/metrics.h"
#include "http/server.h"

namespace lockstep::cli {

namespace {

struct Options {
  bool once = false;
  std::string listen = "127.0.0.1:9402";
  bool no_listen = false;
  std::string jitter = "60s";
  std::string concurrency;
  std::string timeout;
};

std::vector<agent::CertificateView> views_of(durable::Runtime& runtime, const std::string& root,
                                             const std::vector<agent::Candidate>& candidates) {
  std::vector<agent::CertificateView> views;
  for (const agent::Candidate& candidate : candidates) {
    agent::CertificateView view{.domain = candidate.domain};
    const auto assessment = agent::assess(runtime, root, candidate);
    if (!assessment) {
      view.error = assessment.error().message;
    } else {
      if (assessment->live) view.not_after = assessment->live->leaf.not_after;
      if (assessment->settings) view.renew_at = assessment->plan.renew_at;
      view.due = assessment->plan.due;
      view.error = assessment->state.attempts.last_error;
      if (assessment->state.last_hook) view.hook_succeeded = assessment->state.last_hook->succeeded;
    }
    views.push_back(std::move(view));
  }
  return views;
}

class Agent : private Daemon {
 public:
  Agent(Context& context, const Options& options) : Daemon(context), options_(options) {}

  Result<int> run() {
    constexpr std::int64_t kMostAtOnce = 64;
    // Durations are positive; only here nothing at all is one.
    if (options_.jitter != "0" && options_.jitter != "0s")
      jitter_ = TRY(duration_option(options_.jitter, "--jitter", 1));
    if (!options_.concurrency.empty())
      how_.concurrency =
          static_cast<unsigned>(TRY(positive_number(options_.concurrency, "--concurrency", kMostAtOnce)));
    catch_signals();
    if (options_.once) return round_once();
    std::unique_ptr<http::Server> server;
    if (!options_.no_listen) {
      server = TRY_CONTEXT(
          http::Server::listen(options_.listen, [this](const http::ServerRequest& request) { return answer(request); }),
          "--listen");
      context().notice("metrics and health on port " + std::to_string(server->port()) + " (/metrics, /healthz)");
    }
    notify("READY=1");
    while (!stopped()) {
      const Status done = round();
      // A round that could not even begin (the folder is unreadable) is tried again: the agent does not go away.
      if (!done) context().warn(done.error().message);
      if (sleep_until(done ? next_ : clock().now() + kAfterTrouble)) reload();
    }
    notify("STOPPING=1");
    return 0;
  }

 private:
  static constexpr std::int64_t kAfterTrouble = 60;

  Result<std::unique_ptr<AcmeRun>> make_run() {
    AccountOptions account = context().configuration().account;
    if (!options_.timeout.empty()) account.timeout = options_.timeout;
    auto run = TRY(AcmeRun::make(context(), account));
    how_.observer = run.get();
    return run;
  }

  Result<int> round_once() {
    const auto candidates = TRY(stored_candidates(context(), {}));
    const auto run = TRY(make_run());
    wait_for_jitter();
    // The identity first: with it this machine reaches its owner, who can mend the rest.
    const Status rotated = rotate_device();
    if (!rotated) context().warn("the device's identity: " + rotated.error().message);
    const int status =
        TRY(deliver_reports(context(), agent::renew_all(run->toolbox(), candidates, how_), false, false));
    return rotated ? status : 1;
  }

  // The identity of [device.…], where there is one: everything that is due, and when to look again.
  Status rotate_device() {
    device_next_ = 0;
    if (!context().configuration().device) return {};
    const auto began = clock().monotonic();
    // Also after a failure: its state says when the next try is.
    device_next_ = clock().now() + kAfterTrouble;
    const auto run = TRY(DeviceRun::of_this_machine(context()));
    const auto report = run->rotate({});
    const device::Situation situation = TRY(run->look());
    const UnixSeconds pause = device::pause_end(run->settings().renewal, situation.state, situation.facts.now);
    device_next_ = report ? report->next : std::max(device_next_, pause);
    const double seconds = static_cast<double>((clock().monotonic() - began).count()) / 1000.0;
    const std::lock_guard lock(device_mutex_);
    device_ = device::DeviceView{run->settings().name, situation.state, situation.facts.live, seconds};
    if (report) return {};
    return fail(report.error());
  }

  std::string metrics() {
    std::string text = metrics_.text();
    const std::lock_guard lock(device_mutex_);
    if (device_) text += device::metrics_text(*device_, clock().now());
    return text;
  }

  Status round() {
    const Status rotated = rotate_device();
    if (!rotated)
      context().warn("the device's identity: " + rotated.error().message +
                     (rotated.error().hint.empty() ? "" : " (" + rotated.error().hint + ")"));
    const auto candidates = TRY(stored_candidates(context(), {}));
    // Sessions and listeners live for a round: nothing is held while nothing is done.
    const auto run = TRY(make_run());
    agent::Surroundings& around = run->surroundings();
    const auto began = clock().monotonic();
    const auto reports = agent::renew_all(run->toolbox(), candidates, how_);
    context().show_progress({});
    for (const agent::DomainReport& report : reports) say(report);
    const std::vector<agent::WakeFacts> facts = TRY(agent::read_wake_facts(around.runtime, around.root, candidates));
    const UnixSeconds now = clock().now();
    next_ = agent::next_wake(now, facts);
    if (device_next_ != 0) next_ = std::min(next_, device_next_);
    const double seconds = static_cast<double>((clock().monotonic() - began).count()) / 1000.0;
    metrics_.observe_round(now, next_, seconds, reports, views_of(around.runtime, around.root, candidates));
    context().info("next round at " + format_rfc3339(next_));
    notify("STATUS=" + std::to_string(candidates.size()) + " certificates, next round at " + format_rfc3339(next_));
    return {};
  }

  void say(const agent::DomainReport& report) {
    if (report.status == agent::DomainStatus::failed && report.error)
      context().warn(report.domain + ": " + report.error->message +
                     (report.error->hint.empty() ? "" : " (" + report.error->hint + ")"));
    else if (report.status == agent::DomainStatus::renewed && report.obtained)
      context().notice(report.domain + ": renewed, until " + format_rfc3339(report.obtained->not_after));
    else
      context().info(report.domain + ": " + report.reason);
  }

  // A configuration that cannot be used does not end what was running well without it.
  void reload() {
    notify_reloading();
    if (const Status read = context().load_configuration(); !read)
      context().warn("the configuration stays as it was: " + read.error().message);
    notify("READY=1");
  }

  // Wakes for SIGTERM, SIGHUP and when the wall clock says so, however it came to say so. True for SIGHUP.
  bool sleep_until(UnixSeconds wake) {
    constexpr std::chrono::milliseconds kSlice{500};
    const auto began = clock().monotonic();
    const auto longest = std::chrono::seconds(std::max<std::int64_t>(0, wake - clock().now()));
    while (!stopped()) {
      if (reload_asked()) return true;
      // A clock that was set back must not make the sleep longer than it was meant to be.
      if (clock().now() >= wake || clock().monotonic() - began >= longest) return false;
      clock().sleep_for(kSlice);
    }
    return false;
  }

  // Timers of many machines go off at the same second; their CAs are asked at different ones.
  void wait_for_jitter() {
    const auto seconds = static_cast<std::int64_t>(random_bits(context().environment().random) %
                                                   static_cast<std::uint64_t>(jitter_ + 1));
    static_cast<void>(sleep_until(clock().now() + seconds));  // SIGHUP begins at once
  }

  http::ServerResponse answer(const http::ServerRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") return {.status = 405, .body = "only GET is answered\n"};
    if (request.target == "/metrics") return {.status = 200, .content_type = kMetricContentType, .body = metrics()};
    if (request.target == "/healthz") {
      bool healthy = false;
      std::string body = metrics_.health(clock().now(), &healthy);
      return {.status = healthy ? 200 : 503, .content_type = "application/json", .body = std::move(body)};
    }
    return {.status = 404, .body = "there is /metrics and /healthz\n"};
  }

  const Options& options_;
  agent::RenewalOptions how_;
  std::int64_t jitter_ = 0;  // seconds
  agent::Metrics metrics_;
  UnixSeconds device_next_ = 0;  // 0: there is no identity to look after
  std::mutex device_mutex_;
  std::optional<device::DeviceView> device_;  // read by the server's thread
  UnixSeconds next_ = 0;
};

}  // namespace

void add_agent_run(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "run", "Keep every certificate up to date", "lockstep agent run --once");
  command->add_flag("--once", options->once, "One round, for cron and timers; then the result");
  command->add_option("--listen", options->listen, "Where /metrics and /healthz are answered (default 127.0.0.1:9402)");
  command->add_flag("--no-listen", options->no_listen, "Answer nowhere");
  command->add_option("--jitter", options->jitter, "With --once: begin after a random part of this time (default 60s)");
  command->add_option("--concurrency", options->concurrency, "How many certificates at a time (default 4)");
  add_timeout_option(*command, &options->timeout);
  command->callback(
      [options, action] { *action = [options](Context& context) { return Agent(context, *options).run(); }; });
}

}  // namespace lockstep::cli
