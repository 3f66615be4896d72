#include "certstore/draft.h"

#include <cerrno>

#include "durable/atomic_file.h"
#include "durable/layout.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::certstore {

namespace {

constexpr const char* kDraftKey = "privkey.pem";
constexpr const char* kDraftRequest = "request.der";
constexpr const char* kSpace = "space";
// The six members with a chain of several certificates, the manifest, and what a file system needs for their names.
constexpr std::size_t kSpaceBytes = 256U * 1024U;

std::string draft_path(const std::string& root, const std::string& domain) {
  return fs::join_path(fs::join_path(folder_path(root, domain), durable::kControlDirectory), durable::kDraftDirectory);
}

// The draft's directory as it is, nothing when there is none.
Result<std::unique_ptr<fs::Directory>> open_draft(fs::FileSystem& files, const std::string& root,
                                                  const std::string& domain) {
  auto directory = files.open_directory(draft_path(root, domain));
  if (!directory && directory.error().system_errno == ENOENT) return std::unique_ptr<fs::Directory>();
  return directory;
}

Status remove_from(fs::Directory& directory, const char* name) {
  Status removed = directory.remove_file(name);
  if (!removed && removed.error().system_errno != ENOENT) return removed;
  return {};
}

// Options that leave the folder's own modes alone: a draft changes nothing that readers see.
Result<durable::StoreWriter> open_store(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                                        const FolderOptions& options) {
  return durable::StoreWriter::open(runtime, folder_path(root, domain), folder_store_options(options));
}

// Takes the draft and its directory out of a store that is locked.
Status remove_contents(durable::Runtime& runtime, const durable::StoreWriter& store, fs::Directory& draft) {
  // A kill leaves temporaries too; whatever else somebody put there keeps the directory.
  const auto is_ours = [](const std::string& owner) {
    return owner == kDraftRequest || owner == kDraftKey || owner == kSpace;
  };
  TRY(durable::sweep_temporaries(draft, is_ours));
  for (const char* name : {kDraftRequest, kDraftKey, kSpace}) TRY(remove_from(draft, name));
  TRY(draft.sync());
  const std::unique_ptr<fs::Directory> control =
      TRY(runtime.files.open_directory(fs::join_path(store.path(), durable::kControlDirectory)));
  TRY(control->remove_directory(durable::kDraftDirectory));
  return control->sync();
}

// A folder in which nothing ever came to its end: a crash left it before the draft's directory was made, or after it
// was removed.
Result<bool> is_shell(fs::FileSystem& files, const std::string& root, const std::string& domain) {
  auto control = files.open_directory(fs::join_path(folder_path(root, domain), durable::kControlDirectory));
  if (!control && control.error().system_errno == ENOENT) return false;
  if (!control) return fail(std::move(control).error());
  const auto pointer = (*control)->read_symlink(durable::kCurrentPointer);
  if (!pointer && pointer.error().system_errno != ENOENT) return fail(pointer.error());
  return !pointer.has_value();
}

}  // namespace

Status save_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                  const FolderOptions& options, const Draft& draft) {
  durable::StoreWriter store = TRY(open_store(runtime, root, domain, options));
  const std::unique_ptr<fs::Directory> directory = TRY(store.draft_directory());
  // A request without its key is no draft: the key comes first.
  Status saved = durable::atomic_write_in(runtime, *directory, kDraftKey, draft.key_pem.reveal(), {.mode = 0600});
  const bool has_key = saved.has_value();
  if (saved) saved = durable::atomic_write_in(runtime, *directory, kDraftRequest, draft.request_der, {.mode = 0600});
  if (saved) return {};
  Error error = std::move(saved).error();
  // Without its request it is no draft, so nothing is uncertain about it any more.
  const bool is_gone = !has_key || remove_from(*directory, kDraftRequest).has_value();
  if (is_gone && error.code == ErrorCode::commit_uncertain) error.code = ErrorCode::io_error;
  if (const Status removed = remove_contents(runtime, store, *directory); !removed)
    error.hint = "left behind: " + removed.error().message;
  return fail(std::move(error));
}

Result<std::optional<Draft>> load_draft(fs::FileSystem& files, const std::string& root, const std::string& domain) {
  const std::unique_ptr<fs::Directory> directory = TRY(open_draft(files, root, domain));
  if (directory == nullptr) return std::optional<Draft>();
  auto key = fs::read_file(*directory, kDraftKey, kMemberLimit);
  auto request = fs::read_file(*directory, kDraftRequest, kMemberLimit);
  for (const auto* part : {&key, &request}) {
    if (*part) continue;
    if (part->error().system_errno == ENOENT) return std::optional<Draft>();
    return fail(part->error());
  }
  return std::optional(Draft{.key_pem = SecretBytes(std::move(*key)), .request_der = std::move(*request)});
}

namespace {

// The draft under the store's lock. A store that holds nothing else takes its own directory away when it is closed.
Status remove_draft_files(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  const std::unique_ptr<fs::Directory> there = TRY(open_draft(runtime.files, root, domain));
  if (there == nullptr) {
    const bool shell = TRY(is_shell(runtime.files, root, domain));
    if (!shell) return {};
  }
  const durable::StoreWriter store = TRY(open_store(runtime, root, domain, {}));
  const std::unique_ptr<fs::Directory> directory = TRY(open_draft(runtime.files, root, domain));
  return directory == nullptr ? Status() : remove_contents(runtime, store, *directory);
}

}  // namespace

Status remove_draft(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  TRY(remove_draft_files(runtime, root, domain));
  // The folder that was made for the draft alone. A run that makes another draft meanwhile makes the folder again.
  const std::string path = TRY(runtime.files.absolute_path(folder_path(root, domain)));
  const fs::SplitPath split = fs::split_path(path);
  auto parent = runtime.files.open_directory(split.parent);
  if (!parent && parent.error().system_errno == ENOENT) return {};
  if (!parent) return fail(std::move(parent).error());
  Status removed = (*parent)->remove_directory(split.name);
  if (removed) return (*parent)->sync();
  const int why = removed.error().system_errno;
  if (why == ENOTEMPTY || why == EEXIST || why == ENOENT || why == ENOTDIR) return {};
  return removed;
}

Status reserve_space(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  const std::unique_ptr<fs::Directory> directory = TRY(open_draft(runtime.files, root, domain));
  if (directory == nullptr) return fail(ErrorCode::internal, "there is no draft to prove space beside");
  return durable::atomic_write_in(runtime, *directory, kSpace, std::string(kSpaceBytes, '\0'), {.mode = 0600});
}

Status release_space(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  const std::unique_ptr<fs::Directory> directory = TRY(open_draft(runtime.files, root, domain));
  return directory == nullptr ? Status() : remove_from(*directory, kSpace);
}

}  // namespace lockstep::certstore
