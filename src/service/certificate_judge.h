// What is to be said about the certificates that servers show: who trusts them, and whether they are for the name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/status.h"
#include "x509/certificate.h"

namespace lockstep::service {

// The content of a file of PEM roots.
using BundleReader = std::function<Result<std::string>(const std::string& path)>;

class CertificateJudge {
 public:
  // Roots that cannot be read as certificates are left out: the system's list is not ours to complain about. Without a
  // `reader` no endpoint's own bundle can be read.
  CertificateJudge(const std::string& system_roots_pem, BundleReader reader);
  CertificateJudge(const CertificateJudge&) = delete;
  CertificateJudge& operator=(const CertificateJudge&) = delete;
  ~CertificateJudge();

  // Judges a chain in DER, the server's own certificate first. A verdict is kept for the endpoint's id, and found anew
  // only when the certificates, the roots or the name are others, when one of the certificates has begun or ceased to
  // be valid, and once a day. Nothing for a certificate that cannot be read.
  std::optional<SeenCertificate> judge(const Endpoint& endpoint, const std::vector<std::string>& chain,
                                       const std::string& tls_version, UnixSeconds now);
  void forget(const std::string& id);
  // Verifications so far.
  [[nodiscard]] std::uint64_t verifications() const { return verifications_; }
  [[nodiscard]] std::size_t system_roots() const;

 private:
  class Roots;
  struct Bundle;
  struct Verdict {
    std::string about;      // a digest of all that it follows from but the time
    UnixSeconds since = 0;  // it holds from then on
    UnixSeconds until = 0;  // and before this
    std::optional<SeenCertificate> certificate;

    // It changes at `moment` at the latest, or has changed then.
    void bound(UnixSeconds moment, UnixSeconds now);
  };

  const Bundle& bundle_of(const Endpoint& endpoint, UnixSeconds now);
  Verdict verdict_on(const Endpoint& endpoint, const Bundle& bundle, const std::vector<std::string>& chain,
                     UnixSeconds now);
  void check_chain(const std::vector<x509::Certificate>& chain, const Bundle& bundle, UnixSeconds now,
                   Verdict* verdict);

  BundleReader reader_;
  std::unique_ptr<Bundle> system_;
  std::unordered_map<std::string, std::unique_ptr<Bundle>> bundles_;  // by path
  std::unordered_map<std::string, Verdict> verdicts_;                 // by id
  std::uint64_t verifications_ = 0;
};

}  // namespace lockstep::service
