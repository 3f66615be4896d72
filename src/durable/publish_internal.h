// Steps that a publish and its recovery share.
#pragma once

#include <functional>

#include "durable/intent.h"
#include "durable/publish.h"

namespace lockstep::durable::publish_internal {

using DirectoryOf = std::function<fs::Directory&(const IntentTarget&)>;

// edited_by_hand, about this file.
Error edited(const fs::Directory& directory, const std::string& name);

// Renames the staged file over the target; where there was no old file, only if there is still none.
Status put_new(fs::Directory& directory, const IntentTarget& target);
// The same for a publish that keeps edits: what a person saved since the file was read stays under its name, and the
// error is edited_by_hand.
Status put_new_guarded(fs::Directory& directory, const IntentTarget& target);
// Exchanges `staged` with `name` and looks at what that displaced. If its checksum is not `expected`, it gets its name
// back (error edited_by_hand). `placed` is the checksum of the staged file. Error commit_uncertain: it could not be
// given back; recovery does it.
Status swap_in(fs::Directory& directory, const std::string& staged, const std::string& name,
               const std::string& expected, const std::string& placed);
// edited_by_hand unless the target is what the caller had read (PublishFile::expected_sha256).
Status check_expected(const fs::Directory& directory, const IntentTarget& target,
                      const std::optional<std::string>& expected);
// SHA-256 of a regular file; "" for anything else that is there; nothing when there is nothing.
Result<std::optional<std::string>> checksum(fs::Directory& directory, const std::string& name);
// Puts the old file back (or removes the new one, where there was none). One that is not the new one was edited
// meanwhile, and stays.
Status put_old(fs::Directory& directory, const IntentTarget& target);
// Removes the intent durably, then the temporaries and backups. In this order: backups without an intent are
// left-overs that anyone may sweep, an intent without its backups could not be taken back.
// An error of the first fsync alone sets `*uncertain`: what stays behind after the others is found complete and
// removed.
Status forget(fs::Directory& home, const Intent& intent, const DirectoryOf& directory_of, bool* uncertain = nullptr);
// recover_publishes() for a directory that the caller has locked.
Result<PublishRecovery> recover_locked(Runtime& runtime, fs::Directory& directory);

}  // namespace lockstep::durable::publish_internal
