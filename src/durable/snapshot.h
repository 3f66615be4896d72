// A pinned generation: everything read through it belongs together, whatever is committed meanwhile.
//
// It holds the generation's directory open and share-locked, so that a collector leaves it alone as long as the
// snapshot lives. Every read is checked against the manifest.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "durable/manifest.h"
#include "fs/file_system.h"

namespace lockstep::durable {

class Snapshot {
 public:
  // Pins what `current` of the store points at. Takes no lock that a writer waits for. Errors: not_found (no store
  // there, or nothing was ever committed to it), damaged.
  static Result<Snapshot> open(fs::FileSystem& files, const std::string& store_path);
  // Pins one generation of an open control directory.
  static Result<Snapshot> open_generation(fs::Directory& control, Generation generation);

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] Generation generation() const { return manifest_.generation; }
  // Absolute path of the generation's directory.
  [[nodiscard]] const std::string& path() const { return directory_->path(); }
  [[nodiscard]] bool has(std::string_view name) const { return manifest_.find(name) != nullptr; }

  // A member's bytes. Errors: not_found, too_large, edited_by_hand (not what the manifest says).
  [[nodiscard]] Result<std::string> read(const std::string& name, std::size_t limit) const;
  // The same in pieces of at most 256 KiB; edited_by_hand comes after the last piece, so the caller acts on nothing
  // before this has returned.
  Status read_pieces(const std::string& name, const std::function<Status(std::string_view)>& consume) const;
  // An open member, unchecked: for readers that hash as they go.
  [[nodiscard]] Result<std::unique_ptr<fs::File>> open_member(const std::string& name) const;
  // What stands under the member's name; no link is followed.
  [[nodiscard]] Result<fs::Stat> stat_member(const std::string& name) const { return directory_->stat_entry(name); }
  // The member as it is now, unchecked.
  [[nodiscard]] Result<std::string> read_unchecked(const std::string& name, std::size_t limit) const;
  // The error for a member whose content is not what the manifest says.
  [[nodiscard]] Error edited(const std::string& name) const;
  // Checks one member. Errors: those of read().
  [[nodiscard]] Status verify_member(const std::string& name) const;
  // Checks every member. Errors: those of read().
  [[nodiscard]] Status verify() const;

 private:
  Snapshot(std::unique_ptr<fs::Directory> directory, Manifest manifest)
      : directory_(std::move(directory)), manifest_(std::move(manifest)) {}

  std::unique_ptr<fs::Directory> directory_;
  Manifest manifest_;
};

// The generation that `current` or `pending` names, or nothing when there is no such pointer. Error: damaged when it is
// not a link to a generation.
Result<std::optional<Generation>> read_pointer(fs::Directory& control, const std::string& pointer);

// True for a generation's directory whose manifest is whole and says another number or another kind of store (an empty
// `kind` stands for any): somebody copied or moved it here. What a crash leaves never says that.
Result<bool> is_foreign_generation(fs::Directory& control, Generation generation, const std::string& kind);

// Makes the pointer that a reader sees durable: what is handed out must not be taken back by a power cut. One fsync
// of the control directory.
Status make_pointer_durable(fs::FileSystem& files, const std::string& store_path);

}  // namespace lockstep::durable
