#include "x509/acme_tls.h"

#include <array>

#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"
#include "x509/certificate.h"
#include "x509/name.h"
#include "x509/pem.h"

namespace lockstep::x509 {

namespace {

constexpr std::int64_t kDay = 86'400;

// Positive, and never the same for two challenges.
std::string make_serial(Random& random) {
  std::array<unsigned char, 16> octets{};
  random.fill(octets);
  octets[0] = static_cast<unsigned char>((octets[0] & 0x3fU) | 0x40U);
  return hex_encode({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

std::string sha256(std::string_view bytes) {
  crypto::Sha256 digest;
  digest.update(bytes);
  return digest.finish_raw();
}

}  // namespace

Result<AcmeTlsCertificate> make_acme_tls_certificate(const AlternativeName& identifier,
                                                     std::string_view key_authorization, UnixSeconds now,
                                                     Random& random) {
  if (identifier.type != AlternativeNameType::dns && identifier.type != AlternativeNameType::ip) {
    return fail(ErrorCode::invalid_argument, "'" + identifier.value + "' is neither a DNS name nor an IP address");
  }
  const AlternativeName checked = TRY(parse_alternative_name(to_text(identifier)));
  const crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(crypto::KeyAlgorithm::ecdsa_p256));
  const Name subject = TRY(Name::parse_text("CN=tls-alpn-01 challenge"));
  CertificateFields fields;
  fields.serial = make_serial(random);
  fields.issuer_der = subject.der();
  fields.subject_der = fields.issuer_der;
  // A CA whose clock is a little off must be able to read it; it does not care for the dates (RFC 8737 section 3).
  fields.not_before = now - kDay;
  fields.not_after = now + 6 * kDay;
  fields.public_key_info = key.public_key_info();
  fields.alternative_names_der = TRY(encode_alternative_names({checked}));
  fields.subject_key_id = TRY(key_identifier(fields.public_key_info));
  fields.acme_identifier = sha256(key_authorization);
  const std::string der = TRY(sign_certificate(fields, key));
  AcmeTlsCertificate out;
  out.certificate_pem = encode_pem(kPemCertificate, der);
  out.key_pem = TRY(key.to_pem());
  return out;
}

}  // namespace lockstep::x509
