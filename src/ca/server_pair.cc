// The pair that the issuing server shows for itself: key and certificate are members of the CA's store.
#include "ca/registrar.h"
#include "x509/pem.h"

namespace lockstep::ca {

namespace {
constexpr std::size_t kLongestCommonName = 64;  // RFC 5280 Appendix A, ub-common-name
}  // namespace

Result<std::optional<ServerPair>> stored_server_pair(Ledger& ledger, const std::vector<x509::AlternativeName>& names,
                                                     UnixSeconds now) {
  const std::unique_ptr<LedgerReader> reader = TRY(ledger.read());
  const auto none = [] { return std::optional<ServerPair>(); };
  ServerPair pair;
  pair.certificate_pem = TRY(reader->records(kServerCertificateFile));
  std::string key_text = TRY(reader->records(kServerKeyFile));
  pair.key_pem = SecretBytes(std::move(key_text));
  if (pair.certificate_pem.empty() || pair.key_pem.empty()) return none();
  const x509::Certificate certificate = TRY(x509::parse_certificate(pair.certificate_pem, kServerCertificateFile));
  const crypto::PrivateKey key = TRY(crypto::PrivateKey::from_pem(pair.key_pem.reveal(), kServerKeyFile));
  const std::string root_pem = TRY(reader->authority_certificate());
  const x509::Certificate root = TRY(x509::parse_certificate(root_pem, "ca.crt"));
  const bool ours = TRY(x509::is_signed_by(certificate, root.public_key_info));
  const bool matches = TRY(x509::pair_matches(certificate, key));
  const auto wanted = TRY(canonical_names(names));
  const auto has = canonical_names(certificate.alternative_names);
  if (!ours || !matches || !has || *has != wanted || now < certificate.not_before || now >= certificate.not_after)
    return none();
  const Serial serial = TRY(parse_serial(certificate.serial));
  const std::optional<IndexEntry> entry = TRY(reader->find(serial));
  if (!entry || entry->revocation) return none();
  pair.not_before = certificate.not_before;
  pair.not_after = certificate.not_after;
  return std::optional<ServerPair>(std::move(pair));
}

Result<ServerPair> renew_server_pair(Ledger& ledger, const std::vector<x509::AlternativeName>& names,
                                     std::int64_t validity_seconds, UnixSeconds now) {
  LOCKSTEP_CHECK(!names.empty());
  const std::string& first = names.front().value;
  x509::Name subject;
  if (first.size() <= kLongestCommonName) subject = TRY(x509::Name::parse_text("CN=" + first));
  const crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(crypto::KeyAlgorithm::ecdsa_p256));
  const std::string der = TRY(x509::make_request(subject, names, key));
  const x509::Request request = TRY(accept_request(der, "the server's request"));
  const std::unique_ptr<LedgerWriter> writer = TRY(ledger.write());
  const Signer signer = TRY(load_signer(*writer));
  const IssuePolicy policy{.profile = Profile::server, .validity_seconds = validity_seconds};
  const Issued issued = TRY(issue_one(signer, request, policy, writer->next_serial(), now));
  ServerPair pair;
  pair.certificate_pem = issued.pem;
  pair.key_pem = TRY(key.to_pem());
  pair.not_before = issued.entry.not_before;
  pair.not_after = issued.entry.not_after;
  TRY(writer->issue({{issued.entry, issued.pem}}, {{kServerKeyFile, std::string(pair.key_pem.reveal()), false},
                                                   {kServerCertificateFile, issued.pem, false}}));
  return pair;
}

}  // namespace lockstep::ca
