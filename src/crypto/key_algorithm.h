// The key algorithms that are accepted and made: one table, so that another is a row.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace lockstep::crypto {

// `other` stands for a key that our own CA does not accept: one that is imported (RSA from 2048 bits up, P-256 to
// P-521, Ed25519) or made for another CA's certificate; it is not in the table.
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

// The keys that are made for certificates of other CAs.
enum class KeyType { rsa2048, rsa3072, rsa4096, ec256, ec384 };

// As on the command line: "rsa2048".
std::string_view key_type_name(KeyType type);
// Error: invalid_argument naming the accepted names.
Result<KeyType> parse_key_type(std::string_view name);

}  // namespace lockstep::crypto
