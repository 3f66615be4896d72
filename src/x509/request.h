// PKCS#10 certificate requests (RFC 2986).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/private_key.h"
#include "x509/alternative_names.h"
#include "x509/name.h"

namespace lockstep::x509 {

struct Request {
  Name subject;
  std::string public_key_info;        // DER SubjectPublicKeyInfo
  std::string alternative_names_der;  // GeneralNames as requested; empty when there are none
  std::string signed_part;            // DER CertificationRequestInfo
  std::string signature;
  std::string signature_algorithm;  // DER AlgorithmIdentifier
};

// Exactly one request, PEM or DER. It does not check the signature. `name` is what errors call it.
// Error: parse_error; the message says what the input is instead, where that is known (a certificate, several
// requests).
Result<Request> parse_request(std::string_view bytes, std::string_view name);

// The proof of possession. Errors: unsupported_key (key or signature algorithm outside the accepted list),
// csr_signature.
Status verify_request(const Request& request);

// DER of a request for the subject and names, signed by its own key.
Result<std::string> make_request(const Name& subject, const std::vector<AlternativeName>& names,
                                 const crypto::PrivateKey& key);

}  // namespace lockstep::x509
