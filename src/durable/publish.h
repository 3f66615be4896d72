// Several REGULAR files at fixed paths that change together, for programs that insist on plain files.
//
// All new contents are staged and made durable, then an intent record that lists them: that is the commit point. From
// there on the change is carried through, by this call or by recovery at the next start. What no file system can close
// is the window between the renames: another reader may see a new first file beside an old second one for some
// microseconds, and after a crash until recovery has run (`lockstep recover`, or the next publish to one of these
// directories). Where readers can follow a link, the generation store has no such window.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/secret.h"
#include "durable/intent.h"
#include "durable/runtime.h"

namespace lockstep::durable {

struct PublishFile {
  std::string path;  // absolute or relative; a link is resolved once
  std::string content;
  std::optional<std::uint32_t> mode;  // else that of the file it replaces, else 0600
  // What the caller had read, "" for no file: edited_by_hand when it is another by now. Nothing: whatever is there.
  std::optional<std::string> expected_sha256 = {};
};

struct PublishOptions {
  bool replace = true;  // false: already_exists when any of the files is there
  // A person may save one of the files at any moment. Up to the last one their file stays, all others are as they were,
  // and the error is edited_by_hand; afterwards they save over the new one. (Where the file system has no
  // RENAME_EXCHANGE, a save between two calls is still lost.)
  bool keep_edits = false;
  // Called with what each staged file reads back as, before anything is put in its place: the owner's own check. Its
  // error ends the publish.
  std::function<Status(const PublishFile& file, std::string_view read_back)> read_back = {};
};

// On success all files are new and survive a power cut. On an error all are as they were, except for commit_uncertain:
// the change stands in an intent record whose durability is not known, and recovery completes or forgets it as a whole.
Status publish(Runtime& runtime, const std::vector<PublishFile>& files, const PublishOptions& options = {});

struct PublishRecovery {
  std::vector<std::string> completed;  // targets that were given their new content
  std::vector<std::string> restored;   // targets that were given their old content back
  std::vector<std::string> edited;     // targets that match neither checksum: left alone
};

// Finishes or takes back whatever publishes left in the directories, and removes their temporaries. Idempotent.
//
// The record lies beside the first file. Who knows the directories of the others too gives them all: what was staged in
// one of them must not be taken for a left-over before the record has been read. `files`: names of files; temporaries
// of others stay, for in a directory of somebody else's they may be somebody else's. Empty: all are removed.
Result<PublishRecovery> recover_publishes(Runtime& runtime, const std::vector<std::string>& directories,
                                          const std::set<std::string>& files = {});

// The intent records in a directory, by name. Reads nothing else.
Result<std::vector<std::string>> list_intents(fs::Directory& directory);

// One of them, checked: damaged when it is none or belongs to other files; else those of the file system.
Result<Intent> read_intent(fs::Directory& directory, const std::string& name);

// The error for two records that name the same file: finishing one would undo the other.
Error two_records_error(const std::string& file, const std::string& one, const std::string& other);

}  // namespace lockstep::durable
