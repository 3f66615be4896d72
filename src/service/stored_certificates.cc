#include "service/stored_certificates.h"

#include <nlohmann/json.hpp>

#include "certstore/certificate_folder.h"
#include "service/server_state.h"

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

// As for a server that says nothing else.
constexpr int kExpiringDays = 30;

struct Verdict {
  const char* state;
  std::string reason;
};

Verdict verdict_of(const x509::Certificate& leaf, UnixSeconds now) {
  if (now < leaf.not_before) return {"not-yet-valid", "valid from " + format_rfc3339(leaf.not_before)};
  if (now > leaf.not_after) return {"expired", "since " + format_rfc3339(leaf.not_after)};
  if (ends_soon(leaf.not_before, leaf.not_after, kExpiringDays, now))
    return {"expiring", "until " + format_rfc3339(leaf.not_after)};
  return {"valid", ""};
}

Json shown(const certstore::InstalledCertificate& installed, UnixSeconds now) {
  const x509::Certificate& leaf = installed.leaf;
  Json names = Json::array();
  for (const x509::AlternativeName& name : leaf.alternative_names) names.push_back(name.value);
  const Verdict verdict = verdict_of(leaf, now);
  return {{"name", installed.domain},
          {"sans", std::move(names)},
          {"issuer", leaf.issuer.to_text()},
          {"serial", leaf.serial},
          {"notBefore", format_rfc3339(leaf.not_before)},
          {"notAfter", format_rfc3339(leaf.not_after)},
          {"daysLeft", days_left(leaf.not_after, now)},
          {"state", verdict.state},
          {"reason", verdict.reason}};
}

}  // namespace

Result<Json> stored_certificates(durable::Runtime& runtime, const std::string& root, UnixSeconds now,
                                 const std::function<void(const std::string& message)>& warn) {
  const std::vector<std::string> domains = TRY(certstore::list_domains(runtime.files, root));
  Json list = Json::array();
  for (const std::string& domain : domains) {
    const auto installed = certstore::load(runtime, root, domain);
    if (installed) {
      list.push_back(shown(*installed, now));
      continue;
    }
    warn(installed.error().message);
    list.push_back({{"name", domain},
                    {"sans", Json::array()},
                    {"issuer", nullptr},
                    {"serial", nullptr},
                    {"notBefore", nullptr},
                    {"notAfter", nullptr},
                    {"daysLeft", nullptr},
                    {"state", "damaged"},
                    {"reason", "the folder cannot be used; 'lockstep doctor' says why"}});
  }
  return list;
}

}  // namespace lockstep::service
