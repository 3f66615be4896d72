#include "durable/publish.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "crypto/digest.h"
#include "durable/atomic_file.h"
#include "durable/file_attributes.h"
#include "durable/intent.h"
#include "durable/lock.h"
#include "durable/publish_internal.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::size_t kFileLimit = 256U * 1024U * 1024U;

// One publish under way: everything it made, so that it can be taken back.
class Publish {
 public:
  Publish(Runtime& runtime, const PublishOptions& options) : runtime_(runtime), options_(options) {
    intent_.keep_edits = options.keep_edits;
  }

  Status run(const std::vector<PublishFile>& files) {
    TRY(open_targets(files));
    Status status = stage_all(files);
    if (status) status = write_intent();
    if (!status) {
      if (status.error().code != ErrorCode::commit_uncertain) unstage();
      return status;
    }
    return carry_through();
  }

 private:
  Status open_targets(const std::vector<PublishFile>& files) {
    if (files.empty() || files.size() > kIntentTargets) {
      return fail(ErrorCode::invalid_argument, "a publish takes 1 to " + std::to_string(kIntentTargets) + " files");
    }
    for (const PublishFile& file : files) {
      const ResolvedTarget resolved = TRY(resolve_target(runtime_.files, file.path));
      intent_.targets.push_back({.directory = resolved.directory,
                                 .name = resolved.name,
                                 .temporary = {},
                                 .backup = {},
                                 .old_sha256 = {},
                                 .new_sha256 = crypto::sha256_hex(file.content)});
      for (std::size_t i = 0; i + 1 < intent_.targets.size(); ++i) {
        if (intent_.targets[i].directory == resolved.directory && intent_.targets[i].name == resolved.name) {
          return fail(ErrorCode::invalid_argument, "'" + file.path + "' is named twice");
        }
      }
      directories_.emplace(resolved.directory, nullptr);
    }
    // In the order of their paths, so that two publishes never wait for each other.
    for (auto& [path, directory] : directories_) {
      directory = TRY(runtime_.files.open_directory(path));
      TRY(lock_directory(runtime_, *directory));
      const PublishRecovery recovered = TRY(publish_internal::recover_locked(runtime_, *directory));
      if (!recovered.edited.empty()) {
        return fail(ErrorCode::edited_by_hand,
                    "'" + recovered.edited.front() + "' was edited while an earlier change to it was cut off");
      }
    }
    return {};
  }

  fs::Directory& directory_of(const IntentTarget& target) { return *directories_.at(target.directory); }

  Status stage_all(const std::vector<PublishFile>& files) {
    for (const IntentTarget& target : intent_.targets) {
      TRY(sweep_temporaries(directory_of(target), [&](const std::string& owner) { return owner == target.name; }));
    }
    for (std::size_t i = 0; i < files.size(); ++i) TRY(stage(intent_.targets[i], files[i]));
    for (auto& [path, directory] : directories_) TRY(directory->sync());  // the names of temporaries and backups
    return {};
  }

  Status stage(IntentTarget& target, const PublishFile& file) {
    fs::Directory& directory = directory_of(target);
    FileAttributes attributes;
    auto old = directory.open_file(target.name, fs::OpenMode::read);
    if (old) {
      if (!options_.replace) {
        return fail(ErrorCode::already_exists, "'" + file.path + "' exists already", "use --force to replace it");
      }
      const fs::Stat stat = TRY((*old)->stat());
      if (stat.type != fs::FileType::regular) {
        return fail(ErrorCode::foreign_file, "'" + file.path + "' is not a regular file; it is not replaced");
      }
      attributes = TRY(read_attributes(**old));
      const std::string content = TRY(fs::read_all(**old, kFileLimit));
      target.old_sha256 = crypto::sha256_hex(content);
      const std::string backup = temporary_name(runtime_.random, target.name);
      const Status linked = directory.make_link(target.name, directory, backup);
      // Between the look-up of the name and the link, the file that it stood for was replaced (or removed).
      if (!linked && linked.error().system_errno == ENOENT)
        return fail(publish_internal::edited(directory, target.name));
      if (!linked) return linked;
      target.backup = backup;
    } else if (old.error().system_errno != ENOENT) {
      return fail(std::move(old).error());
    }
    TRY(publish_internal::check_expected(directory, target, file.expected_sha256));
    if (file.mode || !attributes.mode) attributes.mode = file.mode.value_or(0600);
    Temporary temporary = TRY(create_temporary(runtime_, directory, target.name));
    target.temporary = temporary.name;
    TRY(fs::write_all(*temporary.file, file.content));
    TRY(apply_attributes(*temporary.file, attributes));
    TRY(temporary.file->sync());
    if (options_.read_back) TRY(read_back(*temporary.file, file));
    // Kept open, so that the lock on it lasts until the intent protects it.
    staged_.push_back(std::move(temporary.file));
    return {};
  }

