// Certificate revocation lists (RFC 5280 section 5), version 2.
//
// Writing is a stream: a list over a million entries never stands in memory as objects.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/private_key.h"
#include "x509/certificate.h"

namespace lockstep::x509 {

// RFC 5280 5.3.1; the values are those of the DER enumeration.
enum class RevocationReason {
  unspecified = 0,
  key_compromise = 1,
  affiliation_changed = 3,
  superseded = 4,
  cessation_of_operation = 5,
};
// "unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation". Error: invalid_argument.
Result<RevocationReason> parse_revocation_reason(std::string_view text);
std::string_view to_text(RevocationReason reason);

struct CrlHeader {
  std::string issuer_der;  // Name
  UnixSeconds this_update = 0;
  UnixSeconds next_update = 0;
  std::string number;            // CRL number, lower-case hex
  std::string authority_key_id;  // raw
};

// Collects the encoded entries (about 40 bytes each) and signs once.
class CrlBuilder {
 public:
  explicit CrlBuilder(CrlHeader header);
  // Serial in lower-case hex. No reasonCode extension for `unspecified`. Errors: invalid_argument (not hexadecimal).
  Status add(std::string_view serial_hex, UnixSeconds revoked_at, RevocationReason reason);
  [[nodiscard]] std::size_t count() const { return count_; }
  // Signs and hands the PEM text ("X509 CRL") to the sink in pieces, without a second copy of the whole list.
  Status finish(const crypto::PrivateKey& issuer_key, const std::function<Status(std::string_view)>& sink);

 private:
  Result<std::string> encode_head(std::string_view algorithm, std::size_t entries_length) const;
  [[nodiscard]] std::size_t entries_length() const;

  CrlHeader header_;
  std::vector<std::string> chunks_;  // of about a megabyte: one growing string would need twice its size while it grows
  UnixSeconds last_time_ = 0;        // entries of one moment share its encoding
  std::string last_time_der_;
  std::size_t count_ = 0;
};

struct CrlEntry {
  UnixSeconds revoked_at = 0;
  RevocationReason reason = RevocationReason::unspecified;
};

struct Crl {
  Name issuer;
  UnixSeconds this_update = 0;
  std::optional<UnixSeconds> next_update;
  std::string number;            // lower-case hex; empty when absent
  std::string authority_key_id;  // raw
  std::string signed_part;       // DER TBSCertList
  std::string signature;
  std::string signature_algorithm;  // DER AlgorithmIdentifier
  std::string revoked_entries;      // DER content of revokedCertificates, empty when absent
};

// One CRL, PEM or DER. Error: parse_error.
Result<Crl> parse_crl(std::string_view bytes, std::string_view name);
// The entry of a serial (lower-case hex), if the list has it.
Result<std::optional<CrlEntry>> find_revoked(const Crl& crl, std::string_view serial_hex);
// Calls back with every serial (lower-case hex) and entry, in order.
Status for_each_revoked(const Crl& crl, const std::function<Status(const std::string& serial, const CrlEntry&)>& visit);
Result<bool> is_signed_by(const Crl& crl, std::string_view issuer_public_key_info);

}  // namespace lockstep::x509
