#include "certstore/certificate_folder.h"

#include <algorithm>
#include <cerrno>

#include "certstore/domain_name.h"
#include "fs/io.h"

namespace lockstep::certstore {

namespace {

constexpr const char* kFoldersDirectory = "certs";

std::string chain_pem(const CertificateSet& set) {
  std::string text;
  for (const x509::Certificate& certificate : set.chain) text += x509::to_pem(certificate);
  return text;
}

}  // namespace

Status write_nginx_conf(durable::MemberSink& sink) {
  const std::string& generation_path = sink.generation_path();
  // nginx knows no escape for a dollar sign, and nobody expects the rest in a path that a server reads.
  for (const char c : generation_path) {
    if (c == '$' || c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return fail(ErrorCode::invalid_argument,
                  "nginx.conf cannot name the path '" + generation_path + "': it has a character special to nginx",
                  "choose another --path, or leave --nginx-conf out");
    }
  }
  return sink.write(
      "# Names one generation's own files, so that a reload never reads a certificate of one and a key of another.\n"
      "ssl_certificate \"" +
      generation_path + "/" + kFullChainFile + "\";\nssl_certificate_key \"" + generation_path + "/" + kKeyFile +
      "\";\n");
}

namespace {

bool has_now(const durable::StoreWriter& store, const char* member) {
  return store.current() != nullptr && store.current()->has(member);
}

// The member has exactly this content. Not having it, or having another, is `false`.
Result<bool> holds(const durable::StoreWriter& store, const char* member, std::string_view content) {
  if (!has_now(store, member)) return false;
  const std::string now = TRY(store.current()->read(member, kMemberLimit));
  return now == content;
}

Result<bool> is_installed(const durable::StoreWriter& store, const CertificateSet& set, const FolderOptions& options) {
  if (options.combined && !has_now(store, kCombinedFile)) return false;
  if (options.nginx_conf && !has_now(store, kNginxFile)) return false;
  if (options.group) return false;  // ownership may be what is to change
  if (store.current() != nullptr)
    TRY(store.current()->verify());  // all of it: an edited fullchain.pem is not installed
  const bool leaf = TRY(holds(store, kCertificateFile, x509::to_pem(set.leaf)));
  const bool chain = TRY(holds(store, kChainFile, chain_pem(set)));
  const bool key = TRY(holds(store, kKeyFile, set.key_pem.reveal()));
  return leaf && chain && key;
}

Result<durable::Snapshot> open_kept(fs::FileSystem& files, const std::string& path, durable::Generation generation) {
  const std::unique_ptr<fs::Directory> control =
      TRY(files.open_directory(fs::join_path(path, durable::kControlDirectory)));
  return durable::Snapshot::open_generation(*control, generation);
}

std::unexpected<Error> no_such_certificate(const std::string& domain, const std::string& path) {
  return fail(ErrorCode::not_found, "no certificate for " + domain + " (looked in '" + path + "')",
              "see 'lockstep cert list'");
}

}  // namespace

durable::Change folder_change(const durable::StoreWriter& store, const CertificateSet& set, const Metadata& metadata,
                              const FolderOptions& options) {
  const std::uint32_t key_mode = options.group ? 0640 : 0600;
  const std::string leaf = x509::to_pem(set.leaf);
  const std::string chain = chain_pem(set);
  const std::string key(set.key_pem.reveal());
  durable::Change change;
  change.put(kCertificateFile, leaf, 0644)
      .put(kChainFile, chain, 0644)
      .put(kFullChainFile, leaf + chain, 0644)
      .put(kKeyFile, key, key_mode)
      .put(kMetadataFile, encode_metadata(metadata), 0644);
  if (options.combined || has_now(store, kCombinedFile)) change.put(kCombinedFile, key + leaf + chain, key_mode);
  if (options.nginx_conf || has_now(store, kNginxFile)) {
    change.produce(kNginxFile, write_nginx_conf, 0644);
  }
  return change;
}

durable::SecretFiles secrets() { return {.names = {kKeyFile, kCombinedFile}, .forbidden = 0007}; }

durable::StoreOptions folder_store_options(const FolderOptions& options) {
  return {.kind = kStoreKind,
          .directory_mode = options.group ? 0750U : 0755U,
          .group = options.group,
          .keep = {.generations = 2, .seconds = 24 * 3600},
          .may_roll_back = true};
}

std::string folder_path(const std::string& root, const std::string& domain) {
  return fs::join_path(fs::join_path(root, kFoldersDirectory), folder_name(domain));
}

Result<InstallResult> install(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                              const CertificateSet& set, const Metadata& metadata, const FolderOptions& options) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, folder_path(root, domain), folder_store_options(options)));
  const bool unchanged = TRY(is_installed(store, set, options));
  if (unchanged) return InstallResult{store.current()->generation(), true};
  const durable::Generation generation = TRY(store.commit(folder_change(store, set, metadata, options)));
  // The commit stands, whether old generations can be removed now or by the next writer.
  const Status collected = store.collect();
  static_cast<void>(collected);
  return InstallResult{generation, false};
}

