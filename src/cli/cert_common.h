// What the certificate commands share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "certstore/certificate_folder.h"
#include "cli/context.h"

namespace lockstep::cli {

// "lockstep 0.1.0".
std::string program_and_version();

// Whole days until a time; negative when it is over.
std::int64_t days_left(UnixSeconds until, UnixSeconds now);

// "valid", "expiring" (a third of its life or less is left; half for ten days or less), "expired" or "not yet valid".
std::string_view certificate_state(const x509::Certificate& certificate, UnixSeconds now);

nlohmann::ordered_json certificate_json(const certstore::InstalledCertificate& installed, UnixSeconds now);

// When a certificate is renewed and why then; an imported one is renewed by whoever imports it.
struct Renewal {
  std::string text;
  nlohmann::ordered_json json;
};
Renewal renewal_of(Context& context, const std::string& root, const certstore::InstalledCertificate& installed);

}  // namespace lockstep::cli
