#include "testing/sim_state.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lockstep::testing::sim {

using fs::FileType;

namespace {

constexpr std::uint32_t kUmask = 022;

// EINVAL for what the seam forbids, ENAMETOOLONG as the kernel says it.
int name_error(const std::string& name) {
  constexpr std::size_t kLongestName = 255;
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != name.npos) {
    return EINVAL;
  }
  return name.size() > kLongestName ? ENAMETOOLONG : 0;
}

}  // namespace

State::State() {
  auto root = std::make_shared<Inode>();
  root->type = FileType::directory;
  root->attributes.mode = 0755;
  root->parent = kRoot;
  root->link_count = 1;
  root->modified = now_;
  root->settle();
  inodes_[kRoot] = std::move(root);
}

State::State(Inodes inodes, Number next, std::uint32_t user) : inodes_(std::move(inodes)), next_(next), user_(user) {}

Inode& State::edit(Number number) {
  ++changes_;
  auto& inode = inodes_.at(number);
  if (inode.use_count() > 1) inode = std::make_shared<Inode>(*inode);
  inode->hash = 0;
  return *inode;
}

void State::settle_all() {
  for (const auto& [number, inode] : inodes_) {
    if (!inode->settled()) edit(number).settle();
  }
}

Outcome<Number> State::look_up(Number directory, const std::string& name) const {
  if (const int error = name_error(name)) return std::unexpected(error);
  const auto& entries = inode(directory).entries;
  const auto found = entries.find(name);
  if (found == entries.end()) return std::unexpected(ENOENT);
  return found->second;
}

Outcome<void> State::may_change(Number directory) const {
  if (read_only_) return std::unexpected(EROFS);
  if (inode(directory).link_count == 0) return std::unexpected(ENOENT);  // removed while open
  return {};
}

bool State::is_inside(Number directory, Number ancestor) const {
  for (;;) {
    if (directory == ancestor) return true;
    if (directory == kRoot) return false;
    directory = inode(directory).parent;
  }
}

void State::drop_link(Number number) {
  Inode& inode = edit(number);
  --inode.link_count;
}

Outcome<Number> State::create(Number directory, const std::string& name, FileType type, std::uint32_t permissions,
                              const std::string& target) {
  const auto found = look_up(directory, name);
  if (found) return std::unexpected(EEXIST);
  if (found.error() != ENOENT) return std::unexpected(found.error());
  if (const auto allowed = may_change(directory); !allowed) return std::unexpected(allowed.error());
  if (type == FileType::symlink && target.empty()) return std::unexpected(ENOENT);
  const Number number = next_++;
  auto made = std::make_shared<Inode>();
  made->type = type;
  made->device = inode(directory).device;
  made->modified = now_;
  made->link_count = 1;
  made->parent = directory;
  made->target = target;
  // The mode given at creation, the owner and a link's target are written with the name.
  made->attributes = {type == FileType::symlink ? 0777 : permissions & ~kUmask & 07777U, user_, user_, {}};
  made->settle();
  inodes_[number] = std::move(made);
  Inode& parent = edit(directory);
  parent.link(name, number);
  parent.modified = now_;
  return number;
}

Outcome<void> State::remove_file(Number directory, const std::string& name) {
  const auto found = look_up(directory, name);
  if (!found) return std::unexpected(found.error());
  if (inode(*found).type == FileType::directory) return std::unexpected(EISDIR);
  if (inode(*found).mount_point) return std::unexpected(EBUSY);
  if (read_only_) return std::unexpected(EROFS);
  Inode& parent = edit(directory);
  parent.unlink(name);
  parent.modified = now_;
  drop_link(*found);
  return {};
}

Outcome<void> State::remove_directory(Number directory, const std::string& name) {
  const auto found = look_up(directory, name);
  if (!found) return std::unexpected(found.error());
  const Inode& removed = inode(*found);
  if (removed.type != FileType::directory) return std::unexpected(ENOTDIR);
  if (removed.mount_point) return std::unexpected(EBUSY);
  if (read_only_) return std::unexpected(EROFS);
  if (!removed.entries.empty()) return std::unexpected(ENOTEMPTY);
  Inode& parent = edit(directory);
  parent.unlink(name);
  parent.modified = now_;
  drop_link(*found);
  return {};
}

Outcome<void> State::rename(Number directory, const std::string& from, Number target, const std::string& to,
                            bool replace) {
  const auto source = look_up(directory, from);
  if (!source) return std::unexpected(source.error());
  const auto old = look_up(target, to);
  if (!old && old.error() != ENOENT) return std::unexpected(old.error());
  if (inode(directory).device != inode(target).device) return std::unexpected(EXDEV);
  if (const auto allowed = may_change(target); !allowed) return allowed;
  if (old && !replace) return std::unexpected(EEXIST);
  const bool moves_directory = inode(*source).type == FileType::directory;
  if (moves_directory && is_inside(target, *source)) return std::unexpected(EINVAL);
  if (old && *old == *source) return {};  // two names of one file: POSIX says that nothing happens
  if (old) {
    const Inode& replaced = inode(*old);
    if (replaced.type == FileType::directory && is_inside(directory, *old)) return std::unexpected(ENOTEMPTY);
    if (moves_directory && replaced.type != FileType::directory) return std::unexpected(ENOTDIR);
    if (!moves_directory && replaced.type == FileType::directory) return std::unexpected(EISDIR);
    if (replaced.mount_point) return std::unexpected(EBUSY);
    if (moves_directory && !replaced.entries.empty()) return std::unexpected(ENOTEMPTY);
  }
  if (inode(*source).mount_point) return std::unexpected(EBUSY);

  if (old) drop_link(*old);
  if (directory == target) {
    edit(directory).rename(from, to);
  } else {
    // Two directories are two blocks of the disk: either half may survive alone.
    edit(target).link(to, *source);
    edit(directory).unlink(from);
    if (moves_directory) edit(*source).parent = target;
  }
  edit(directory).modified = now_;
  edit(target).modified = now_;
  return {};
}

