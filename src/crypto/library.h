// OpenSSL's set-up for a whole process.
#pragma once

namespace lockstep::crypto {

// Initializes libcrypto without its configuration file, and has it take random bytes from the kernel, getrandom(2),
// directly: OpenSSL's own generators are seeded from there too, and setting their chain up costs most of a millisecond.
// Optional, and only before any other use: without it OpenSSL reads openssl.cnf at its first use.
void initialize_library();

}  // namespace lockstep::crypto
