#include "crypto/key_algorithm.h"

#include <array>
#include <string>
#include <utility>

namespace lockstep::crypto {

namespace {

constexpr std::array kAlgorithms{
    KeyAlgorithmInfo{KeyAlgorithm::ecdsa_p256, "ecdsa-p256", "ECDSA P-256"},
    KeyAlgorithmInfo{KeyAlgorithm::rsa_2048, "rsa-2048", "RSA 2048"},
};
constexpr std::array<std::pair<KeyType, std::string_view>, 5> kTypes{{{KeyType::rsa2048, "rsa2048"},
                                                                      {KeyType::rsa3072, "rsa3072"},
                                                                      {KeyType::rsa4096, "rsa4096"},
                                                                      {KeyType::ec256, "ec256"},
                                                                      {KeyType::ec384, "ec384"}}};
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

std::string_view key_type_name(KeyType type) {
  for (const auto& [row, name] : kTypes)
    if (row == type) return name;
  return "unknown";
}

Result<KeyType> parse_key_type(std::string_view name) {
  for (const auto& [type, row] : kTypes)
    if (row == name) return type;
  return fail(ErrorCode::invalid_argument, "unknown key type '" + std::string(name) + "'",
              "use one of: rsa2048, rsa3072, rsa4096, ec256, ec384");
}

}  // namespace lockstep::crypto
