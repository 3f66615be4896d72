// The generation store: several files that change as one, survive a power cut, and can be rolled back.
//
// A store is a directory. Its members are ordinary files under stable names; each name is a link that leads through ONE
// pointer, `.lockstep/current`, to an immutable generation. Renaming the pointer is the commit. Readers use the names,
// or pin a generation with Snapshot. Writers use StoreWriter: it holds the store's lock from open() until it is
// destroyed. See docs/formats/generation-store.md for every file and each recovery step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "durable/change.h"
#include "durable/directories.h"
#include "durable/runtime.h"
#include "durable/snapshot.h"
#include "durable/stable_names.h"
#include "durable/unsynced_files.h"

namespace lockstep::durable {

struct KeepPolicy {
  std::size_t generations = 2;       // the newest; a live one that is older, after a rollback, stays beside them
  std::int64_t seconds = 24 * 3600;  // how long a generation is kept after another took its place
  // No more than so many, however young: each is a number in every manifest, and that has a limit. At least
  // `generations`.
  std::size_t most = 1000;
};

struct StoreOptions {
  std::string kind;                     // whose store it is; one of another kind is refused
  std::uint32_t directory_mode = 0755;  // of the store, of .lockstep and of the generations
  std::optional<std::uint32_t> group;   // group of directories and members; else the process's
  KeepPolicy keep;
  bool may_roll_back = true;
};

// How strictly open() treats what a person did to the store.
enum class OpenFor {
  change,  // damage and hand edits are errors
  adopt,   // hand edits are left for the change that takes them over
  repair,  // additionally damage is left for repair()
};

class StoreWriter {
 public:
  // Makes the directories that are missing, takes the lock, and recovers: left-overs of a crash are removed, the stable
  // names repaired. Errors: lock_timeout, damaged, edited_by_hand, foreign_file, those of the file system. A store that
  // was not there before is not there after an error, nor when the writer ends without a commit.
  static Result<StoreWriter> open(Runtime& runtime, const std::string& path, StoreOptions options,
                                  OpenFor purpose = OpenFor::change);
  StoreWriter(StoreWriter&&) noexcept;
  StoreWriter& operator=(StoreWriter&&) = delete;
  ~StoreWriter();

  // The live generation, or nullptr when nothing was ever committed (or, opened for repair, when it is damaged).
  [[nodiscard]] const Snapshot* current() const { return current_ ? &*current_ : nullptr; }
  // Absolute path of the store's directory.
  [[nodiscard]] const std::string& path() const { return store_->path(); }
  [[nodiscard]] fs::Directory& directory() { return *store_; }
  // The generations that can be rolled back to, ascending; the current one included.
  [[nodiscard]] const std::vector<Generation>& history() const { return history_; }
  [[nodiscard]] std::optional<Generation> pending() const { return pending_; }
  // What `current` names, intact or not.
  [[nodiscard]] std::optional<Generation> live() const { return live_; }

  // Makes the change the live generation. On success it survives a power cut. On an error nothing has changed, except
  // for commit_uncertain: the new generation is live, and after a power cut it is the old or the new one.
  Result<Generation> commit(const Change& change);

  // Makes a complete generation that is not live yet, replacing one that was pending.
  Result<Generation> stage_pending(const Change& change);
  // Makes the pending generation the live one. Error: not_found.
  Result<Generation> promote_pending();
  // Forgets the pending generation; its number may be given again. Absence is success.
  Status discard_pending();

  // Makes an older, intact generation the live one: `to`, or the newest one older than the current.
  // Errors: invalid_argument (the owner allows none), not_found, damaged, and those of commit().
  Result<Generation> roll_back(std::optional<Generation> to);

  // Removes generations that are newer than the live one: what was rolled back and is not to be gone forward to again.
  // An error has harmed nothing; another call goes on.
  Status forget_newer();

  // Removes generations that the policy does not keep. Never needed for correctness; an error has harmed nothing.
  Status collect();

  // The directory for what is not complete yet (a key whose certificate has not come); made when missing.
  Result<std::unique_ptr<fs::Directory>> draft_directory();

  // For OpenFor::adopt: after a commit that took the edits over, puts links where regular files replaced them.
  Status restore_replaced_names();
  // The same after a repair: only for files that hold what is live now. An edit that nobody took over stays.
  Status restore_names_of_copies();