Outcome<void> State::exchange(Number directory, const std::string& one, const std::string& other) {
  const auto first = look_up(directory, one);
  if (!first) return std::unexpected(first.error());
  const auto second = look_up(directory, other);
  if (!second) return std::unexpected(second.error());
  if (const auto allowed = may_change(directory); !allowed) return allowed;
  if (*first == *second) return {};
  if (inode(*first).mount_point || inode(*second).mount_point) return std::unexpected(EBUSY);
  Inode& parent = edit(directory);
  parent.exchange(one, other);
  parent.modified = now_;
  return {};
}

Outcome<void> State::link(Number directory, const std::string& from, Number target, const std::string& to) {
  const auto source = look_up(directory, from);
  if (!source) return std::unexpected(source.error());
  const auto old = look_up(target, to);
  if (old) return std::unexpected(EEXIST);
  if (old.error() != ENOENT) return std::unexpected(old.error());
  if (inode(directory).device != inode(target).device || inode(*source).mount_point) return std::unexpected(EXDEV);
  if (const auto allowed = may_change(target); !allowed) return allowed;
  if (inode(*source).type == FileType::directory) return std::unexpected(EPERM);
  Inode& parent = edit(target);
  parent.link(to, *source);
  parent.modified = now_;
  ++edit(*source).link_count;
  return {};
}

void State::write(Number file, std::uint64_t offset, std::string_view bytes) {
  Inode& inode = edit(file);
  inode.write(offset, bytes);
  inode.modified = now_;
}

void State::replace_content(Number file, const std::string& bytes) {
  Inode& inode = edit(file);
  inode.replace_content(bytes);
  inode.modified = now_;
}

Outcome<void> State::set_mode(Number number, std::uint32_t mode) {
  if (read_only_) return std::unexpected(EROFS);
  edit(number).set_mode(mode & 07777U);
  return {};
}

Outcome<void> State::set_owner(Number number, std::uint32_t uid, std::uint32_t gid) {
  if (read_only_) return std::unexpected(EROFS);
  edit(number).set_owner(uid, gid);
  return {};
}

Outcome<void> State::set_attribute(Number number, const std::string& name, std::string_view value) {
  if (read_only_) return std::unexpected(EROFS);
  edit(number).set_attribute(name, value);
  return {};
}

Outcome<void> State::sync(Number number) {
  if (!inode(number).settled()) edit(number).sync();
  return {};
}

void State::fail_sync(Number number) { edit(number).fail_sync(); }

fs::Stat State::stat(Number number) const {
  const Inode& inode = *inodes_.at(number);
  fs::Stat out;
  out.type = inode.type;
  out.device = inode.device;
  out.inode = number;
  out.link_count = inode.link_count;
  out.mode = inode.attributes.mode;
  out.uid = inode.attributes.uid;
  out.gid = inode.attributes.gid;
  out.modified = inode.modified;
  out.size = inode.type == FileType::symlink ? inode.target.size() : inode.content.size();
  if (inode.type == FileType::directory && inode.link_count > 0) {
    out.size = 4096;
    out.link_count = 2;  // its name and its "."
    for (const auto& [name, child] : inode.entries) {
      if (inodes_.at(child)->type == FileType::directory) ++out.link_count;
    }
  }
  return out;
}

Outcome<Resolved> State::resolve(const std::string& path, bool follow_last) const {
  constexpr int kMostLinks = 40;
  if (path.empty()) return std::unexpected(ENOENT);
  int links = 0;
  Resolved here{kRoot, "/"};
  std::string rest = path;  // the working directory is the root
  for (;;) {
    rest.erase(0, std::min(rest.find_first_not_of('/'), rest.size()));
    if (rest.empty()) return here;
    const std::size_t slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    const bool last = slash == std::string::npos;
    rest.erase(0, slash);
    if (inode(here.inode).type != FileType::directory) return std::unexpected(ENOTDIR);
    if (name == ".") continue;
    if (name == "..") {
      here.inode = inode(here.inode).parent;
      here.path.erase(std::max<std::size_t>(here.path.rfind('/'), 1));
      continue;
    }
    const auto found = look_up(here.inode, name);
    if (!found) return std::unexpected(found.error());
    const Inode& next = inode(*found);
    if (next.type == FileType::symlink && (follow_last || !last)) {
      if (++links > kMostLinks) return std::unexpected(ELOOP);
      rest = next.target + rest;
      if (next.target.front() == '/') here = {kRoot, "/"};
      continue;
    }
    here = {*found, (here.path == "/" ? "" : here.path) + "/" + name};
  }
}

}  // namespace lockstep::testing::sim
