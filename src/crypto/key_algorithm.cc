#include "crypto/key_algorithm.h"

#include <array>
#include <string>

namespace lockstep::crypto {

namespace {

constexpr std::array kAlgorithms{
    KeyAlgorithmInfo{KeyAlgorithm::ecdsa_p256, "ecdsa-p256", "ECDSA P-256"},
    KeyAlgorithmInfo{KeyAlgorithm::rsa_2048, "rsa-2048", "RSA 2048"},
};
constexpr KeyAlgorithmInfo kOther{KeyAlgorithm::other, "other", "other"};

}  // namespace

std::span<const KeyAlgorithmInfo> key_algorithms() { return kAlgorithms; }

const KeyAlgorithmInfo& info(KeyAlgorithm algorithm) {
  for (const KeyAlgorithmInfo& row : kAlgorithms)
    if (row.algorithm == algorithm) return row;
  return kOther;
}

Result<KeyAlgorithm> parse_key_algorithm(std::string_view option_name) {
  std::string accepted;
  for (const KeyAlgorithmInfo& row : kAlgorithms) {
    if (row.option_name == option_name) return row.algorithm;
    if (!accepted.empty()) accepted += ", ";
    accepted += row.option_name;
  }
  return fail(ErrorCode::invalid_argument, "unknown key algorithm '" + std::string(option_name) + "'",
              "use one of: " + accepted);
}

}  // namespace lockstep::crypto
