// OpenSSL's set-up for a whole process.
#pragma once

namespace lockstep::crypto {

// Initializes libcrypto without its configuration file. Optional, and only before any other use: without it OpenSSL
// reads openssl.cnf at its first use.
void initialize_library();

}  // namespace lockstep::crypto
