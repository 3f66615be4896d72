// Keys that are made anew in each run: only that there is one matters, never which.
#pragma once

#include "property.h"
#include "x509/certificate.h"

namespace lockstep::fuzz {

inline const crypto::PrivateKey& test_key() {
  static const Result<crypto::PrivateKey> key = crypto::PrivateKey::generate(crypto::KeyAlgorithm::ecdsa_p256);
  return must(key, "a key can be made");
}

// The certificate that the test key makes of the fields.
inline x509::Certificate sign(const x509::CertificateFields& fields) {
  const std::string der = must(x509::sign_certificate(fields, test_key()), "a certificate can be signed");
  x509::Certificate made = must(x509::parse_certificate(der, "signed"), "a certificate that was signed is read");
  require(made.der == der && made.subject.der() == fields.subject_der && made.issuer.der() == fields.issuer_der,
          "a certificate has the names that it was to have");
  require(made.not_before == fields.not_before && made.not_after == fields.not_after,
          "a certificate has the dates that it was to have");
  require(made.public_key_info == fields.public_key_info, "a certificate has the key that it was to have");
  require(must(x509::is_signed_by(made, test_key().public_key_info()), "a signature can be verified"),
          "a signature of ours verifies");
  return made;
}

}  // namespace lockstep::fuzz
