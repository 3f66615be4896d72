// Groups of the system by name or number.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace lockstep::cli {

// Error: invalid_argument for a group that does not exist.
Result<std::uint32_t> lookup_group(const std::string& name_or_number);

}  // namespace lockstep::cli
