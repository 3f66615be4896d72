#include "durable/draft.h"

#include <algorithm>
#include <cerrno>

#include "durable/atomic_file.h"
#include "durable/layout.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr const char* kSpace = "space";

Status remove_from(fs::Directory& directory, const std::string& name) {
  Status removed = directory.remove_file(name);
  if (!removed && removed.error().system_errno != ENOENT) return removed;
  return {};
}

}  // namespace

std::string Draft::control_path() const { return fs::join_path(store_path_, kControlDirectory); }

// The draft's directory as it is, nothing when there is none.
Result<std::unique_ptr<fs::Directory>> Draft::open_directory(fs::FileSystem& files) const {
  auto directory = files.open_directory(fs::join_path(control_path(), kDraftDirectory));
  if (!directory && directory.error().system_errno == ENOENT) return std::unique_ptr<fs::Directory>();
  return directory;
}

// A store in which nothing ever came to its end: a crash left it before the draft's directory was made, or after it was
// removed.
Result<bool> Draft::is_shell(fs::FileSystem& files) const {
  auto control = files.open_directory(control_path());
  if (!control && control.error().system_errno == ENOENT) return false;
  if (!control) return fail(std::move(control).error());
  const auto pointer = (*control)->read_symlink(kCurrentPointer);
  if (!pointer && pointer.error().system_errno != ENOENT) return fail(pointer.error());
  return !pointer.has_value();
}

// Takes the draft and its directory out of a store that is locked.
Status Draft::remove_contents(fs::FileSystem& files, fs::Directory& directory) const {
  // A kill leaves temporaries too; whatever else somebody put there keeps the directory.
  const auto is_ours = [this](const std::string& owner) {
    return owner == kSpace || std::find(names_.begin(), names_.end(), owner) != names_.end();
  };
  TRY(sweep_temporaries(directory, is_ours));
  // The one that completes it first: from then on it is no draft.
  for (auto name = names_.rbegin(); name != names_.rend(); ++name) TRY(remove_from(directory, *name));
  TRY(remove_from(directory, kSpace));
  TRY(directory.sync());
  const std::unique_ptr<fs::Directory> control = TRY(files.open_directory(control_path()));
  TRY(control->remove_directory(kDraftDirectory));
  return control->sync();
}

Status Draft::save(Runtime& runtime, const std::vector<std::string_view>& contents) const {
  StoreWriter store = TRY(StoreWriter::open(runtime, store_path_, options_));
  const std::unique_ptr<fs::Directory> directory = TRY(store.draft_directory());
  Status saved;
  std::size_t written = 0;
  for (; saved && written < names_.size(); ++written)
    saved = atomic_write_in(runtime, *directory, names_[written], contents.at(written), {.mode = 0600});
  if (saved) return {};
  Error error = std::move(saved).error();
  // Without its last file it is no draft, so nothing is uncertain about it any more.
  const bool is_gone = written < names_.size() || remove_from(*directory, names_.back()).has_value();
  if (is_gone && error.code == ErrorCode::commit_uncertain) error.code = ErrorCode::io_error;
  if (const Status removed = remove_contents(runtime.files, *directory); !removed)
    error.hint = "left behind: " + removed.error().message;
  return fail(std::move(error));
}

Result<std::optional<std::vector<std::string>>> Draft::load(fs::FileSystem& files, std::size_t limit) const {
  const std::unique_ptr<fs::Directory> directory = TRY(open_directory(files));
  if (directory == nullptr) return std::optional<std::vector<std::string>>();
  std::vector<std::string> contents;
  for (const std::string& name : names_) {
    auto content = fs::read_file(*directory, name, limit);
    if (!content && content.error().system_errno == ENOENT) return std::optional<std::vector<std::string>>();
    if (!content) return fail(std::move(content).error());
    contents.push_back(std::move(*content));
  }
  return std::optional(std::move(contents));
}

// Under the store's lock. A store that holds nothing else takes its own directory away when it is closed.
Status Draft::remove_files(Runtime& runtime) const {
  const std::unique_ptr<fs::Directory> there = TRY(open_directory(runtime.files));
  if (there == nullptr) {
    const bool shell = TRY(is_shell(runtime.files));
    if (!shell) return {};
  }
  const StoreWriter store = TRY(StoreWriter::open(runtime, store_path_, options_));
  const std::unique_ptr<fs::Directory> directory = TRY(open_directory(runtime.files));
  return directory == nullptr ? Status() : remove_contents(runtime.files, *directory);
}

Status Draft::remove(Runtime& runtime) const {
  TRY(remove_files(runtime));
  // The store that was made for the draft alone. A run that makes another draft meanwhile makes it again.
  const std::string path = TRY(runtime.files.absolute_path(store_path_));
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

Status Draft::reserve_space(Runtime& runtime, std::size_t bytes) const {
  const std::unique_ptr<fs::Directory> directory = TRY(open_directory(runtime.files));
  if (directory == nullptr) return fail(ErrorCode::internal, "there is no draft to prove space beside");
  return atomic_write_in(runtime, *directory, kSpace, std::string(bytes, '\0'), {.mode = 0600});
}

Status Draft::release_space(Runtime& runtime) const {
  const std::unique_ptr<fs::Directory> directory = TRY(open_directory(runtime.files));
  return directory == nullptr ? Status() : remove_from(*directory, kSpace);
}

}  // namespace lockstep::durable
