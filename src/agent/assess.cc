// Is this certificate due? What the disk says of it, and what the CA suggests.
#include <algorithm>

#include "agent/renewal.h"
#include "durable/atomic_file.h"

namespace lockstep::agent {

namespace {

bool covers_all(const x509::Certificate& certificate, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return x509::covers_name(certificate, name); });
}

// What was asked for now differs from what there is in a way that only another certificate can mend.
std::optional<std::string> outdated(const certstore::InstalledLeaf& live, const CertificateSettings& settings,
                                    const std::optional<CertificateSettings>& before) {
  if (!covers_all(live.leaf, settings.names)) return "the names changed";
  if (!before) return {};
  if (before->names != settings.names) return "the names changed";
  if (before->server != settings.server) return "the CA changed";
  if (before->key_type != settings.key_type) return "the key type changed";
  if (before->profile != settings.profile) return "the profile changed";
  return {};
}

}  // namespace

Result<Assessment> assess(durable::Runtime& runtime, const std::string& root, const Candidate& candidate) {
  Assessment result;
  result.state = TRY(load_state(runtime.files, root, candidate.domain));
  result.settings = candidate.wanted ? candidate.wanted : result.state.settings;
  result.unfinished_order = TRY(has_unfinished_order(runtime.files, root, candidate.domain));
  auto live = certstore::load_leaf(runtime, root, candidate.domain);
  if (!live && live.error().code != ErrorCode::not_found) return fail(std::move(live).error());
  result.exists = live.has_value();
  if (!live) {
    result.plan = {.due = true, .urgent = true, .renew_at = 0, .reason = "there is none yet"};
    return result;
  }
  result.deploy_pending = result.state.deploy && result.state.deploy->generation == live->generation;
  result.plan = plan_renewal({.now = runtime.clock.now(),
                              .not_before = live->leaf.not_before,
                              .not_after = live->leaf.not_after,
                              .serial = live->leaf.serial,
                              .ari = result.state.ari ? &*result.state.ari : nullptr,
                              .renew_before = result.settings ? result.settings->renew_before : std::nullopt});
  if (candidate.wanted) {
    if (const auto why = outdated(*live, *candidate.wanted, result.state.settings)) {
      result.plan.due = true;
      result.plan.reason = *why;
    }
  }
  if (!result.plan.due)
    result.why_not = "not due before " + format_rfc3339(result.plan.renew_at) + ": " + result.plan.reason;
  result.live = std::move(*live);
  return result;
}

Status refresh_renewal_info(Toolbox& toolbox, Assessment* assessment, const std::string& domain) {
  if (!assessment->live || !assessment->settings || assessment->plan.due) return {};
  durable::Runtime& runtime = toolbox.surroundings().runtime;
  const x509::Certificate& leaf = assessment->live->leaf;
  const UnixSeconds now = runtime.clock.now();
  const std::optional<ChosenMoment>& before = assessment->state.ari;
  // A clock that jumped back must not keep us from asking for longer than the server may want: a day.
  constexpr std::int64_t kDay = 86400;
  const bool known = before && before->serial == leaf.serial;
  if (known && now < before->ask_again && before->ask_again - now <= kDay) return {};
  const CertificateSettings& settings = *assessment->settings;
  Authority* authority = TRY(toolbox.authority(settings.server, settings.ca_bundle, settings.insecure_http));
  if (authority->silent->load()) return {};
  auto asked = acme::fetch_renewal_info(*authority->session, leaf);
  if (!asked) {
    if (is_transient(asked.error())) authority->silent->store(true);
    return fail(std::move(asked).error());
  }
  const std::optional<acme::RenewalAnswer> answer = std::move(*asked);
  if (!answer) return {};
  ChosenMoment chosen;
  if (answer->info) {
    chosen = choose_moment(leaf.serial, answer->info->start, answer->info->end, random_bits(runtime.random), before);
    chosen.explanation_url = answer->info->explanation_url;
  }
  chosen.ask_again = now + answer->retry_after;
  RenewalState state = TRY(load_state(runtime.files, toolbox.surroundings().root, domain));
  // Without a window it is still known when the server wants to be asked again.
  if (!answer->info) chosen.serial = leaf.serial;
  state.ari = chosen;
  TRY(save_state(runtime, toolbox.surroundings().root, domain, state));
  assessment->state.ari = state.ari;
  assessment->plan = plan_renewal({.now = now,
                                   .not_before = leaf.not_before,
                                   .not_after = leaf.not_after,
                                   .serial = leaf.serial,
                                   .ari = state.ari ? &*state.ari : nullptr,
                                   .renew_before = settings.renew_before});
  return {};
}

}  // namespace lockstep::agent
