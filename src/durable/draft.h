// A store's draft: files of a generation that cannot be made yet (a key and the request of a certificate that has not
// come), in .lockstep/draft beside what is live. Each file is durable by itself; readers of the store see nothing of
// it. docs/formats/generation-store.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durable/generation_store.h"

namespace lockstep::durable {

class Draft {
 public:
  // `names`: its files, in the order in which they are written. It is complete with the last one.
  Draft(std::string store_path, StoreOptions options, std::vector<std::string> names)
      : store_path_(std::move(store_path)), options_(std::move(options)), names_(std::move(names)) {}

  // Makes it durable, replacing one that was there; the store is made when it is missing. `contents`: one for each
  // name. Errors: those of StoreWriter::open and of the file system; nothing is there then that was not there before.
  Status save(Runtime& runtime, const std::vector<std::string_view>& contents) const;
  // The files' contents, at most `limit` bytes each; nothing when there is none, or only a part of one.
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> load(fs::FileSystem& files, std::size_t limit) const;
  // Removes it, and with it a store that holds nothing else. Absence is success. It goes forward: what a failure left
  // is taken by the next call.
  Status remove(Runtime& runtime) const;

  // Proves that there is room for so many bytes more, by writing them beside the draft. Error: no_space; nothing is
  // left behind.
  Status reserve_space(Runtime& runtime, std::size_t bytes) const;
  // Gives the room back, for the commit that needs it. Absence is success.
  Status release_space(Runtime& runtime) const;

 private:
  [[nodiscard]] std::string control_path() const;
  [[nodiscard]] Result<std::unique_ptr<fs::Directory>> open_directory(fs::FileSystem& files) const;
  [[nodiscard]] Result<bool> is_shell(fs::FileSystem& files) const;
  Status remove_contents(fs::FileSystem& files, fs::Directory& directory) const;
  Status remove_files(Runtime& runtime) const;

  std::string store_path_;
  StoreOptions options_;
  std::vector<std::string> names_;
};

}  // namespace lockstep::durable
