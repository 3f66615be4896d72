// What a failed operation says about itself.
//
// One list of codes serves every layer: it gives the stable name that --json prints and the exit status.
// A code says what the caller can do about it; the message says what failed, on which file and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep {

enum class ErrorCode {
  usage,                    // the command line is wrong: exit 2
  invalid_argument,         // a value from outside is malformed or out of range
  not_found,                // the named thing does not exist
  already_exists,           // the named thing exists and must not be replaced
  permission_denied,        // EACCES, EPERM, EROFS
  no_space,                 // ENOSPC, EDQUOT
  resource_exhausted,       // EMFILE, ENFILE, ENOMEM
  io_error,                 // EIO and every other failure of the file system
  lock_timeout,             // another process held the lock for longer than asked to wait
  too_large,                // a size, count or depth limit of ours was passed
  damaged,                  // stored state that no crash can produce: a wrong checksum, a dangling pointer
  edited_by_hand,           // stored state that a person changed: refused until adopted
  foreign_file,             // a file that is not ours stands where ours belongs
  commit_uncertain,         // an fsync failed after the commit point: visible new, on disk either
  committed_not_delivered,  // the commit is durable but the result could not be written out
  crypto_failure,           // OpenSSL refused; the message carries its error queue
  parse_error,              // bytes that are not what they are said to be
  untrusted,                // a signature, a chain or a pair that does not verify
  not_initialized,          // there is no CA here yet
  already_initialized,      // there is a CA here already
  unsupported_key,          // a key algorithm outside the accepted list
  csr_signature,            // a request whose self-signature is wrong
  certificate_not_found,    // no entry with that serial
  already_revoked,          // that certificate was revoked before
  network,                  // no answer: name, connection or transport; worth another try
  timed_out,                // an answer that did not come in time; worth another try
  acme_bad_answer,          // a CA's answer that is not what RFC 8555 says
  acme_unavailable,         // a CA that fails on its side (5xx, serverInternal); worth another try
  acme_rate_limited,        // a CA that wants to be left alone until Error::retry_after
  acme_refused,             // a CA that says no, for good as far as it is known
  acme_account_unknown,     // the account is not, or no longer, one of that CA
  acme_already_replaced,    // the certificate that an order replaces was replaced before (RFC 9773 section 5)
  acme_order_lost,          // an order that is gone, expired or invalid: another must be placed
  challenge_failed,         // the CA looked and did not find the proof
  issuer_refused,           // whoever issues a device's identity says no
  issuer_bad_answer,        // its answer is none that can be used: junk, another device's certificate
  issuer_unavailable,       // it cannot answer now; worth another try
  identity_refused,         // the issuer does not accept the identity that is live; the one before is live again
  hook_failed,              // a program that was to be run with the result did not succeed
  some_failed,              // of several domains at least one failed; each was reported
  internal,                 // a broken invariant of the program itself
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;           // what failed, on which file, why; no trailing full stop
  std::string hint;              // what to do next; may be empty
  int system_errno = 0;          // errno of the failing system call, 0 when none failed
  std::int64_t retry_after = 0;  // seconds after which another try makes sense, 0 when nobody said

  // The same error with "context: " before its message.
  [[nodiscard]] Error with_context(std::string_view context) &&;
  // The same error with a hint, unless a more specific one is already there.
  [[nodiscard]] Error with_hint(std::string_view advice) &&;
};

// Stable snake_case name, as printed in {"error":{"code":…}}.
[[nodiscard]] std::string_view error_code_name(ErrorCode code);

// Exit status of a command that ends with this error: 1, or 2 for usage.
[[nodiscard]] int exit_status(ErrorCode code);

// Error for a failed system call: `what` names operation and file ("cannot create 'x'"); the code follows errno.
[[nodiscard]] Error system_error(int errno_value, std::string_view what);

// Ends the program: a precondition that only a programming error can break did not hold.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace lockstep

#define LOCKSTEP_CHECK(condition)                                               \
  do {                                                                          \
    if (!(condition)) ::lockstep::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
