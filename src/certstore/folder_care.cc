// Adoption of hand edits, for certificate folders.
#include <cerrno>

#include "certstore/certificate_folder.h"
#include "fs/io.h"

namespace lockstep::certstore {

namespace {

// What is made of the other members has no content of its own that could be taken over: an edit of it would be lost.
// Gone it may be, and is made again.
Status refuse_edit(durable::Runtime& runtime, const durable::StoreWriter& store, const char* name,
                   const std::optional<std::string>& made_now) {
  const std::string path = fs::join_path(store.path(), name);
  const auto content = fs::read_input(runtime.files, path, kMemberLimit);
  if (!content && content.error().system_errno == ENOENT) return {};
  if (!content) return fail(content.error());
  const auto committed = store.current()->read(name, kMemberLimit);
  if ((committed && *content == *committed) || (made_now && *content == *made_now)) return {};
  const fs::Stat stat = TRY(runtime.files.stat_path(path));
  const bool is_link = stat.type == fs::FileType::symlink;
  return fail(ErrorCode::edited_by_hand,
              "'" + path + "' is made of the folder's other files: an edit of it cannot be taken over",
              "keep what you need of it, remove '" + (is_link ? fs::join_path(store.current()->path(), name) : path) +
                  "', and it is made again");
}

}  // namespace

Result<durable::Generation> adopt(durable::Runtime& runtime, const std::string& path) {
  durable::StoreWriter store =
      TRY(durable::StoreWriter::open(runtime, path, folder_store_options({}), durable::OpenFor::adopt));
  if (store.current() == nullptr) return fail(ErrorCode::not_found, "nothing was ever committed to '" + path + "'");
  const FolderContents contents = TRY(read_contents(runtime.files, path));
  const std::vector<FolderProblem> problems = check_contents(contents);
  if (!problems.empty()) {
    return fail(ErrorCode::edited_by_hand, "'" + path + "': " + problems.front().what + "; the edit is not taken over",
                "correct the edit, or install the files with 'lockstep cert import'");
  }
  durable::Change change;
  change.put(kCertificateFile, contents.certificate)
      .put(kChainFile, contents.chain)
      .put(kFullChainFile, contents.full_chain)
      .put(kKeyFile, contents.key)
      .put(kMetadataFile, contents.metadata);
  if (store.current()->has(kCombinedFile)) {
    const std::string combined = contents.key + contents.full_chain;
    TRY(refuse_edit(runtime, store, kCombinedFile, combined));
    change.put(kCombinedFile, combined);
  }
  if (store.current()->has(kNginxFile)) {
    TRY(refuse_edit(runtime, store, kNginxFile, {}));
    change.produce(kNginxFile, write_nginx_conf);
  }
  const durable::Generation generation = TRY(store.commit(change));
  // The commit stands. A name that cannot be put back now is found by the next look at the store.
  const Status restored = store.restore_replaced_names();
  static_cast<void>(restored);
  return generation;
}

}  // namespace lockstep::certstore
