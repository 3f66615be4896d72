// Where a repair puts what it replaces or cannot use: `.lockstep/set-aside-NNNNNNNN-NAME`.
//
// One rename within `.lockstep`, so that no disk can show the thing nowhere, whatever it is: a generation, a pointer
// that is none, a record. Nothing of Lockstep's removes it again. docs/formats/generation-store.md specifies the name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fs/file_system.h"

namespace lockstep::durable {

// True for a name that set_aside() may have given.
bool is_set_aside_name(std::string_view name);

// Moves an entry of `.lockstep` durably; a directory is closed to others (0700) first. Returns its new path.
Result<std::string> set_aside(fs::Directory& control, const std::string& name);

// The same for what is to be replaced by a rename over it: a second name for a file or a link in `from`. Errors: those
// of the file system (a directory has no second name). Returns the new path.
Result<std::string> keep_aside(fs::Directory& from, fs::Directory& control, const std::string& name);

}  // namespace lockstep::durable
