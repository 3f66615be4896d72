#include "crypto/library.h"

#include <openssl/crypto.h>

#include "base/error.h"

namespace lockstep::crypto {

void initialize_library() { LOCKSTEP_CHECK(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1); }

}  // namespace lockstep::crypto
