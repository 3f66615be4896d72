// The two files on disk and what of them is in force.
//
// Whoever changes them holds the lock file beside them, reads them again under it, and publishes what changed
// (durable/publish.h): no edit of another process is lost. People who save a file by hand know no lock. What they save
// is taken over when it is good; when it is not, the last good configuration stays in force, the file stays as they
// wrote it, and nothing is saved over it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "durable/runtime.h"
#include "service/configuration_files.h"
#include "service/edits.h"

namespace lockstep::service {

// What is in force; never changed once it is there.
struct Snapshot {
  Configuration configuration;
  FileTexts texts;  // that it was read from
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct ConfigurationProblem {
  std::string message;  // names file and place, no path of the host
  std::string file;     // "servers.json"
};

// Called where something changed, one after the other, with nothing of the store locked against reading.
struct StoreObserver {
  // Something else is in force. `by_hand`: it was found on disk.
  std::function<void(const Snapshot& before, const Snapshot& after, bool by_hand)> changed;
  // What is on disk cannot be used, or (nothing) can be used again.
  std::function<void(const std::optional<ConfigurationProblem>& problem)> problem;
  std::function<void(const std::string& message)> info;
};

class ConfigurationStore {
 public:
  // Finishes or takes back what a crash left, and reads the files. What is on disk and cannot be used is no error:
  // nothing is in force then, and problem() says why. Errors: those of the file system.
  static Result<std::unique_ptr<ConfigurationStore>> open(durable::Runtime& runtime, const std::string& directory,
                                                          StoreObserver observer);

  // Never nothing. Safe from any thread.
  [[nodiscard]] SnapshotPtr current() const;
  [[nodiscard]] std::optional<ConfigurationProblem> problem() const;
  // The directories in which the files really are (a link is followed), for whoever watches them.
  [[nodiscard]] std::vector<std::string> directories() const;
  // What recovery left alone, and what a save could not do (it is rehearsed): an owner or a mode that this process may
  // not give, a folder it may not write. For a warning at the start.
  std::vector<std::string> warnings();

  // Reads the files again, and takes over what somebody else has saved. One at a time with apply(). Errors: those of
  // reading, which are a problem() as well until the files can be read again.
  Status refresh();

  using Edit = std::function<EditResult(const Configuration& before)>;
  struct Saved {
    std::optional<Refusal> refused;
    Applied applied;  // when it was not
    std::vector<Change> changes;
    std::optional<Error> uncertain;  // commit_uncertain: it is in force, and may not survive a power cut
  };
  // Makes an edit of the newest state and saves it; on success it survives a power cut. It is tried again when a person
  // saved in the same moment. Errors: those of reading and of durable::publish, and all is as it was.
  Result<Saved> apply(const Edit& edit);

 private:
  ConfigurationStore(durable::Runtime& runtime, std::string directory, StoreObserver observer)
      : runtime_(runtime), directory_(std::move(directory)), observer_(std::move(observer)) {}
  [[nodiscard]] std::string path(const char* name) const;
  Status find_directories();
  Status rehearse(const char* name);
  Result<FileTexts> read();
  void put_in_force(std::shared_ptr<const Snapshot> snapshot, bool by_hand);
  void set_problem(std::optional<ConfigurationProblem> problem);
  // True when what is on disk is what is in force afterwards. What cannot be used is a problem only if `announce`:
  // somebody may be in the middle of saving it.
  Result<bool> take_over(bool announce);
  Result<bool> try_once(const Edit& edit, bool last, Saved* saved);
  Status save(const Snapshot& before, const Applied& applied, const std::vector<Change>& changes);

  durable::Runtime& runtime_;
  std::string directory_;
  StoreObserver observer_;
  std::vector<std::string> directories_;
  std::set<std::string> files_;  // their names, where links of theirs lead
  std::vector<std::string> warnings_;
  std::mutex writing_;                // over apply() and refresh()
  std::optional<FileTexts> refused_;  // what the problem is about
  mutable std::mutex mutex_;          // over what follows
  SnapshotPtr current_ = std::make_shared<const Snapshot>();
  std::optional<ConfigurationProblem> problem_;
};

}  // namespace lockstep::service
