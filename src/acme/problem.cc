// What a CA's refusals mean for us: RFC 8555 section 6.7 and the registry that it opened, RFC 9773 and the profiles'
// draft.
#include <algorithm>
#include <array>

#include "acme/objects.h"

namespace lockstep::acme {

namespace {

struct Meaning {
  std::string_view type;
  ErrorCode code;
  std::string_view hint;
};

constexpr std::array kMeanings{
    Meaning{"accountDoesNotExist", ErrorCode::acme_account_unknown, "register again: lockstep account register"},
    Meaning{"alreadyReplaced", ErrorCode::acme_already_replaced, ""},
    Meaning{"alreadyRevoked", ErrorCode::already_revoked, ""},
    Meaning{"badCSR", ErrorCode::acme_refused, "another key type (--key-type) may be what this CA wants"},
    Meaning{"badNonce", ErrorCode::acme_unavailable, "the CA kept refusing its own nonces; try again later"},
    Meaning{"badPublicKey", ErrorCode::acme_refused, "another key type (--key-type) may be what this CA wants"},
    Meaning{"badRevocationReason", ErrorCode::acme_refused, "use another --reason"},
    Meaning{"badSignatureAlgorithm", ErrorCode::acme_refused, "use an account key of another type"},
    Meaning{"caa", ErrorCode::challenge_failed, "the name's CAA record must allow this CA"},
    Meaning{"compound", ErrorCode::acme_refused, ""},
    Meaning{"connection", ErrorCode::challenge_failed,
            "the CA must be able to reach this machine: port 80 for http-01, 443 for tls-alpn-01"},
    Meaning{"dns", ErrorCode::challenge_failed, "check the name's DNS records"},
    Meaning{"externalAccountRequired", ErrorCode::acme_refused,
            "this CA wants --eab-kid and --eab-hmac-file; it hands them out on its site"},
    Meaning{"incorrectResponse", ErrorCode::challenge_failed, "another server answers for this name"},
    Meaning{"invalidContact", ErrorCode::acme_refused, "give an e-mail address with -m"},
    Meaning{"invalidProfile", ErrorCode::acme_refused, "choose another --profile"},
    Meaning{"malformed", ErrorCode::acme_refused, ""},
    Meaning{"orderNotReady", ErrorCode::acme_unavailable, ""},
    Meaning{"rateLimited", ErrorCode::acme_rate_limited, ""},
    Meaning{"rejectedIdentifier", ErrorCode::acme_refused, "this CA does not issue for that name"},
    Meaning{"serverInternal", ErrorCode::acme_unavailable, "the CA has a problem; try again later"},
    Meaning{"tls", ErrorCode::challenge_failed, "the CA's TLS connection to this name failed"},
    Meaning{"unauthorized", ErrorCode::acme_refused, ""},
    Meaning{"unsupportedContact", ErrorCode::acme_refused, "give an e-mail address with -m"},
    Meaning{"unsupportedIdentifier", ErrorCode::acme_refused, "this CA does not issue for that kind of name"},
    Meaning{"userActionRequired", ErrorCode::acme_refused,
            "the CA wants its new terms to be agreed to, at the address that it names"},
};

ErrorCode code_of_status(int status) {
  if (status == 429) return ErrorCode::acme_rate_limited;
  if (status == 404 || status == 410) return ErrorCode::acme_order_lost;
  if (status >= 500 || status == 408) return ErrorCode::acme_unavailable;
  return ErrorCode::acme_refused;
}

}  // namespace

Error problem_error(const Problem& problem, std::string_view what) {
  const auto* meaning =
      std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& row) { return row.type == problem.type; });
  Error error;
  error.code = meaning != kMeanings.end() ? meaning->code : code_of_status(problem.status);
  // "malformed" with 404 is how servers say that an order, an authorization or a certificate is not there any more.
  if (problem.type == "malformed" && (problem.status == 404 || problem.status == 410))
    error.code = ErrorCode::acme_order_lost;
  if (problem.type == "serverInternal" && problem.status == 404) error.code = ErrorCode::acme_order_lost;
  error.message = std::string(what) + ": " + problem.text();
  if (meaning != kMeanings.end()) error.hint = meaning->hint;
  // RFC 8555 section 7.3.3: a person agrees there, not a client.
  if (problem.type == "userActionRequired" && !problem.instance.empty()) error.hint += ": " + problem.instance;
  return error;
}

Error answer_error(const http::Response& response, std::string_view what, UnixSeconds now) {
  if (response.status >= 300 && response.status < 400) {
    return {ErrorCode::acme_bad_answer,
            std::string(what) + ": the CA redirects to another address, which is not followed",
            "give the directory's own address with --server", 0};
  }
  Error error = problem_error(parse_problem(response.body, response.status), what);
  const auto wait = http::parse_retry_after(response.header("retry-after"), now);
  // "Now" is an answer too, and 0 stands for none.
  if (wait) error.retry_after = std::max<std::int64_t>(1, *wait);
  if (error.code == ErrorCode::acme_rate_limited && wait)
    error.hint = "the CA asks to wait until " + format_rfc3339(now + *wait);
  return error;
}

}  // namespace lockstep::acme
