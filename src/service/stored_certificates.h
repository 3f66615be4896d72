// What the certificate folders of the store hold, as the interface shows it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"
#include "durable/runtime.h"

namespace lockstep::service {

// A list of {name, sans, issuer, serial, notBefore, notAfter, daysLeft, state, reason}, by name. A folder that cannot
// be read is in it as "damaged"; what is wrong with it, with its path, goes to `warn` alone. Errors: those of the file
// system for the list of folders.
Result<nlohmann::ordered_json> stored_certificates(durable::Runtime& runtime, const std::string& root, UnixSeconds now,
                                                   const std::function<void(const std::string& message)>& warn);

}  // namespace lockstep::service
