// Arranging a simulated disk: what stands at a path gives way to what is put there. Paths that lead nowhere are left
// alone, so that any order of these is possible.
#pragma once

#include <string>
#include <string_view>

#include "testing/sim_file_system.h"

namespace lockstep::fuzz {

using testing::SimFileSystem;
using testing::Tree;

// With everything below it.
void remove(SimFileSystem& disk, const std::string& path);
void put_file(SimFileSystem& disk, const std::string& path, std::string_view content);
void put_link(SimFileSystem& disk, const std::string& path, const std::string& target);
void put_fifo(SimFileSystem& disk, const std::string& path);
void put_directory(SimFileSystem& disk, const std::string& path);
void move(SimFileSystem& disk, const std::string& from, const std::string& to);
// A second name of the same file.
void link(SimFileSystem& disk, const std::string& from, const std::string& to);
// With everything below it.
void copy(SimFileSystem& disk, const std::string& from, const std::string& to);

// A path and what is below it.
bool is_at_or_below(std::string_view path, std::string_view top);
// A line for each entry at or below a path: type, size or target.
std::string describe(const Tree& tree, std::string_view top);

}  // namespace lockstep::fuzz
