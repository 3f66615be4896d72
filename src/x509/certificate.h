// X.509 v3 certificates (RFC 5280): reading them, and writing them from a plain description.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/private_key.h"
#include "x509/alternative_names.h"
#include "x509/name.h"

namespace lockstep::x509 {

// A parsed certificate. Plain values: cheap to copy, no OpenSSL object behind it.
struct Certificate {
  std::string der;
  std::string serial;  // lower-case hex, at least two digits, no leading zero octet beyond that
  Name subject;
  Name issuer;
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
  std::string public_key_info;  // DER SubjectPublicKeyInfo
  bool is_ca = false;           // basicConstraints CA:TRUE
  bool client_auth = true;      // may show who a TLS client is: no extended key usage, or one that says so
  std::vector<AlternativeName> alternative_names;
  std::string subject_key_id;    // raw bytes, empty when absent
  std::string authority_key_id;  // raw bytes, empty when absent
  std::string signed_part;       // DER TBSCertificate
  std::string signature;
};

// Exactly one certificate, PEM or DER. `name` is what errors call it. Errors: parse_error (junk, another PEM kind —
// which it names —, several certificates).
Result<Certificate> parse_certificate(std::string_view bytes, std::string_view name);
// One or more certificates in PEM, in order (at most 32). Errors as above; an empty text gives an empty list.
Result<std::vector<Certificate>> parse_certificates(std::string_view pem, std::string_view name);

std::string to_pem(const Certificate& certificate);

// A human-readable name of the key: "ECDSA P-256", "RSA 2048", or "RSA 4096", "Ed25519"... for keys that are not ours.
std::string describe_public_key(std::string_view public_key_info);

enum class ExtendedKeyUsage { server_auth, client_auth };

// What a certificate is to say. Encoding it is pure.
struct CertificateFields {
  std::string serial;       // lower-case hex
  std::string issuer_der;   // Name
  std::string subject_der;  // Name
  UnixSeconds not_before = 0;
  UnixSeconds not_after = 0;
  std::string public_key_info;    // carried over byte for byte
  bool is_ca = false;             // critical basicConstraints; CA: critical keyUsage keyCertSign+cRLSign
  bool key_encipherment = false;  // end entity: critical keyUsage digitalSignature, and this for RSA
  std::vector<ExtendedKeyUsage> extended_key_usage;  // extension left out when empty
  std::string alternative_names_der;                 // GeneralNames; extension left out when empty
  bool alternative_names_critical = false;
  std::string subject_key_id;    // raw
  std::string authority_key_id;  // raw; extension left out when empty
  std::string acme_identifier;   // raw SHA-256 of a key authorization (RFC 8737 section 3); left out when empty
};

// Signs the fields with the issuer's key (SHA-256) and returns the certificate's DER. UTCTime before 2050 and
// GeneralizedTime from then on (RFC 5280 4.1.2.5).
Result<std::string> sign_certificate(const CertificateFields& fields, const crypto::PrivateKey& issuer_key);

// SHA-1 of the public key's bit string (RFC 5280 4.2.1.2 method 1), 20 raw bytes. Error: parse_error.
Result<std::string> key_identifier(std::string_view public_key_info);

// True when the certificate's signature verifies under the public key.
Result<bool> is_signed_by(const Certificate& certificate, std::string_view issuer_public_key_info);

// Proves the pair by signing and verifying, not only by comparing. False when they do not belong together.
Result<bool> pair_matches(const Certificate& certificate, const crypto::PrivateKey& key);

// True when a DNS name or IP address is covered by the subject alternative names (RFC 6125: a wildcard covers one
// label).
bool covers_name(const Certificate& certificate, std::string_view dns_name_or_ip);

}  // namespace lockstep::x509
