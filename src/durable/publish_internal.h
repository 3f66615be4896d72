// Steps that a publish and its recovery share.
#pragma once

#include <functional>

#include "durable/intent.h"
#include "durable/publish.h"

namespace lockstep::durable::publish_internal {

using DirectoryOf = std::function<fs::Directory&(const IntentTarget&)>;

// Renames the staged file over the target; where there was no old file, only if there is still none.
Status put_new(fs::Directory& directory, const IntentTarget& target);
// Puts the old file back (or removes the new one, where there was none).
Status put_old(fs::Directory& directory, const IntentTarget& target);
// Removes the intent durably, then the temporaries and backups. In this order: backups without an intent are
// left-overs that anyone may sweep, an intent without its backups could not be taken back.
// An error of the first fsync alone sets `*uncertain`: what stays behind after the others is found complete and
// removed.
Status forget(fs::Directory& home, const Intent& intent, const DirectoryOf& directory_of, bool* uncertain = nullptr);
// recover_publishes() for a directory that the caller has locked.
Result<PublishRecovery> recover_locked(Runtime& runtime, fs::Directory& directory);

}  // namespace lockstep::durable::publish_internal
