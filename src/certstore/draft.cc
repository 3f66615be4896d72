#include "certstore/draft.h"

#include "durable/draft.h"

namespace lockstep::certstore {

namespace {

// The six members with a chain of several certificates, the manifest, and what a file system needs for their names.
constexpr std::size_t kSpaceBytes = 256U * 1024U;

// A request without its key is no draft: the key comes first. Options of removals leave the folder's own modes alone.
durable::Draft draft_of(const std::string& root, const std::string& domain, const FolderOptions& options = {}) {
  return {folder_path(root, domain), folder_store_options(options), {"privkey.pem", "request.der"}};
}

}  // namespace

Status save_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                  const FolderOptions& options, const Draft& draft) {
  return draft_of(root, domain, options).save(runtime, {draft.key_pem.reveal(), draft.request_der});
}

Result<std::optional<Draft>> load_draft(fs::FileSystem& files, const std::string& root, const std::string& domain) {
  auto contents = TRY(draft_of(root, domain).load(files, kMemberLimit));
  if (!contents) return std::optional<Draft>();
  return std::optional(Draft{.key_pem = SecretBytes(std::move(contents->at(0))), .request_der = contents->at(1)});
}

Status remove_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  return draft_of(root, domain).remove(runtime);
}

Status reserve_space(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  return draft_of(root, domain).reserve_space(runtime, kSpaceBytes);
}

Status release_space(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  return draft_of(root, domain).release_space(runtime);
}

}  // namespace lockstep::certstore
