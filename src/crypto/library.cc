#include "crypto/library.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/random.h>

#include <cerrno>

#include "base/error.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lockstep::crypto {

namespace {

int kernel_bytes(unsigned char* out, int count) {
  for (int done = 0; done < count;) {
    const ssize_t got = getrandom(out + done, static_cast<std::size_t>(count - done), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;  // OpenSSL reports it, and the operation fails
    done += static_cast<int>(got);
  }
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
