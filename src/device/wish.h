// What a device asks an issuer for, and whether a request that is under way asks for that still.
#pragma once

#include <optional>
#include <vector>

#include "device/settings.h"
#include "device/state.h"
#include "x509/certificate.h"
#include "x509/name.h"

namespace lockstep::device {

struct Wish {
  x509::Name subject;
  std::vector<x509::AlternativeName> names;
};

// The first identity is wished for as the settings say, a later one as `live` is. Error: invalid_argument for a name
// that is none.
Result<Wish> wish_of(const DeviceSettings& settings, const std::optional<x509::Certificate>& live);

// Does the request ask for the wish, with a key as the settings want it? One that cannot be read does not. Errors:
// those of wish_of.
Result<bool> asks_for_wish(const PendingRequest& request, const DeviceSettings& settings,
                           const std::optional<x509::Certificate>& live);

// An ACME CA certifies names and writes the subject as it likes; many refuse one that is no name of the certificate.
bool certifies_subject(const DeviceSettings& settings);

Enrolment enrolment_of(const DeviceSettings& settings);
// Do both keep the identity in the same place?
bool same_place(const Enrolment& one, const Enrolment& other);
// The settings with the place where that enrolment keeps the identity.
DeviceSettings settings_at(DeviceSettings settings, const Enrolment& enrolment);

}  // namespace lockstep::device
