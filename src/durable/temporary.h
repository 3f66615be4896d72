// Temporary files: ".NAME.XXXXXX.tmp" beside the file they will become.
//
// The writer holds a flock on its temporary for as long as the name is in use. What nobody holds is the left-over of a
// crash, and the next writer of that name removes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "durable/runtime.h"

namespace lockstep::durable {

struct Temporary {
  std::string name;
  std::unique_ptr<fs::File> file;  // open for writing, locked
};

// Creates and locks a temporary for `name`, mode 0600.
Result<Temporary> create_temporary(Runtime& runtime, fs::Directory& directory, const std::string& name);

// ".NAME.XXXXXX.tmp" with fresh random characters, for what is not a file (a symbolic link, a directory).
std::string temporary_name(Random& random, std::string_view name);

// NAME of ".NAME.XXXXXX.tmp"; nothing for other names.
std::optional<std::string> temporary_owner(std::string_view name);

// True when `temporary` is a name that a temporary for `name` may have.
bool is_temporary_of(std::string_view temporary, std::string_view name);

// True for a directory that holds files alone, as the generations that we make do. Whatever else stands under such a
// name was put there by somebody, and is not ours to remove.
Result<bool> holds_files_alone(fs::Directory& parent, const std::string& name);

// Removes the left-over temporaries whose owner passes the filter: files that nobody holds locked, and symbolic links.
// The second argument of the filter is the entry's own name.
Status sweep_temporaries(fs::Directory& directory, const std::function<bool(const std::string& owner)>& wanted);

}  // namespace lockstep::durable