namespace {

// The pinned generation of a domain's folder: the live one, or one that is kept.
Result<durable::Snapshot> open_folder(durable::Runtime& runtime, const std::string& domain, const std::string& path,
                                      std::optional<durable::Generation> generation) {
  auto snapshot =
      generation ? open_kept(runtime.files, path, *generation) : durable::Snapshot::open(runtime.files, path);
  if (!snapshot && snapshot.error().code == ErrorCode::not_found) return no_such_certificate(domain, path);
  return snapshot;
}

Result<InstalledLeaf> read_leaf(const durable::Snapshot& snapshot, const std::string& domain, const std::string& path) {
  const std::string leaf = TRY(snapshot.read(kCertificateFile, kMemberLimit));
  InstalledLeaf installed{.domain = domain, .path = path, .generation = snapshot.generation(), .leaf = {}};
  installed.leaf = TRY(x509::parse_certificate(leaf, fs::join_path(path, kCertificateFile)));
  return installed;
}

}  // namespace

Result<InstalledLeaf> load_leaf(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  const std::string path = TRY(runtime.files.absolute_path(folder_path(root, domain)));
  const durable::Snapshot snapshot = TRY(open_folder(runtime, domain, path, {}));
  return read_leaf(snapshot, domain, path);
}

Result<InstalledCertificate> load(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                                  std::optional<durable::Generation> generation) {
  const std::string path = TRY(runtime.files.absolute_path(folder_path(root, domain)));
  const durable::Snapshot snapshot = TRY(open_folder(runtime, domain, path, generation));
  InstalledCertificate installed;
  static_cast<InstalledLeaf&>(installed) = TRY(read_leaf(snapshot, domain, path));
  const std::string chain = TRY(snapshot.read(kChainFile, kMemberLimit));
  const std::string metadata = TRY(snapshot.read(kMetadataFile, kMemberLimit));
  const std::vector<x509::Certificate> certificates =
      TRY(x509::parse_certificates(chain, fs::join_path(path, kChainFile)));
  installed.chain_length = certificates.size();
  installed.metadata = TRY(parse_metadata(metadata, fs::join_path(path, kMetadataFile)));
  installed.history = snapshot.manifest().history;
  return installed;
}

Result<std::vector<std::string>> list_domains(fs::FileSystem& files, const std::string& root) {
  auto directory = files.open_directory(fs::join_path(root, kFoldersDirectory));
  if (!directory) {
    if (directory.error().system_errno == ENOENT) return std::vector<std::string>();
    return fail(std::move(directory).error());
  }
  std::vector<std::string> domains;
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    const auto domain = domain_of_folder(entry.name);
    if (!domain || entry.type != fs::FileType::directory) continue;
    // A folder whose first import never came to its end holds no certificate yet.
    const std::unique_ptr<fs::Directory> folder = TRY((*directory)->open_directory(entry.name));
    const auto control = folder->open_directory(durable::kControlDirectory);
    if (!control) continue;
    const bool live = fs::entry_exists(**control, durable::kCurrentPointer).value_or(true);
    const bool lost = !live && fs::entry_exists(**control, durable::kHistoryFile).value_or(true);
    if (live || lost) domains.push_back(*domain);
  }
  std::sort(domains.begin(), domains.end());
  return domains;
}

