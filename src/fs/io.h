// Whole-file helpers over the seam: loops that a single system call does not do.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "fs/file_system.h"

namespace lockstep::fs {

// Reads to the end. Error: too_large when there is more than `limit` bytes.
Result<std::string> read_all(File& file, std::size_t limit);

// Calls `consume` with successive pieces (at most 256 KiB each) to the end of the file.
Status read_pieces(File& file, const std::function<Status(std::string_view)>& consume);

// Writes everything, continuing after short writes.
Status write_all(File& file, std::string_view bytes);

// Copies `count` bytes from the current offset of `from` to the current offset of `to`: in the kernel where the file
// system can, else through memory. Error: damaged when `from` ends early.
Status copy_bytes(File& from, File& to, std::uint64_t count);

// Opens, checks that it is a regular file, and reads an input that a user names by path. Errors name the path.
Result<std::string> read_input(FileSystem& file_system, const std::string& path, std::size_t limit);

// Reads a regular file of a directory.
Result<std::string> read_file(Directory& directory, const std::string& name, std::size_t limit);

// True when the entry is there (a dangling link counts); false on ENOENT; other errors are errors.
Result<bool> entry_exists(Directory& directory, const std::string& name);

struct SplitPath {
  std::string parent;  // "/" or without a trailing slash
  std::string name;    // single component; empty for "/"
};
// Splits an absolute path.
SplitPath split_path(const std::string& absolute);

// parent + "/" + name, without doubling the slash.
std::string join_path(const std::string& parent, const std::string& name);

// True for a name that may be one path component: not empty, no slash, no NUL, not "." or "..", at most 255 bytes.
bool is_single_component(std::string_view name);

}  // namespace lockstep::fs