  // For OpenFor::repair: every generation there is, newest first, whether intact or not.
  [[nodiscard]] Result<std::vector<Generation>> generations_on_disk() const;
  [[nodiscard]] Result<Snapshot> open_generation(Generation generation) const;
  // For OpenFor::repair: what is left of a member in a generation. Where the manifest is whole, only what it says;
  // without one the file as it stands, for the owner to check. Nothing where it is damaged or not there.
  [[nodiscard]] Result<std::optional<std::string>> remains(Generation generation, const std::string& member,
                                                           std::size_t limit) const;
  // For OpenFor::repair: the next commit builds on this generation, or on none, instead of `current`.
  void set_base(std::optional<Snapshot> base);
  // For OpenFor::repair: the group of what is made from here on.
  void set_group(std::optional<std::uint32_t> group);
  // For OpenFor::repair, before its commit: the record of kept generations and what stands under the pointer's name are
  // set aside where they are damaged, and the record is written anew. Adds what was done, a sentence each.
  Status prepare_repair(std::vector<std::string>* done);
  // For OpenFor::repair: makes an intact generation the live one. Errors: those of roll_back().
  Result<Generation> make_live(Generation generation);
  // For OpenFor::repair, when the live generation is whole: sets aside everything else that is damaged (kept
  // generations, pointers, what stands under names of ours and is something else) and puts the stable names' links
  // back. Adds what was done. It can be cut off and done again.
  Status set_aside_damage(std::vector<std::string>* done);

 private:
  StoreWriter(Runtime& runtime, StoreOptions options) : runtime_(&runtime), options_(std::move(options)) {}
  Status open_directories(const std::string& path);
  Result<bool> take_lock();
  Status set_directory_attributes(fs::Directory& directory) const;
  Status recover(OpenFor purpose);
  Status load_pointers(OpenFor purpose);
  Status load_history(OpenFor purpose);
  Status sweep();
  Status repair_names(OpenFor purpose);
  Status note_set_aside(const std::string& name, const std::string& why, std::vector<std::string>* done);
  Status settle_pending(std::vector<std::string>* done);
  Status settle_entry(const fs::DirectoryEntry& entry, std::vector<std::string>* done);
  Status settle_foreign_names(std::vector<std::string>* done);
  [[nodiscard]] Result<bool> is_intact(Generation generation) const;
  Status settle_replaced(const std::vector<std::string>& replaced, OpenFor purpose);
  [[nodiscard]] Result<bool> holds_what_is_live(const std::string& name) const;
  Status put_links(const std::vector<std::string>& replaced);
  void undo_creation();

  Result<Generation> build(const Change& change);
  Status fill_generation(const Change& change, Generation generation);
  Result<ManifestMember> write_member(fs::Directory& directory, UnsyncedFiles& unsynced, const std::string& name,
                                      const MemberChange* change);
  Status swap_pointer(const char* pointer, Generation generation);
  Result<Generation> go_live(Generation generation);
  Result<Generation> go_live_recorded(Generation generation);
  [[nodiscard]] Result<std::optional<std::string>> read_history() const;
  Status record_history();
  void restore_history(const std::optional<std::string>& before);
  Status remove_generation(Generation generation);
  void discard_build(Generation generation);

  Runtime* runtime_;
  StoreOptions options_;
  CreatedDirectories created_;
  bool lock_created_store_ = false;  // .lockstep was made by this writer
  std::unique_ptr<fs::Directory> store_;
  std::unique_ptr<fs::Directory> control_;
  std::unique_ptr<fs::File> lock_;
  std::optional<Snapshot> current_;
  std::optional<Generation> live_;  // what `current` names, intact or not
  std::optional<Generation> pending_;
  std::vector<Generation> history_;
  std::vector<std::string> new_names_;  // stable names made for a build that is not live yet
  Generation highest_ = 0;
  bool current_edited_ = false;
  bool empty_ = false;  // read and found: nothing was ever committed here
  bool history_damaged_ = false;
  bool edits_expected_ = false;  // opened to adopt or to repair
  bool repairing_ = false;       // opened to repair
  bool pointer_wrong_ = false;   // `current` is something else than a link to a generation
  bool pointer_lost_ = false;    // `current` is gone though something was committed
};

}  // namespace lockstep::durable
