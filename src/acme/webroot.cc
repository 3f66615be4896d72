// http-01 by a file in the folder of a web server (RFC 8555 section 8.3).
#include <algorithm>
#include <cerrno>
#include <mutex>

#include "acme/solvers.h"
#include "durable/atomic_file.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::acme {

namespace {

constexpr const char* kWellKnown = ".well-known";
constexpr const char* kChallenges = "acme-challenge";
constexpr std::size_t kLongestToken = 128;  // a temporary's name is longer and must fit too
constexpr std::uint32_t kDirectoryMode = 0755;
constexpr std::uint32_t kFileMode = 0644;

bool is_absent(const Error& error) { return error.system_errno == ENOENT; }

// What opening a link or a file as a directory gives.
bool is_no_directory(const Error& error) { return error.system_errno == ENOTDIR || error.system_errno == ELOOP; }

// A token becomes a path: it comes from a server, and is held against its alphabet (RFC 8555 section 8.3) here again.
Status check_token(const ChallengeTask& task) {
  const bool plain = std::ranges::all_of(task.token, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (plain && !task.token.empty() && task.token.size() <= kLongestToken) return {};
  return fail(ErrorCode::invalid_argument, "the CA's token for '" + task.identifier + "' is not base64url of at most " +
                                               std::to_string(kLongestToken) + " characters; no file is made of it");
}

class Webroot final : public ChallengeSolver {
 public:
  Webroot(durable::Runtime& runtime, std::string root) : runtime_(runtime), root_(std::move(root)) {}

  [[nodiscard]] std::string_view challenge_type() const override { return "http-01"; }

  Status present(const ChallengeTask& task) override {
    TRY(check_token(task));
    const std::lock_guard lock(mutex_);
    // Another process may take an empty directory away between our finding it and our writing into it.
    constexpr int kAttempts = 5;
    for (int attempt = 1;; ++attempt) {
      Status written = write(task);
      if (written) return written;
      const bool again = is_absent(written.error()) && attempt < kAttempts;
      const Status removed = remove(task);
      if (!removed && removed.error().code != ErrorCode::commit_uncertain) {
        return fail(std::move(written).error().with_hint("left behind: " + removed.error().message));
      }
      if (!again) return fail(taken_back(std::move(written).error()));
    }
  }

  Status clean_up(const ChallengeTask& task) override {
    TRY(check_token(task));
    const std::lock_guard lock(mutex_);
    return remove(task);
  }

 private:
  using DirectoryPointer = std::unique_ptr<fs::Directory>;

  // What was in place without being known durable is gone by now: a plain failure.
  static Error taken_back(Error error) {
    if (error.code == ErrorCode::commit_uncertain) {
      error.code = ErrorCode::io_error;
      error.message = "the proof was taken back: " + error.message;
      error.hint = "look at the disk";
    }
    return error;
  }

  // The operator may have made .well-known a link; nothing else below the root is followed.
  Result<DirectoryPointer> open_well_known(fs::Directory& root) {
    auto opened = root.open_directory(kWellKnown);
    if (opened || !is_no_directory(opened.error())) return opened;
    return runtime_.files.open_directory(fs::join_path(root.path(), kWellKnown));
  }

  // Makes the directory unless it is there, and remembers that it did.
  static Status make(fs::Directory& parent, const char* name, bool& made) {
    Status status = parent.make_directory(name, 0700);
    if (!status) {
      if (status.error().system_errno == EEXIST) return {};
      return status;
    }
    made = true;
    // mkdir's mode is narrowed by the umask, and the web server has to get in.
    const DirectoryPointer directory = TRY(parent.open_directory(name));
    TRY(directory->change_mode(kDirectoryMode));
    return parent.sync();
  }

  Status write(const ChallengeTask& task) {
    const DirectoryPointer root = TRY(runtime_.files.open_directory(root_));
    auto well_known = open_well_known(*root);
    if (!well_known && is_absent(well_known.error())) {
      TRY(make(*root, kWellKnown, made_well_known_));
      well_known = open_well_known(*root);
    }
    if (!well_known) return fail(std::move(well_known).error());
    auto challenges = (*well_known)->open_directory(kChallenges);
    if (!challenges && is_absent(challenges.error())) {
      TRY(make(**well_known, kChallenges, made_challenges_));
      challenges = (*well_known)->open_directory(kChallenges);
    }
    if (!challenges) {
      Error error = std::move(challenges).error();
      if (!is_no_directory(error)) return fail(std::move(error));
      return fail(
          std::move(error).with_hint("make it an ordinary directory; links are followed up to .well-known only"));
    }
    Status written =
        durable::atomic_write_in(runtime_, **challenges, task.token, task.key_authorization, {.mode = kFileMode});
    if (!written) may_not_sync_ = true;
    return written;
  }

  // Everything of this proof, whoever put it there, and the directories that this object made once they are empty. A
  // process that finds the proof of a crashed one does not know who made the directories, and leaves them.
  Status remove(const ChallengeTask& task) {
    auto root = runtime_.files.open_directory(root_);
    if (!root) return absent_or(std::move(root).error());
    auto well_known = open_well_known(**root);
    if (!well_known) return absent_or(std::move(well_known).error());
    auto challenges = (*well_known)->open_directory(kChallenges);
    if (challenges) {
      TRY(remove_proof(**challenges, task));
    } else if (!is_absent(challenges.error()) && !is_no_directory(challenges.error())) {
      return fail(std::move(challenges).error());
    }
    remove_made(**well_known, kChallenges, made_challenges_);
    remove_made(**root, kWellKnown, made_well_known_);
    return {};
  }

  static Status absent_or(Error error) {
    if (is_absent(error)) return {};
    return fail(std::move(error));
  }

  Status remove_proof(fs::Directory& challenges, const ChallengeTask& task) {
    TRY(durable::sweep_temporaries(challenges, [&](const std::string& owner) { return owner == task.token; }));
    Status removed = challenges.remove_file(task.token);
    if (!removed && !is_absent(removed.error())) return removed;
    // Once it failed, a sync of this directory says nothing any more; that a proof is back after a power cut harms
    // nobody, and the order's journal knows of it.
    if (may_not_sync_) return {};
    const Status durable = challenges.sync();
    if (durable) return {};
    may_not_sync_ = true;
    return fail(ErrorCode::commit_uncertain,
                "the proof '" + fs::join_path(challenges.path(), task.token) +
                    "' is removed, but may be back after a power cut: " + durable.error().message,
                "look at the disk; the file is harmless");
  }

  // An empty directory that stays harms nobody, and the proof is gone: no failure of this is one of the clean-up.
  static void remove_made(fs::Directory& parent, const char* name, bool& made) {
    if (!made) return;
    const Status removed = parent.remove_directory(name);
    // With somebody's files in it, those of another order perhaps, a later clean-up takes it away.
    if (!removed && !is_absent(removed.error())) return;
    made = false;
    static_cast<void>(parent.sync());
  }

  durable::Runtime& runtime_;
  const std::string root_;
  // One at a time: a clean-up must not remove the directory that another thread is about to write into.
  std::mutex mutex_;
  bool made_well_known_ = false;
  bool made_challenges_ = false;
  bool may_not_sync_ = false;  // a sync of the challenges' directory failed, or may have
};

}  // namespace

Result<std::unique_ptr<ChallengeSolver>> make_webroot(durable::Runtime& runtime, const std::string& directory) {
  std::string root = TRY(runtime.files.absolute_path(directory));
  auto opened = runtime.files.open_directory(root);
  if (!opened) {
    return fail(std::move(opened)
                    .error()
                    .with_context("http-01 through a web server's folder")
                    .with_hint("give the directory that the web server serves, with --webroot DIR"));
  }
  return std::make_unique<Webroot>(runtime, std::move(root));
}

}  // namespace lockstep::acme
