// What a person can do about a failure of a device, where the one who reports it does not know that it is a device's.
#pragma once

#include <string>

#include "device/identity.h"
#include "device/settings.h"

namespace lockstep::device {

// About an identity that was not installed. `kept`: its key and request are, so that the next try is answered the same.
std::string rejection_hint(Fault fault, bool kept, const DeviceSettings& settings, bool has_live);

// The same error, with no advice to use options that the device commands do not have.
Error for_device(Error error, const DeviceSettings& settings);

}  // namespace lockstep::device
