#include "crypto/openssl_error.h"

#include <openssl/err.h>

#include <string>

namespace lockstep::crypto {

Error openssl_error(std::string_view what) {
  Error error{ErrorCode::crypto_failure, std::string(what), {}, 0};
  const char* separator = ": ";
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    error.message += separator;
    if (reason != nullptr) {
      error.message += reason;
    } else {
      error.message += "OpenSSL error " + std::to_string(code);
    }
    separator = ", ";
  }
  return error;
}

bool drop_openssl_errors() {
  bool out_of_memory = false;
  while (const unsigned long code = ERR_get_error())
    out_of_memory = out_of_memory || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
  return out_of_memory;
}

}  // namespace lockstep::crypto
