// Certificate folders: one generation store a domain, with the names that web servers expect.
//
// docs/formats/certificate-folder.md specifies the members.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certstore/certificate_set.h"
#include "certstore/metadata.h"
#include "durable/generation_store.h"
#include "durable/secret_files.h"

namespace lockstep::certstore {

inline constexpr const char* kStoreKind = "certificate";
inline constexpr const char* kCertificateFile = "cert.pem";
inline constexpr const char* kChainFile = "chain.pem";
inline constexpr const char* kFullChainFile = "fullchain.pem";
inline constexpr const char* kKeyFile = "privkey.pem";
inline constexpr const char* kMetadataFile = "metadata.json";
inline constexpr const char* kCombinedFile = "combined.pem";
inline constexpr const char* kNginxFile = "nginx.conf";
inline constexpr std::size_t kMemberLimit = 1U << 20U;  // bytes

struct FolderOptions {
  bool combined = false;               // key and full chain in one file, for HAProxy
  bool nginx_conf = false;             // a file that names this generation's own paths
  std::optional<std::uint32_t> group;  // may read the folder, its keys included
};

// The files with the key: for their owner, and for a group where the folder has one.
durable::SecretFiles secrets();

durable::StoreOptions folder_store_options(const FolderOptions& options);

// The nginx.conf member. nginx reads its configuration once a reload: paths that name one generation's own files can
// never mix two.
Status write_nginx_conf(durable::MemberSink& sink);

// All members of a folder that is to hold the set; those that it had on an earlier wish are kept up to date.
durable::Change folder_change(const durable::StoreWriter& store, const CertificateSet& set, const Metadata& metadata,
                              const FolderOptions& options);

// ROOT/certs/FOLDER.
std::string folder_path(const std::string& root, const std::string& domain);

struct InstallResult {
  durable::Generation generation = 0;
  bool unchanged = false;  // the folder had exactly this set already
};

// Makes the set the folder's live generation, in one commit. The set has been examined. Members that the folder had on
// an earlier wish (combined.pem, nginx.conf) are kept up to date.
Result<InstallResult> install(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                              const CertificateSet& set, const Metadata& metadata, const FolderOptions& options);

// What is to be known of a folder to decide when its certificate is renewed.
struct InstalledLeaf {
  std::string domain;
  std::string path;
  durable::Generation generation = 0;
  x509::Certificate leaf;
};
// The live one. Reads the certificate alone: whether everything beside it is whole, load() and `cert verify` say.
Result<InstalledLeaf> load_leaf(durable::Runtime& runtime, const std::string& root, const std::string& domain);

// A folder's certificate as readers see it.
struct InstalledCertificate : InstalledLeaf {
  std::size_t chain_length = 0;
  Metadata metadata;
  std::vector<durable::Generation> history;
};
// The live one, or that of a generation that is kept: who made a change says what was made, whatever came after.
Result<InstalledCertificate> load(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                                  std::optional<durable::Generation> generation = {});

// The domains that have a folder, sorted.
Result<std::vector<std::string>> list_domains(fs::FileSystem& files, const std::string& root);

// Swaps back to an older generation. Errors: not_found, damaged.
Result<durable::Generation> roll_back(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                                      std::optional<durable::Generation> to);

struct FolderProblem {
  std::string member;  // the file it is about
  std::string what;
};
// Does what a generation holds belong together? One entry for each thing that is wrong: the pair, the chain, the full
// chain, the metadata.
Result<std::vector<FolderProblem>> check_members(const durable::Snapshot& snapshot);
// The same for contents that are not committed (an edit that is to be adopted).
struct FolderContents {
  std::string certificate, chain, full_chain, key, metadata;
};
std::vector<FolderProblem> check_contents(const FolderContents& contents);

// The members as readers of the stable names see them, unchecked: an edited file counts as it stands.
Result<FolderContents> read_contents(fs::FileSystem& files, const std::string& path);

// Takes a hand edit over as a new generation, if its contents belong together. Errors: edited_by_hand naming what does
// not; nothing changed then.
Result<durable::Generation> adopt(durable::Runtime& runtime, const std::string& path);

struct Repaired {
  durable::Generation generation = 0;
  std::vector<std::string> actions;  // what was done, a sentence each; empty when nothing had to be
};
// Leaves damage behind: the newest intact generation becomes live, or, where a newer certificate and its key can be put
// together from what is left of the generations, a new one is made of them. A key is never stored beside a certificate
// that is not its own. What is replaced or cannot be used is set aside. Errors: damaged when nothing can be put
// together; those of the file system.
Result<Repaired> repair(durable::Runtime& runtime, const std::string& path);

}  // namespace lockstep::certstore
