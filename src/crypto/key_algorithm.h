// The key algorithms that are accepted and made: one table, so that another is a row.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace lockstep::crypto {

// `other` stands for a key that is only imported (RSA from 2048 bits up, P-256 to P-521, Ed25519); it is not in the
// table.
enum class KeyAlgorithm { ecdsa_p256, rsa_2048, other };

struct KeyAlgorithmInfo {
  KeyAlgorithm algorithm;
  std::string_view option_name;   // as on the command line: "ecdsa-p256"
  std::string_view display_name;  // as shown to people: "ECDSA P-256"
};

std::span<const KeyAlgorithmInfo> key_algorithms();
const KeyAlgorithmInfo& info(KeyAlgorithm algorithm);
// Error: invalid_argument naming the accepted names.
Result<KeyAlgorithm> parse_key_algorithm(std::string_view option_name);

}  // namespace lockstep::crypto
