// A small certificate authority for tests: keys that are made once, and certificates that differ in one field.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "x509/certificate.h"

namespace lockstep::testing {

inline constexpr UnixSeconds kDay = 86400;
inline constexpr UnixSeconds kTestTime = 1'772'366'400;  // 2026-03-01T12:00:00Z

struct Authority {
  crypto::PrivateKey key;
  x509::Certificate certificate;
};

inline crypto::PrivateKey make_key(crypto::KeyAlgorithm algorithm = crypto::KeyAlgorithm::ecdsa_p256) {
  return crypto::PrivateKey::generate(algorithm).value();
}

// Valid for a year around kTestTime, issued by itself.
inline x509::CertificateFields make_fields(std::string_view subject, const crypto::PrivateKey& key) {
  x509::CertificateFields fields;
  fields.serial = "01";
  fields.subject_der = x509::Name::parse_text(subject).value().der();
  fields.issuer_der = fields.subject_der;
  fields.not_before = kTestTime - 30 * kDay;
  fields.not_after = kTestTime + 335 * kDay;
  fields.public_key_info = key.public_key_info();
  fields.subject_key_id = x509::key_identifier(key.public_key_info()).value();
  fields.key_encipherment = key.algorithm() == crypto::KeyAlgorithm::rsa_2048;
  return fields;
}

inline x509::CertificateFields make_fields(std::string_view subject, const crypto::PrivateKey& key,
                                           const Authority& issuer) {
  x509::CertificateFields fields = make_fields(subject, key);
  fields.issuer_der = issuer.certificate.subject.der();
  fields.authority_key_id = issuer.certificate.subject_key_id;
  return fields;
}

inline x509::Certificate sign(const x509::CertificateFields& fields, const crypto::PrivateKey& issuer_key) {
  const auto der = x509::sign_certificate(fields, issuer_key);
  EXPECT_TRUE(der);
  auto certificate = x509::parse_certificate(der.value(), "made by the test");
  EXPECT_TRUE(certificate) << certificate.error().message;
  return std::move(certificate).value();
}

inline Authority make_root(std::string_view subject,
                           crypto::KeyAlgorithm algorithm = crypto::KeyAlgorithm::ecdsa_p256) {
  crypto::PrivateKey key = make_key(algorithm);
  x509::CertificateFields fields = make_fields(subject, key);
  fields.is_ca = true;
  x509::Certificate certificate = sign(fields, key);
  return {std::move(key), std::move(certificate)};
}

inline Authority make_intermediate(std::string_view subject, const Authority& issuer) {
  crypto::PrivateKey key = make_key();
  x509::CertificateFields fields = make_fields(subject, key, issuer);
  fields.is_ca = true;
  x509::Certificate certificate = sign(fields, issuer.key);
  return {std::move(key), std::move(certificate)};
}

}  // namespace lockstep::testing
