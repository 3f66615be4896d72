#include "crypto/library.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/error.h"
#include "base/system.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lockstep::crypto {

namespace {

int kernel_bytes(unsigned char* out, int count) {
  SystemRandom().fill({out, static_cast<std::size_t>(count)});
  return 1;
}

int always_seeded() { return 1; }

}  // namespace

void initialize_library() {
  LOCKSTEP_CHECK(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
  static const RAND_METHOD kernel = {nullptr, kernel_bytes, nullptr, nullptr, kernel_bytes, always_seeded};
  LOCKSTEP_CHECK(RAND_set_rand_method(&kernel) == 1);
}

}  // namespace lockstep::crypto
