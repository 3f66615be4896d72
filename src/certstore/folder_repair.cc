// Repair of a certificate folder: the newest certificate whose key is still there.
#include <algorithm>

#include "certstore/certificate_folder.h"
#include "durable/damage.h"
#include "fs/io.h"

namespace lockstep::certstore {

namespace {

using durable::Generation;
using durable::StoreWriter;
using durable::unless_damaged;

constexpr std::string_view kCertificateBegin = "-----BEGIN CERTIFICATE-----";

// Every member is there, is what was committed, and belongs to the others.
Result<bool> is_whole(const durable::Snapshot& snapshot) {
  if (snapshot.manifest().kind != kStoreKind) return false;
  const bool verified = TRY(durable::is_whole(snapshot.verify()));
  if (!verified) return false;
  const auto problems = TRY(unless_damaged(check_members(snapshot)));
  return problems && problems->empty();
}

Result<std::string> left_of(const StoreWriter& store, Generation generation, const char* member) {
  const std::optional<std::string> text = TRY(store.remains(generation, member, kMemberLimit));
  return text.value_or("");
}

// combined.pem is the key, then the certificates.
std::string key_part(const std::string& combined) { return combined.substr(0, combined.find(kCertificateBegin)); }
std::string certificates_part(const std::string& combined) {
  const std::size_t at = combined.find(kCertificateBegin);
  return at == std::string::npos ? "" : combined.substr(at);
}

// Every key that is left anywhere, the newest first: one and the same may serve several certificates.
Result<std::vector<std::string>> keys_left(const StoreWriter& store, const std::vector<Generation>& generations) {
  std::vector<std::string> keys;
  for (const Generation generation : generations) {
    keys.push_back(TRY(left_of(store, generation, kKeyFile)));
    const std::string combined = TRY(left_of(store, generation, kCombinedFile));
    keys.push_back(key_part(combined));
  }
  return keys;
}

// The certificate of a generation with its chain, and the key that is proven to be its own; nothing when either is
// lost.
Result<std::optional<CertificateSet>> put_together(const StoreWriter& store, Generation generation,
                                                   const std::vector<std::string>& keys) {
  const std::string leaf = TRY(left_of(store, generation, kCertificateFile));
  const std::string chain = TRY(left_of(store, generation, kChainFile));
  const std::optional<std::string> chain_there = TRY(store.remains(generation, kChainFile, kMemberLimit));
  const std::string full = TRY(left_of(store, generation, kFullChainFile));
  const std::string combined = TRY(left_of(store, generation, kCombinedFile));
  std::vector<std::string> sources = {full, certificates_part(combined)};
  // The certificate alone is half of what servers need: without its chain an older set is better.
  if (chain_there) sources.insert(sources.begin(), leaf.empty() ? "" : leaf + chain);
  for (const std::string& source : sources) {
    if (source.empty()) continue;
    for (const std::string& key : keys) {
      if (key.empty()) continue;
      auto set = parse_set({.certificate_pem = source,
                            .certificate_name = kFullChainFile,
                            .key_pem = key,
                            .key_name = kKeyFile,
                            .chain_pem = {},
                            .chain_name = kChainFile});
      if (!set) continue;
      const auto problems = examine_set(*set, {.domain = {}, .now = set->leaf.not_before, .anchors = {}});
      const bool fits = problems && std::ranges::all_of(*problems, &SetProblem::waivable);
      if (fits) return std::optional<CertificateSet>(std::move(*set));
    }
  }
  return std::optional<CertificateSet>();
}

// A folder that was made for a group is so still.
Result<FolderOptions> options_of(StoreWriter& store) {
  FolderOptions options;
  const fs::Stat stat = TRY(store.directory().stat());
  if ((stat.mode & 0007U) == 0 && (stat.mode & 0050U) == 0050U) options.group = stat.gid;
  options.combined = TRY(fs::entry_exists(store.directory(), kCombinedFile));
  options.nginx_conf = TRY(fs::entry_exists(store.directory(), kNginxFile));
  return options;
}

Status commit_set(StoreWriter& store, Generation generation, const CertificateSet& set, Repaired* result) {
  const FolderOptions options = TRY(options_of(store));
  const std::string text = TRY(left_of(store, generation, kMetadataFile));
  auto metadata = parse_metadata(text, kMetadataFile);
  const bool known = metadata && metadata->serial == set.leaf.serial && metadata->expires_at == set.leaf.not_after;
  TRY(store.prepare_repair(&result->actions));
  store.set_base({});
  store.set_group(options.group);
  result->generation = TRY(
      store.commit(folder_change(store, set, known ? *metadata : metadata_of(set.leaf, "doctor --repair"), options)));
  result->actions.push_back("generation " + std::to_string(result->generation) +
                            " was made of what is left of generation " + std::to_string(generation) +
                            " and the key that belongs to it");
  return {};
}

// Makes another generation the live one: the newest that is whole or can be put together again.
Status replace_live(StoreWriter& store, const std::string& path, Repaired* result) {
  const std::vector<Generation> generations = TRY(store.generations_on_disk());
  const std::vector<std::string> keys = TRY(keys_left(store, generations));
  for (const Generation generation : generations) {
    bool whole = false;
    {
      const auto snapshot = TRY(unless_damaged(store.open_generation(generation)));
      if (snapshot) whole = TRY(is_whole(*snapshot));
    }
    if (whole) {
      TRY(store.prepare_repair(&result->actions));
      result->generation = TRY(store.make_live(generation));
      result->actions.push_back("generation " + std::to_string(generation) + ", the newest intact one, is live again");
      return {};
    }
    const std::optional<CertificateSet> set = TRY(put_together(store, generation, keys));
    if (set) return commit_set(store, generation, *set, result);
  }
  return fail(ErrorCode::damaged, "no generation in '" + path + "' is intact: nothing was changed",
              "install the certificate anew with 'lockstep cert import', or restore the folder from a backup");
}

Status settle_rest(StoreWriter& store, std::vector<std::string>* done) {
  const std::vector<std::string> closed = TRY(durable::close_secrets(*store.current(), secrets()));
  for (const std::string& path : closed) done->push_back("'" + path + "' was closed to others");
  return store.set_aside_damage(done);
}

}  // namespace

Result<Repaired> repair(durable::Runtime& runtime, const std::string& path) {
  StoreWriter store = TRY(StoreWriter::open(runtime, path, folder_store_options({}), durable::OpenFor::repair));
  Repaired result;
  bool whole = false;
  if (store.current() != nullptr) whole = TRY(is_whole(*store.current()));
  if (whole)
    result.generation = store.current()->generation();
  else
    TRY(replace_live(store, path, &result));
  const Status settled = settle_rest(store, &result.actions);
  if (settled) return result;
  if (result.actions.empty()) return fail(settled.error());
  // What was done stands; what was not is found and done by the next repair.
  result.actions.push_back("not everything was done: " + settled.error().message);
  return result;
}

}  // namespace lockstep::certstore
