// How many sockets and files this process may have open.
#pragma once

#include <cstddef>

namespace lockstep::http {

// Raises the limit to what the system lets this process have, which for most is far beyond what they start with, and
// returns it. For programs that start no others: these would inherit it, and not all can live with high descriptors.
std::size_t raise_descriptor_limit();

}  // namespace lockstep::http
