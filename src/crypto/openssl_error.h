// OpenSSL's error queue as our error.
#pragma once

#include <string_view>

#include "base/error.h"

namespace lockstep::crypto {

// crypto_failure: `what` ("cannot make a key") with the texts of the thread's error queue, which is empty afterwards.
Error openssl_error(std::string_view what);
// Forgets what a call that was allowed to fail left behind. True when one of the errors was a lack of memory.
bool drop_openssl_errors();

}  // namespace lockstep::crypto
