#include "service/watch_list.h"

#include <algorithm>
#include <unordered_set>

#include "base/metric_text.h"

namespace lockstep::service {

namespace {

using std::chrono::milliseconds;

// First checks are spread over less than kFirstCheck, so that the last of them is in time on a busy machine too.
constexpr milliseconds kFirstSpread{4'000};
// A server of which nothing is known is looked at this often until something is.
constexpr milliseconds kSettling{5'000};
constexpr milliseconds kAfterOwnFailure{2'000};

milliseconds interval_of(const Endpoint& endpoint) {
  return std::chrono::seconds(std::max<std::int64_t>(1, endpoint.check_interval_seconds));
}

http::ProbeKind kind_of(const Endpoint& endpoint) {
  if (endpoint.protocol == "tcp") return http::ProbeKind::tcp;
  return endpoint.protocol == "https" ? http::ProbeKind::https : http::ProbeKind::tls;
}

}  // namespace

WatchList::WatchList(const MonitorOptions& options, double offset)
    : options_(options), schedule_(kFirstSpread, offset), judge_(options.system_roots, options.read_bundle) {}

http::ProbeTarget WatchList::target_of(const Endpoint& endpoint) const {
  return {.kind = kind_of(endpoint),
          .host = endpoint.ip.empty() ? endpoint.dns_address : endpoint.ip,
          .port = endpoint.port,
          .server_name = endpoint.server_name.empty() ? endpoint.dns_address : endpoint.server_name,
          // A check that is slower than its interval would only delay the next.
          .deadline = std::min(options_.deadline, interval_of(endpoint))};
}

std::vector<std::string> WatchList::apply(std::vector<Endpoint> endpoints, const Moment& now) {
  std::vector<std::string> stopped;
  std::unordered_set<std::string> wanted;
  order_.clear();
  for (Endpoint& endpoint : endpoints) {
    const std::string id = endpoint.id;
    if (!wanted.insert(id).second) continue;
    order_.push_back(id);
    const auto [found, is_new] = watched_.try_emplace(id);
    if (is_new) {
      schedule_.add(id, interval_of(endpoint), now.monotonic);
      found->second.status.endpoint = std::move(endpoint);
    } else if (found->second.status.endpoint != endpoint) {
      change(found->second, std::move(endpoint), now, &stopped);
    }
  }
  for (auto one = watched_.begin(); one != watched_.end();) {
    if (wanted.contains(one->first)) {
      ++one;
      continue;
    }
    stopped.push_back(one->first);
    schedule_.remove(one->first);
    judge_.forget(one->first);
    if (one->second.running) --running_;
    one = watched_.erase(one);
  }
  return stopped;
}

void WatchList::change(Watched& watched, Endpoint&& endpoint, const Moment& now, std::vector<std::string>* stopped) {
  ServerStatus& status = watched.status;
  const Endpoint before = std::exchange(status.endpoint, std::move(endpoint));
  const Endpoint& after = status.endpoint;
  const bool anew = !same_target(before, after);
  if (anew) {
    // What was found was found of another.
    if (watched.running) --running_;
    watched = {.status = {.endpoint = after}};
    judge_.forget(after.id);
    stopped->push_back(after.id);
  } else {
    // A warning may begin earlier or later now; whoever made the change shows the status anew.
    status.state = judge(status, now.wall);
  }
  if (anew || before.check_interval_seconds != after.check_interval_seconds || before.ca_bundle != after.ca_bundle)
    schedule_.add(after.id, interval_of(after), now.monotonic);
}

std::optional<WatchList::Start> WatchList::start_next(const Moment& now) {
  while (running_ < options_.concurrent) {
    const auto due = schedule_.take(now.monotonic);
    if (!due) return std::nullopt;
    Watched& watched = watched_.at(due->id);
    if (watched.running) {
      watched.due_again = true;
      metrics_.count_skipped();
      continue;
    }
    metrics_.observe_lateness(due->lateness);
    watched.running = true;
    watched.run = ++runs_;
    ++running_;
    return Start{.id = due->id, .run = watched.run, .target = target_of(watched.status.endpoint)};
  }
  return std::nullopt;
}

std::optional<milliseconds> WatchList::next() const {
  return running_ < options_.concurrent ? schedule_.next() : std::nullopt;
}

std::optional<WatchList::Told> WatchList::finish(const std::string& id, std::uint64_t run,
                                                 const http::ProbeResult& result, const Moment& now) {
  const auto found = watched_.find(id);
  if (found == watched_.end() || !found->second.running || found->second.run != run) return std::nullopt;
  Watched& watched = found->second;
  watched.running = false;
  --running_;
  if (std::exchange(watched.due_again, false)) schedule_.bring_forward(id, now.monotonic);
  if (result.ours) {
    metrics_.count_own_failure();
    schedule_.bring_forward(id, now.monotonic + kAfterOwnFailure);
    return std::nullopt;
  }
  metrics_.count_check(result.succeeded());
  Told told;
  ServerStatus& status = watched.status;
  told.change = observe(status,
                        {.error = result.error,
                         .latency = result.latency,
                         .certificate = judge_.judge(status.endpoint, result.peer_chain, result.tls_version, now.wall)},
                        now.wall);
  if (told.change.status) metrics_.count_change();
  if (status.state == ServerState::unknown) schedule_.bring_forward(id, now.monotonic + kSettling);
  told.status = status;
  return told;
}

std::vector<ServerStatus> WatchList::statuses() const {
  std::vector<ServerStatus> all;
  all.reserve(order_.size());
  for (const std::string& id : order_) all.push_back(watched_.at(id).status);
  return all;
}

std::optional<ServerStatus> WatchList::status(const std::string& id) const {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return std::nullopt;
  return found->second.status;
}

MonitorSummary WatchList::summary() const {
  MonitorSummary summary{.total = watched_.size()};
  for (const auto& [id, watched] : watched_) {
    const ServerState state = watched.status.state;
    if (watched.status.online) ++summary.online;
    if (state == ServerState::offline) ++summary.offline;
    if (state == ServerState::expiring || state == ServerState::expired) ++summary.expiring;
  }
  return summary;
}

std::string WatchList::metrics() const {
  std::string text;
  metrics_.append_to(&text);
  MetricFamily states{"lockstep_service_servers", "gauge", "Servers that are watched, by state.", {}};
  MetricFamily online{"lockstep_service_server_online", "gauge", "Whether the server answers.", {}};
  MetricFamily expiry{"lockstep_service_server_certificate_expiry_timestamp_seconds",
                      "gauge",
                      "When the certificate that the server shows ends.",
                      {}};
  for (const auto& [id, watched] : watched_) {
    const ServerStatus& status = watched.status;
    const std::string labels = metric_labels({{"id", id}, {"name", status.endpoint.name}});
    states.samples[metric_labels({{"state", state_name(status.state)}})] += 1;
    online.samples[labels] = status.online ? 1 : 0;
    if (status.certificate) expiry.samples[labels] = static_cast<double>(status.certificate->not_after);
  }
  const MetricFamily running{
      "lockstep_service_checks_running", "gauge", "Checks that are under way.", {{"", static_cast<double>(running_)}}};
  const MetricFamily verified{"lockstep_service_chain_verifications_total",
                              "counter",
                              "Chains that were verified.",
                              {{"", static_cast<double>(judge_.verifications())}}};
  for (const auto& family : {running, verified, states, online, expiry}) append_metric(family, &text);
  return text;
}

}  // namespace lockstep::service
