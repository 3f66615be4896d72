// Certificates, requests, revocation lists, keys and PEM from anywhere: no crash, no read outside, no endless loop.
#include <string_view>

#include "crypto/private_key.h"
#include "x509/certificate.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/request.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep;
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (const auto certificate = x509::parse_certificate(input, "input")) {
    static_cast<void>(x509::is_signed_by(*certificate, certificate->public_key_info));
    static_cast<void>(x509::to_pem(*certificate));
    static_cast<void>(x509::covers_name(*certificate, "www.example.com"));
    static_cast<void>(certificate->subject.to_text());
  }
  if (const auto request = x509::parse_request(input, "input")) static_cast<void>(x509::verify_request(*request));
  if (const auto crl = x509::parse_crl(input, "input")) {
    static_cast<void>(x509::find_revoked(*crl, "02"));
    static_cast<void>(x509::for_each_revoked(*crl, [](const std::string&, const x509::CrlEntry&) { return Status(); }));
  }
  static_cast<void>(x509::parse_pem(input));
  static_cast<void>(x509::parse_certificates(input, "input"));
  static_cast<void>(crypto::PrivateKey::from_pem(input, "input"));
  static_cast<void>(crypto::classify_public_key_info(input));
  return 0;
}
