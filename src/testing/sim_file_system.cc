#include "testing/sim_file_system.h"

#include <cerrno>

#include "fs/io.h"
#include "testing/sim_core.h"

namespace lockstep::testing {

using fs::FileType;
using sim::Number;
using sim::Outcome;

namespace {

std::string without_empty_components(const std::string& path) {
  std::string out;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string component = path.substr(start, end - start);
    if (!component.empty() && component != ".") out += "/" + component;
    start = end + 1;
  }
  return out.empty() ? "/" : out;
}

void add_tree(const sim::State& state, Number number, const std::string& path, Tree& out) {
  const sim::Inode& inode = state.inode(number);
  out[path] = {inode.type, inode.attributes, inode.type == FileType::symlink ? inode.target : inode.content};
  for (const auto& [name, child] : inode.entries) add_tree(state, child, fs::join_path(path, name), out);
}

}  // namespace

std::string describe_difference(const Tree& before, const Tree& after, std::size_t limit) {
  std::string out;
  std::size_t lines = 0;
  const auto say = [&](const std::string& path, const char* what) {
    if (++lines <= limit) out += path + " " + what + "\n";
  };
  for (const auto& [path, entry] : before) {
    const auto other = after.find(path);
    if (other == after.end())
      say(path, "is gone");
    else if (other->second.content != entry.content)
      say(path, "has other content");
    else if (other->second != entry)
      say(path, "has another type, mode, owner or attribute");
  }
  for (const auto& [path, entry] : after) {
    if (!before.contains(path)) say(path, "is left over");
  }
  return out;
}

SimFileSystem::SimFileSystem() : core_(std::make_shared<sim::Core>()) {}

SimFileSystem::SimFileSystem(const SimImage& image) : SimFileSystem() {
  core_->state = sim::State(image.inodes, image.next_number, image.user);
}

SimFileSystem::~SimFileSystem() {
  // Handles may live on; what the hook refers to may not.
  core_->set_hook(nullptr);
}

Result<std::unique_ptr<fs::Directory>> SimFileSystem::open_directory(const std::string& path) {
  std::string absolute = TRY(absolute_path(path));
  const Number found = TRY(core_->call("open", absolute, false, [&]() -> Outcome<Number> {
    const auto resolved = core_->state.resolve(absolute, true);
    if (!resolved) return std::unexpected(resolved.error());
    if (core_->state.inode(resolved->inode).type != FileType::directory) return std::unexpected(ENOTDIR);
    return resolved->inode;
  }));
  return sim::make_directory(core_, found, std::move(absolute));
}

Result<fs::Stat> SimFileSystem::stat_path(const std::string& path) {
  return core_->call("stat", path, false, [&]() -> Outcome<fs::Stat> {
    const auto resolved = core_->state.resolve(path, false);
    if (!resolved) return std::unexpected(resolved.error());
    return core_->state.stat(resolved->inode);
  });
}

Result<std::string> SimFileSystem::real_path(const std::string& path) {
  return core_->call("realpath", path, false, [&]() -> Outcome<std::string> {
    const auto resolved = core_->state.resolve(path, true);
    if (!resolved) return std::unexpected(resolved.error());
    return resolved->path;
  });
}

Result<std::string> SimFileSystem::absolute_path(const std::string& path) {
  // Not counted: with the working directory at hand it is no system call.
  if (path.empty()) return fail(system_error(ENOENT, "cannot resolve ''"));
  return without_empty_components(path);
}

Result<std::unique_ptr<fs::File>> SimFileSystem::open_for_reading(const std::string& path) {
  const Number found = TRY(core_->call("open", path, false, [&]() -> Outcome<Number> {
    const auto resolved = core_->state.resolve(path, true);
    if (!resolved) return std::unexpected(resolved.error());
    return resolved->inode;
  }));
  return sim::make_file(core_, found, path, false);
}

std::uint32_t SimFileSystem::effective_user() const {
  const std::lock_guard lock(core_->mutex);
  return core_->state.user();
}

void SimFileSystem::set_hook(OperationHook hook) { core_->set_hook(std::move(hook)); }
std::uint64_t SimFileSystem::operation_count() const { return core_->operation_count(); }

void SimFileSystem::set_delay_hook(std::function<void()> hook) { core_->before_delayed = std::move(hook); }

void SimFileSystem::finish_delayed() {
  const std::lock_guard lock(core_->mutex);
  if (const auto late = std::exchange(core_->delayed, nullptr)) late();
}

