#include "cli/cert_common.h"

#include "agent/planner.h"
#include "cli/commands.h"

namespace lockstep::cli {

std::string program_and_version() { return std::string("lockstep ") + LOCKSTEP_VERSION; }

std::int64_t days_left(UnixSeconds until, UnixSeconds now) {
  constexpr std::int64_t kDay = 86400;
  const std::int64_t seconds = until - now;
  return seconds >= 0 ? seconds / kDay : -((-seconds + kDay - 1) / kDay);
}

std::string_view certificate_state(const x509::Certificate& certificate, UnixSeconds now) {
  if (now > certificate.not_after) return "expired";
  if (now < certificate.not_before) return "not yet valid";
  constexpr std::int64_t kShortLife = 10L * 86400;
  const std::int64_t life = certificate.not_after - certificate.not_before;
  const std::int64_t left = certificate.not_after - now;
  return left <= life / (life <= kShortLife ? 2 : 3) ? "expiring" : "valid";
}

nlohmann::ordered_json certificate_json(const certstore::InstalledCertificate& installed, UnixSeconds now) {
  return {{"domain", installed.domain},
          {"serial", installed.leaf.serial},
          {"subject", installed.leaf.subject.to_text()},
          {"issuer", installed.leaf.issuer.to_text()},
          {"sans", installed.metadata.sans},
          {"key_type", installed.metadata.key_type},
          {"not_before", format_rfc3339(installed.leaf.not_before)},
          {"not_after", format_rfc3339(installed.leaf.not_after)},
          {"days_left", days_left(installed.leaf.not_after, now)},
          {"state", certificate_state(installed.leaf, now)},
          {"chain_length", installed.chain_length},
          {"generation", installed.generation},
          {"history", installed.history},
          {"renewed_by", installed.metadata.renewed_by},
          {"folder", installed.path}};
}

Renewal renewal_of(Context& context, const std::string& root, const certstore::InstalledCertificate& installed) {
  const auto state = agent::load_state(context.environment().files, root, installed.domain);
  if (!state) return {"unknown: " + printable(state.error().message), {{"error", state.error().message}}};
  if (!state->settings) return {"imported", nullptr};
  const agent::Plan plan = agent::plan_renewal({.now = context.environment().clock.now(),
                                                .not_before = installed.leaf.not_before,
                                                .not_after = installed.leaf.not_after,
                                                .serial = installed.leaf.serial,
                                                .ari = state->ari ? &*state->ari : nullptr,
                                                .renew_before = state->settings->renew_before});
  const std::string from = format_rfc3339(plan.renew_at);
  return {(plan.due ? "due: " : "from " + from + ": ") + plan.reason,
          {{"due", plan.due},
           {"urgent", plan.urgent},
           {"renew_at", from},
           {"reason", plan.reason},
           {"last_error", state->attempts.last_error}}};
}

}  // namespace lockstep::cli
