// A root, an intermediate and leaves of it for tests, made once.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "certstore/certificate_set.h"
#include "testing/authority.h"

namespace lockstep::certstore {

using testing::kDay;
using testing::kTestTime;

struct Pair {
  std::string certificate, key;  // PEM
};

inline const testing::Authority& test_root() {
  static const testing::Authority made = testing::make_root("CN=Root");
  return made;
}
inline const testing::Authority& test_intermediate() {
  static const testing::Authority made = testing::make_intermediate("CN=Intermediate", test_root());
  return made;
}

inline Pair make_pair(const std::string& serial, const testing::Authority& issuer,
                      const std::string& name = "DNS:host.example") {
  const crypto::PrivateKey key = testing::make_key();
  x509::CertificateFields fields = testing::make_fields("CN=host", key, issuer);
  fields.serial = serial;
  fields.alternative_names_der = x509::encode_alternative_names({x509::parse_alternative_name(name).value()}).value();
  return {x509::to_pem(testing::sign(fields, issuer.key)), std::string(key.to_pem()->reveal())};
}
// Two leaves of the intermediate.
inline const Pair& test_pair(std::size_t number = 0) {
  static const Pair pairs[] = {make_pair("0a", test_intermediate()), make_pair("0b", test_intermediate())};
  return pairs[number];
}
inline std::string intermediate_pem() { return x509::to_pem(test_intermediate().certificate); }

inline CertificateSet read_set(const std::string& certificate, const std::string& key, const std::string& chain = {}) {
  auto set = parse_set({.certificate_pem = certificate,
                        .certificate_name = "c.pem",
                        .key_pem = key,
                        .key_name = "k.pem",
                        .chain_pem = chain,
                        .chain_name = "chain.pem"});
  EXPECT_TRUE(set) << set.error().message;
  return std::move(set).value();
}
inline CertificateSet test_set(std::size_t number = 0) {
  return read_set(test_pair(number).certificate, test_pair(number).key, intermediate_pem());
}

}  // namespace lockstep::certstore
