#include "service/certificate_judge.h"

#include <algorithm>
#include <set>

#include "crypto/digest.h"
#include "x509/chain.h"
#include "x509/pem.h"

namespace lockstep::service {

namespace {

constexpr std::size_t kMostRoots = 2000;
constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kReadAgain = 60;  // seconds
constexpr std::size_t kMostBundles = 1000;
constexpr std::size_t kMostNames = 100;  // that are shown of a certificate

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

// Alternative names are ASCII by their definition, and anything by what a stranger may send.
std::string printable(std::string_view text) {
  std::string made(text.substr(0, 300));
  std::ranges::replace_if(made, [](char c) { return c < ' ' || c > '~'; }, '?');
  return made;
}

const std::string& expected_name(const Endpoint& endpoint) {
  if (!endpoint.server_name.empty()) return endpoint.server_name;
  return endpoint.dns_address.empty() ? endpoint.ip : endpoint.dns_address;
}

// Each part with its length, so that no two lists look alike.
void add_part(std::string* whole, std::string_view part) {
  *whole += std::to_string(part.size()) + ":";
  *whole += part;
}

}  // namespace

// Roots by subject: of some hundred only those are handed to the verification that can matter, for it decodes each.
class CertificateJudge::Roots {
 public:
  explicit Roots(std::string_view pem) {
    const auto blocks = x509::parse_pem(pem, kMostRoots);
    if (!blocks) return;
    for (const x509::PemBlock& block : *blocks) {
      auto root = x509::parse_certificate(block.der, "a root");
      if (root) by_subject_.emplace(lower(root->subject.to_text()), std::move(*root));
    }
  }

  [[nodiscard]] std::size_t size() const { return by_subject_.size(); }

  [[nodiscard]] std::vector<x509::Certificate> that_matter(const std::vector<x509::Certificate>& chain) const {
    std::set<std::string> names;
    for (const x509::Certificate& certificate : chain) {
      names.insert(lower(certificate.issuer.to_text()));
      names.insert(lower(certificate.subject.to_text()));  // the certificate itself may be trusted
    }
    std::vector<x509::Certificate> found;
    for (const std::string& name : names) {
      const auto [begin, end] = by_subject_.equal_range(name);
      for (auto root = begin; root != end; ++root) found.push_back(root->second);
    }
    return found;
  }

