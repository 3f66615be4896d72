// PEM (RFC 7468): the labels that are read and written, and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::x509 {

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemRequest = "CERTIFICATE REQUEST";
inline constexpr std::string_view kPemCrl = "X509 CRL";
inline constexpr std::string_view kPemPrivateKey = "PRIVATE KEY";

struct PemBlock {
  std::string label;
  std::string der;
};

// All blocks of a text; what stands between blocks is ignored. Errors: parse_error (an unfinished block, bad Base64),
// too_large (more than `block_limit` blocks).
Result<std::vector<PemBlock>> parse_pem(std::string_view text, std::size_t block_limit = 64);

// One block, 64 characters a line, ending with a newline.
std::string encode_pem(std::string_view label, std::string_view der);

}  // namespace lockstep::x509
