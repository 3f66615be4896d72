#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lockstep {

Error Error::with_context(std::string_view context) && {
  message = std::string(context) + ": " + message;
  return std::move(*this);
}

Error Error::with_hint(std::string_view advice) && {
  if (hint.empty()) hint = advice;
  return std::move(*this);
}

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return "usage";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::no_space: return "no_space";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::io_error: return "io_error";
    case ErrorCode::lock_timeout: return "lock_timeout";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::damaged: return "damaged";
    case ErrorCode::edited_by_hand: return "edited_by_hand";
    case ErrorCode::foreign_file: return "foreign_file";
    case ErrorCode::commit_uncertain: return "commit_uncertain";
    case ErrorCode::committed_not_delivered: return "committed_not_delivered";
    case ErrorCode::crypto_failure: return "crypto_failure";
    case ErrorCode::parse_error: return "parse_error";
    case ErrorCode::untrusted: return "untrusted";
    case ErrorCode::not_initialized: return "not_initialized";
    case ErrorCode::already_initialized: return "already_initialized";
    case ErrorCode::unsupported_key: return "unsupported_key";
    case ErrorCode::csr_signature: return "csr_signature";
    case ErrorCode::certificate_not_found: return "certificate_not_found";
    case ErrorCode::already_revoked: return "already_revoked";
    case ErrorCode::network: return "network";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::acme_bad_answer: return "acme_bad_answer";
    case ErrorCode::acme_unavailable: return "acme_unavailable";
    case ErrorCode::acme_rate_limited: return "acme_rate_limited";
    case ErrorCode::acme_refused: return "acme_refused";
    case ErrorCode::acme_account_unknown: return "acme_account_unknown";
    case ErrorCode::acme_already_replaced: return "acme_already_replaced";
    case ErrorCode::acme_order_lost: return "acme_order_lost";
    case ErrorCode::challenge_failed: return "challenge_failed";
    case ErrorCode::issuer_refused: return "issuer_refused";
    case ErrorCode::issuer_bad_answer: return "issuer_bad_answer";
    case ErrorCode::issuer_unavailable: return "issuer_unavailable";
    case ErrorCode::identity_refused: return "identity_refused";
    case ErrorCode::hook_failed: return "hook_failed";
    case ErrorCode::some_failed: return "some_failed";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

int exit_status(ErrorCode code) { return code == ErrorCode::usage ? 2 : 1; }

namespace {

ErrorCode code_of_errno(int value) {
  switch (value) {
    case ENOENT: return ErrorCode::not_found;
    case EEXIST: return ErrorCode::already_exists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT: return ErrorCode::no_space;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ErrorCode::resource_exhausted;
    default: return ErrorCode::io_error;
  }
}

std::string_view hint_of_errno(int value) {
  switch (value) {
    case ENOSPC: return "free space on that file system and run the command again";
    case EDQUOT: return "free space within the disk quota and run the command again";
    case EROFS: return "mount that file system writable and run the command again";
    case EACCES:
    case EPERM: return "run as the owner of the directory, or correct its permissions";
    case EMFILE:
    case ENFILE: return "raise the limit on open files (ulimit -n)";
    case EIO: return "look at the kernel's log: the disk may be failing";
    default: return "";
  }
}

}  // namespace

Error system_error(int errno_value, std::string_view what) {
  std::array<char, 256> buffer{};
  // The GNU variant returns the text, which need not be in the buffer.
  const char* text = strerror_r(errno_value, buffer.data(), buffer.size());
  return Error{code_of_errno(errno_value), std::string(what) + ": " + text, std::string(hint_of_errno(errno_value)),
               errno_value};
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "lockstep: internal check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace lockstep