 private:
  std::unordered_multimap<std::string, x509::Certificate> by_subject_;
};

struct CertificateJudge::Bundle {
  std::string digest;
  std::string error;  // why there are no roots; empty when there are
  Roots roots;
  UnixSeconds read_at = 0;
};

CertificateJudge::CertificateJudge(const std::string& system_roots_pem, BundleReader reader)
    : reader_(std::move(reader)),
      system_(std::make_unique<Bundle>(
          Bundle{.digest = crypto::sha256_hex(system_roots_pem), .roots = Roots(system_roots_pem)})) {
  if (system_->roots.size() == 0) system_->error = "this machine has no list of trusted roots";
}

CertificateJudge::~CertificateJudge() = default;

std::size_t CertificateJudge::system_roots() const { return system_->roots.size(); }

const CertificateJudge::Bundle& CertificateJudge::bundle_of(const Endpoint& endpoint, UnixSeconds now) {
  if (endpoint.ca_bundle.empty()) return *system_;
  if (bundles_.size() > kMostBundles) bundles_.clear();  // of a configuration that has been edited for long
  std::unique_ptr<Bundle>& bundle = bundles_[endpoint.ca_bundle];
  if (bundle && now - bundle->read_at < kReadAgain && now >= bundle->read_at) return *bundle;
  const Result<std::string> pem =
      reader_ ? reader_(endpoint.ca_bundle) : Result<std::string>(fail(ErrorCode::not_found, "no reader"));
  const std::string digest = pem ? crypto::sha256_hex(*pem) : "unreadable";
  if (!bundle || bundle->digest != digest) {
    bundle = std::make_unique<Bundle>(Bundle{.digest = digest, .roots = Roots(pem ? *pem : "")});
    if (!pem)
      bundle->error = "the CA bundle cannot be read";
    else if (bundle->roots.size() == 0)
      bundle->error = "the CA bundle holds no certificate";
  }
  bundle->read_at = now;
  return *bundle;
}

void CertificateJudge::Verdict::bound(UnixSeconds moment, UnixSeconds now) {
  if (moment <= now)
    since = std::max(since, moment);
  else
    until = std::min(until, moment);
}

std::optional<SeenCertificate> CertificateJudge::judge(const Endpoint& endpoint, const std::vector<std::string>& chain,
                                                       const std::string& tls_version, UnixSeconds now) {
  if (chain.empty()) return std::nullopt;
  const Bundle& bundle = bundle_of(endpoint, now);
  std::string parts;
  add_part(&parts, bundle.digest);
  add_part(&parts, expected_name(endpoint));
  for (const std::string& der : chain) add_part(&parts, der);
  std::string about = crypto::sha256_hex(parts);
  Verdict& verdict = verdicts_[endpoint.id];
  if (verdict.about != about || now < verdict.since || now >= verdict.until) {
    verdict = verdict_on(endpoint, bundle, chain, now);
    verdict.about = std::move(about);
  }
  if (verdict.certificate) verdict.certificate->tls_version = tls_version;
  return verdict.certificate;
}

CertificateJudge::Verdict CertificateJudge::verdict_on(const Endpoint& endpoint, const Bundle& bundle,
                                                       const std::vector<std::string>& chain, UnixSeconds now) {
  Verdict verdict;
  verdict.since = now - now % kSecondsPerDay;
  verdict.until = verdict.since + kSecondsPerDay;
  std::vector<x509::Certificate> parsed;
  for (const std::string& der : chain) {
    auto certificate = x509::parse_certificate(der, "the certificate shown");
    if (!certificate && parsed.empty()) return verdict;
    if (certificate) parsed.push_back(std::move(*certificate));
  }
  const x509::Certificate& own = parsed.front();
  SeenCertificate& seen = verdict.certificate.emplace();
  seen.der = own.der;
  seen.subject = own.subject.to_text();
  seen.issuer = own.issuer.to_text();
  seen.serial = own.serial;
  seen.not_before = own.not_before;
  seen.not_after = own.not_after;
  for (const x509::AlternativeName& name : own.alternative_names) {
    if (seen.names.size() < kMostNames) seen.names.push_back(printable(name.value));
  }
  seen.name_ok = x509::covers_name(own, expected_name(endpoint));
  seen.chain_error = bundle.error;
  if (seen.chain_error.empty()) check_chain(parsed, bundle, now, &verdict);
  return verdict;
}

void CertificateJudge::check_chain(const std::vector<x509::Certificate>& chain, const Bundle& bundle, UnixSeconds now,
                                   Verdict* verdict) {
  const std::vector<x509::Certificate> roots = bundle.roots.that_matter(chain);
  for (const auto* certificates : {&chain, &roots}) {
    for (const x509::Certificate& certificate : *certificates) {
      verdict->bound(certificate.not_before, now);
      // At its last second a certificate is valid to some and not to others (x509::verify_chain): both its ends.
      verdict->bound(certificate.not_after, now);
      verdict->bound(certificate.not_after + 1, now);
    }
  }
  ++verifications_;
  const auto checked = x509::verify_chain(chain.front(), {chain.begin() + 1, chain.end()}, roots, now);
  SeenCertificate& seen = *verdict->certificate;
  seen.chain_ok = checked && checked->trusted;
  if (!seen.chain_ok) seen.chain_error = checked ? checked->reason : "the chain cannot be checked";
}

void CertificateJudge::forget(const std::string& id) { verdicts_.erase(id); }

}  // namespace lockstep::service