Result<durable::Generation> roll_back(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                                      std::optional<durable::Generation> to) {
  const std::string path = TRY(runtime.files.absolute_path(folder_path(root, domain)));
  auto snapshot = durable::Snapshot::open(runtime.files, path);
  if (!snapshot && snapshot.error().code == ErrorCode::not_found) return no_such_certificate(domain, path);
  durable::StoreWriter store = TRY(durable::StoreWriter::open(runtime, path, folder_store_options({})));
  return store.roll_back(to);
}

namespace {

// The first file that cannot be read as what it is.
const char* unparsable(const FolderContents& contents) {
  const auto leaf = x509::parse_certificates(contents.certificate, kCertificateFile);
  if (!leaf || leaf->empty()) return kCertificateFile;
  return crypto::PrivateKey::from_pem(contents.key, kKeyFile) ? kChainFile : kKeyFile;
}

}  // namespace

std::vector<FolderProblem> check_contents(const FolderContents& contents) {
  std::vector<FolderProblem> problems;
  const auto set = parse_set({.certificate_pem = contents.certificate,
                              .certificate_name = kCertificateFile,
                              .key_pem = contents.key,
                              .key_name = kKeyFile,
                              .chain_pem = contents.chain,
                              .chain_name = kChainFile});
  if (!set) {
    problems.push_back({unparsable(contents), set.error().message});
    return problems;
  }
  // Names and dates are for `cert verify`: a certificate that has expired is not damaged.
  const auto wrong = examine_set(*set, {.domain = {}, .now = set->leaf.not_before, .anchors = {}});
  if (!wrong) {
    problems.push_back({kKeyFile, wrong.error().message});
  } else {
    const bool matches = x509::pair_matches(set->leaf, set->key).value_or(false);
    for (const SetProblem& problem : *wrong) {
      if (problem.waivable) continue;
      const bool is_pair = !matches && &problem == &wrong->front();
      problems.push_back({is_pair ? kKeyFile : kChainFile, problem.message});
    }
  }
  if (contents.full_chain != contents.certificate + contents.chain) {
    problems.push_back({kFullChainFile, "fullchain.pem is not cert.pem followed by chain.pem"});
  }
  const auto metadata = parse_metadata(contents.metadata, kMetadataFile);
  if (!metadata)
    problems.push_back({kMetadataFile, metadata.error().message});
  else if (metadata->serial != set->leaf.serial || metadata->expires_at != set->leaf.not_after) {
    problems.push_back({kMetadataFile, "metadata.json is about another certificate: its serial or end differs"});
  }
  return problems;
}

Result<std::vector<FolderProblem>> check_members(const durable::Snapshot& snapshot) {
  std::vector<FolderProblem> missing;
  for (const char* name : {kCertificateFile, kChainFile, kFullChainFile, kKeyFile, kMetadataFile}) {
    if (!snapshot.has(name)) missing.push_back({name, "the live generation has no member '" + std::string(name) + "'"});
  }
  if (!missing.empty()) return missing;
  FolderContents contents;
  contents.certificate = TRY(snapshot.read(kCertificateFile, kMemberLimit));
  contents.chain = TRY(snapshot.read(kChainFile, kMemberLimit));
  contents.full_chain = TRY(snapshot.read(kFullChainFile, kMemberLimit));
  contents.key = TRY(snapshot.read(kKeyFile, kMemberLimit));
  contents.metadata = TRY(snapshot.read(kMetadataFile, kMemberLimit));
  return check_contents(contents);
}

Result<FolderContents> read_contents(fs::FileSystem& files, const std::string& path) {
  const auto read = [&](const char* name) { return fs::read_input(files, fs::join_path(path, name), kMemberLimit); };
  FolderContents contents;
  contents.certificate = TRY(read(kCertificateFile));
  contents.chain = TRY(read(kChainFile));
  contents.full_chain = TRY(read(kFullChainFile));
  contents.key = TRY(read(kKeyFile));
  contents.metadata = TRY(read(kMetadataFile));
  return contents;
}

}  // namespace lockstep::certstore