void SimFileSystem::set_read_only(bool read_only) {
  const std::lock_guard lock(core_->mutex);
  core_->state.set_read_only(read_only);
}

void SimFileSystem::set_capacity(std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(core_->mutex);
  core_->capacity = bytes;
}

void SimFileSystem::set_effective_user(std::uint32_t user) {
  const std::lock_guard lock(core_->mutex);
  core_->state.set_user(user);
}

void SimFileSystem::set_time(std::int64_t now) {
  const std::lock_guard lock(core_->mutex);
  core_->state.set_time(now);
}

void SimFileSystem::set_copy_support(bool copy_file_range, bool clone) {
  const std::lock_guard lock(core_->mutex);
  core_->can_copy = copy_file_range;
  core_->can_clone = clone;
}

void SimFileSystem::sync_everything() {
  const std::lock_guard lock(core_->mutex);
  core_->state.settle_all();
}

SimImage SimFileSystem::image() const { return sim::settled_image(state()); }

std::vector<SimImage> SimFileSystem::enumerate_crashes(const CrashLimits& limits) const {
  return sim::CrashEnumerator(limits).images(state());
}

sim::State SimFileSystem::state() const {
  const std::lock_guard lock(core_->mutex);
  return core_->state;
}

std::uint64_t SimFileSystem::changes() const {
  const std::lock_guard lock(core_->mutex);
  return core_->state.changes();
}

Tree SimFileSystem::dump() const {
  Tree out;
  add_tree(state(), sim::State::kRoot, "/", out);
  return out;
}

void SimFileSystem::make_directories(const std::string& path, std::uint32_t mode) {
  if (path == "/") return;
  const fs::SplitPath split = fs::split_path(path);
  make_directories(split.parent, mode);
  const std::lock_guard lock(core_->mutex);
  if (core_->state.resolve(path, true)) return;
  const auto parent = core_->state.resolve(split.parent, true);
  LOCKSTEP_CHECK(parent && core_->state.create(parent->inode, split.name, FileType::directory, mode));
}

void SimFileSystem::write_file(const std::string& path, std::string_view content, std::uint32_t mode) {
  const fs::SplitPath split = fs::split_path(path);
  const std::lock_guard lock(core_->mutex);
  auto file = core_->state.resolve(path, true);
  if (!file) {
    const auto parent = core_->state.resolve(split.parent, true);
    LOCKSTEP_CHECK(parent && core_->state.create(parent->inode, split.name, FileType::regular, mode));
    file = core_->state.resolve(path, true);
  }
  LOCKSTEP_CHECK(file && core_->state.inode(file->inode).type == FileType::regular);
  core_->state.replace_content(file->inode, std::string(content));
  if (core_->state.inode(file->inode).attributes.mode != mode) {
    LOCKSTEP_CHECK(core_->state.set_mode(file->inode, mode));
  }
}

void SimFileSystem::make_symlink(const std::string& target, const std::string& path) {
  const fs::SplitPath split = fs::split_path(path);
  const std::lock_guard lock(core_->mutex);
  const auto parent = core_->state.resolve(split.parent, true);
  LOCKSTEP_CHECK(parent && core_->state.create(parent->inode, split.name, FileType::symlink, 0777, target));
}

void SimFileSystem::make_fifo(const std::string& path) {
  const fs::SplitPath split = fs::split_path(path);
  const std::lock_guard lock(core_->mutex);
  const auto parent = core_->state.resolve(split.parent, true);
  LOCKSTEP_CHECK(parent && core_->state.create(parent->inode, split.name, FileType::other, 0644));
}

void SimFileSystem::set_mount_point(const std::string& path) {
  const std::lock_guard lock(core_->mutex);
  const auto found = core_->state.resolve(path, false);
  LOCKSTEP_CHECK(found.has_value());
  sim::Inode& inode = core_->state.edit(found->inode);
  inode.mount_point = true;
  if (inode.type == FileType::directory) inode.device = found->inode + 1;  // 1 is the root's
}

std::optional<std::string> SimFileSystem::read_file(const std::string& path) const {
  const std::lock_guard lock(core_->mutex);
  const auto found = core_->state.resolve(path, true);
  if (!found || core_->state.inode(found->inode).type != FileType::regular) return std::nullopt;
  return core_->state.inode(found->inode).content;
}

}  // namespace lockstep::testing
