#include "disk.h"

#include "fs/io.h"

namespace lockstep::fuzz {

namespace {

// The directory that a path's last component stands in.
std::unique_ptr<fs::Directory> parent_of(SimFileSystem& disk, const std::string& path) {
  auto opened = disk.open_directory(fs::split_path(path).parent);
  return opened ? std::move(*opened) : nullptr;
}

bool make_room(SimFileSystem& disk, const std::string& path) {
  remove(disk, path);
  return parent_of(disk, path) != nullptr && !disk.stat_path(path);
}

void remove_below(fs::Directory& directory, const std::string& name) {
  // What is a mount point stays.
  if (directory.remove_file(name)) return;
  auto below = directory.open_directory(name);
  if (!below) return;
  const auto entries = (*below)->list();
  if (!entries) return;
  for (const fs::DirectoryEntry& entry : *entries) remove_below(**below, entry.name);
  static_cast<void>(directory.remove_directory(name));
}

}  // namespace

void remove(SimFileSystem& disk, const std::string& path) {
  const auto parent = parent_of(disk, path);
  if (parent != nullptr) remove_below(*parent, fs::split_path(path).name);
}

void put_file(SimFileSystem& disk, const std::string& path, std::string_view content) {
  if (make_room(disk, path)) disk.write_file(path, content);
}

void put_link(SimFileSystem& disk, const std::string& path, const std::string& target) {
  if (make_room(disk, path)) disk.make_symlink(target, path);
}

void put_fifo(SimFileSystem& disk, const std::string& path) {
  if (make_room(disk, path)) disk.make_fifo(path);
}

void put_directory(SimFileSystem& disk, const std::string& path) {
  if (make_room(disk, path)) disk.make_directories(path);
}

void move(SimFileSystem& disk, const std::string& from, const std::string& to) {
  const auto source = parent_of(disk, from);
  const auto target = parent_of(disk, to);
  if (from == to || source == nullptr || target == nullptr || !disk.stat_path(from)) return;
  if (is_at_or_below(from, to) || is_at_or_below(to, from)) return;
  remove(disk, to);
  // Not possible across mount points: then nothing moves.
  static_cast<void>(source->rename(fs::split_path(from).name, *target, fs::split_path(to).name));
}

void link(SimFileSystem& disk, const std::string& from, const std::string& to) {
  const auto source = parent_of(disk, from);
  const auto target = parent_of(disk, to);
  if (from == to || source == nullptr || target == nullptr || is_at_or_below(from, to)) return;
  const auto stat = disk.stat_path(from);
  if (!stat || stat->type == fs::FileType::directory) return;
  remove(disk, to);
  static_cast<void>(source->make_link(fs::split_path(from).name, *target, fs::split_path(to).name));
}

void copy(SimFileSystem& disk, const std::string& from, const std::string& to) {
  if (is_at_or_below(from, to) || is_at_or_below(to, from)) return;
  const Tree tree = disk.dump();
  if (!tree.contains(from) || !make_room(disk, to)) return;
  for (const auto& [path, entry] : tree) {
    if (!is_at_or_below(path, from)) continue;
    const std::string target = to + path.substr(from.size());
    switch (entry.type) {
      case fs::FileType::regular: put_file(disk, target, entry.content); break;
      case fs::FileType::directory: put_directory(disk, target); break;
      case fs::FileType::symlink: put_link(disk, target, entry.content); break;
      case fs::FileType::other: put_fifo(disk, target); break;
    }
  }
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/' || top == "/");
}

std::string describe(const Tree& tree, std::string_view top) {
  std::string text;
  for (const auto& [path, entry] : tree) {
    if (!is_at_or_below(path, top)) continue;
    text += path;
    switch (entry.type) {
      case fs::FileType::regular: text += " (" + std::to_string(entry.content.size()) + " bytes)"; break;
      case fs::FileType::directory: text += "/"; break;
      case fs::FileType::symlink: text += " -> " + entry.content; break;
      case fs::FileType::other: text += " (fifo)"; break;
    }
    text += "\n";
  }
  return text;
}

}  // namespace lockstep::fuzz
