#include "cli/cert_common.h"

#include <nlohmann/json.hpp>

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

}  // namespace lockstep::cli