  Status read_back(fs::File& staged, const PublishFile& file) const {
    TRY(staged.seek(0));
    const std::string content = TRY(fs::read_all(staged, kFileLimit));
    if (content != file.content) {
      return fail(ErrorCode::io_error, "what was written to '" + staged.path() + "' reads back as something else",
                  "look at the disk");
    }
    return options_.read_back(file, content);
  }

  // The intent's own rename is the commit point.
  Status write_intent() {
    const IntentTarget& first = intent_.targets.front();
    return atomic_write_in(runtime_, directory_of(first), intent_name(first.name), encode_intent(intent_),
                           {.mode = 0600, .replace = false});
  }

  Status carry_through() {
    for (const IntentTarget& target : intent_.targets) {
      fs::Directory& directory = directory_of(target);
      Status renamed = options_.keep_edits ? publish_internal::put_new_guarded(directory, target)
                                           : publish_internal::put_new(directory, target);
      if (!renamed && renamed.error().code == ErrorCode::commit_uncertain) return renamed;
      if (!renamed) return take_back(std::move(renamed).error());
    }
    for (auto& [path, directory] : directories_) {
      Status synced = directory->sync();
      if (!synced) return uncertain(synced.error());
    }
    // The files are in place for good, whatever becomes of the record: one that stays is found complete and removed by
    // the next publish or by recovery. Only a disk that fails an fsync is not to be trusted any more.
    bool unknown = false;
    const Status forgotten = publish_internal::forget(
        directory_of(intent_.targets.front()), intent_,
        [&](const IntentTarget& t) -> fs::Directory& { return directory_of(t); }, &unknown);
    if (unknown) return uncertain(forgotten.error());
    return {};
  }

  // Visible and recorded: recovery completes it if a power cut undoes part of it.
  static std::unexpected<Error> uncertain(const Error& error) {
    return fail(ErrorCode::commit_uncertain,
                "the files are in place, but it is not known whether they survive a power cut: " + error.message,
                "look at the disk, then run 'lockstep recover'");
  }

  Status take_back(Error error) {
    staged_.clear();  // nobody writes them any more: what is in place now can be told from what a person has open
    intent_.state = IntentState::abort;
    fs::Directory& home = directory_of(intent_.targets.front());
    Status status = atomic_write_in(runtime_, home, intent_name(intent_.targets.front().name), encode_intent(intent_),
                                    {.mode = 0600});
    for (const IntentTarget& target : intent_.targets) {
      if (status) status = put_old(target);
    }
    for (auto& [path, directory] : directories_) {
      if (status) status = directory->sync();
    }
    if (status) {
      status = publish_internal::forget(home, intent_,
                                        [&](const IntentTarget& t) -> fs::Directory& { return directory_of(t); });
    }
    if (!status) {
      return fail(ErrorCode::commit_uncertain,
                  error.message + "; and putting the old files back failed: " + status.error().message,
                  "run 'lockstep recover' when the file system is writable again");
    }
    return fail(std::move(error));
  }

  Status put_old(const IntentTarget& target) {
    fs::Directory& directory = directory_of(target);
    if (!options_.keep_edits || !target.old_sha256) return publish_internal::put_old(directory, target);
    const std::optional<std::string> now = TRY(publish_internal::checksum(directory, target.name));
    if (now != target.new_sha256 || now == target.old_sha256) return {};
    Status swapped =
        publish_internal::swap_in(directory, target.backup, target.name, target.new_sha256, *target.old_sha256);
    // Saved over the new file just now: theirs is what is to stay.
    if (!swapped && swapped.error().code == ErrorCode::edited_by_hand) return {};
    return swapped;
  }

  void unstage() {
    // Runs where an error is already on its way; what stays is a temporary that the next writer of that name removes.
    for (const IntentTarget& target : intent_.targets) {
      for (const std::string& name : {target.temporary, target.backup}) {
        if (name.empty()) continue;
        const Status removed = directory_of(target).remove_file(name);
        static_cast<void>(removed);
      }
    }
  }

  Runtime& runtime_;
  const PublishOptions& options_;
  Intent intent_;
  std::map<std::string, std::unique_ptr<fs::Directory>> directories_;
  std::vector<std::unique_ptr<fs::File>> staged_;
};

}  // namespace

Status publish(Runtime& runtime, const std::vector<PublishFile>& files, const PublishOptions& options) {
  return Publish(runtime, options).run(files);
}

}  // namespace lockstep::durable
