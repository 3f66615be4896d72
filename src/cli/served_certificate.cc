#include "cli/served_certificate.h"

#include "certstore/certificate_folder.h"
#include "durable/snapshot.h"
#include "x509/certificate.h"

namespace lockstep::cli {

ServedCertificate::ServedCertificate(fs::FileSystem& files, const std::string& root, const std::string& domain)
    : files_(files), path_(certstore::folder_path(root, domain)) {}

Result<std::optional<ServedCertificate::Read>> ServedCertificate::read_if_new() {
  const durable::Snapshot snapshot = TRY(durable::Snapshot::open(files_, path_));
  const durable::ManifestMember* chain = snapshot.manifest().find(certstore::kFullChainFile);
  if (chain != nullptr && chain->sha256 == shown_) return std::optional<Read>();
  Read read;
  read.identity.certificate_pem = TRY(snapshot.read(certstore::kFullChainFile, certstore::kMemberLimit));
  std::string key = TRY(snapshot.read(certstore::kKeyFile, certstore::kMemberLimit));
  read.identity.key_pem = SecretBytes(std::move(key));
  const auto certificates = TRY(x509::parse_certificates(read.identity.certificate_pem, path_));
  if (certificates.empty()) return fail(ErrorCode::damaged, "'" + path_ + "' holds no certificate");
  for (const x509::AlternativeName& name : certificates.front().alternative_names) read.names.push_back(name.value);
  shown_ = chain->sha256;
  return std::optional<Read>(std::move(read));
}

}  // namespace lockstep::cli
