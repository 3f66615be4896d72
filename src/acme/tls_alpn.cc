// tls-alpn-01 by a listener of our own (RFC 8737; for IP addresses RFC 8738 section 6).
#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "acme/reverse_name.h"
#include "acme/solvers.h"
#include "http/alpn_responder.h"
#include "x509/acme_tls.h"

namespace lockstep::acme {

namespace {

struct Proof {
  std::string token;
  x509::AcmeTlsCertificate certificate;
};

class TlsAlpn final : public ChallengeSolver {
 public:
  TlsAlpn(std::unique_ptr<http::AlpnResponder> responder, durable::Runtime& runtime)
      : responder_(std::move(responder)), runtime_(runtime) {}

  [[nodiscard]] std::string_view challenge_type() const override { return "tls-alpn-01"; }

  Status present(const ChallengeTask& task) override {
    const std::string name = TRY(server_name(task));
    const auto type = task.type == IdentifierType::ip ? x509::AlternativeNameType::ip : x509::AlternativeNameType::dns;
    x509::AcmeTlsCertificate certificate = TRY(x509::make_acme_tls_certificate(
        {type, task.identifier}, task.key_authorization, runtime_.clock.now(), runtime_.random));
    const std::lock_guard lock(mutex_);
    TRY(responder_->add(name, certificate.certificate_pem, certificate.key_pem));
    std::vector<Proof>& proofs = by_name_[name];
    std::erase_if(proofs, [&](const Proof& proof) { return proof.token == task.token; });
    proofs.push_back({task.token, std::move(certificate)});
    return {};
  }

  Status clean_up(const ChallengeTask& task) override {
    const std::string name = TRY(server_name(task));
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return {};
    std::vector<Proof>& proofs = found->second;
    std::erase_if(proofs, [&](const Proof& proof) { return proof.token == task.token; });
    if (proofs.empty()) {
      responder_->remove(name);
      by_name_.erase(found);
      return {};
    }
    // Another order for the same name goes on.
    const x509::AcmeTlsCertificate& other = proofs.back().certificate;
    return responder_->add(name, other.certificate_pem, other.key_pem);
  }

 private:
  static Result<std::string> server_name(const ChallengeTask& task) {
    return task.type == IdentifierType::ip ? reverse_name(task.identifier) : Result<std::string>(task.identifier);
  }

  std::unique_ptr<http::AlpnResponder> responder_;
  durable::Runtime& runtime_;
  std::mutex mutex_;
  std::map<std::string, std::vector<Proof>> by_name_;  // the last of each is the one that is shown
};

// What an operator can do about it here is more than what the listener knows.
Error advise(Error error) {
  if (error.code == ErrorCode::already_exists) {
    error.hint =
        "another program has that port: listen elsewhere with --tls-alpn=ADDRESS:PORT and forward port 443 to it, or "
        "prove the name by http-01 (--webroot DIR)";
  } else if (error.code == ErrorCode::permission_denied) {
    error.hint =
        "run as root or grant CAP_NET_BIND_SERVICE, or listen on a higher port with --tls-alpn=:PORT and forward port "
        "443 to it";
  }
  return error;
}

}  // namespace

Result<std::unique_ptr<ChallengeSolver>> make_tls_alpn(const std::string& address, durable::Runtime& runtime) {
  auto responder = http::AlpnResponder::listen(address);
  if (!responder) return fail(advise(std::move(responder).error().with_context("tls-alpn-01")));
  return std::make_unique<TlsAlpn>(std::move(*responder), runtime);
}

}  // namespace lockstep::acme
