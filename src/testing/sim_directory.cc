#include <cerrno>

#include "fs/io.h"
#include "testing/sim_core.h"

namespace lockstep::testing::sim {

namespace {

using fs::FileType;

class SimDirectory final : public fs::Directory {
 public:
  SimDirectory(std::shared_ptr<Core> core, Number number, std::string path)
      : core_(std::move(core)), number_(number), path_(std::move(path)) {
    core_->opened(number_);
  }
  ~SimDirectory() override { core_->closed(number_, this); }
  SimDirectory(const SimDirectory&) = delete;
  SimDirectory& operator=(const SimDirectory&) = delete;

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::unique_ptr<fs::Directory>> open_directory(const std::string& name) override {
    const Number found = TRY(core_->call("open", full(name), false, [this, &name]() -> Outcome<Number> {
      const auto number = core_->state.look_up(number_, name);
      if (number && core_->state.inode(*number).type != FileType::directory) return std::unexpected(ENOTDIR);
      return number;
    }));
    return make_directory_handle(found, full(name));
  }

  Result<std::unique_ptr<fs::File>> open_file(const std::string& name, fs::OpenMode mode,
                                              std::uint32_t permissions) override {
    const bool writable = mode != fs::OpenMode::read;
    const Number found = TRY(core_->call(writable ? "create" : "open", full(name), writable,
                                         [&] { return open_or_create(name, mode, permissions); }));
    return make_file(core_, found, full(name), writable);
  }

  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    return core_->call("mkdir", full(name), true,
                       [core = core_.get(), number = number_, name, permissions]() -> Outcome<void> {
                         const auto made = core->state.create(number, name, FileType::directory, permissions);
                         if (!made) return std::unexpected(made.error());
                         return {};
                       });
  }

  Status remove_file(const std::string& name) override {
    return core_->call("unlink", full(name), true,
                       [core = core_.get(), number = number_, name] { return core->state.remove_file(number, name); });
  }

  Status remove_directory(const std::string& name) override {
    return core_->call("rmdir", full(name), true, [core = core_.get(), number = number_, name] {
      return core->state.remove_directory(number, name);
    });
  }

  Status rename(const std::string& from, Directory& target, const std::string& to) override {
    return move("rename", from, target, to, true);
  }

  Status rename_no_replace(const std::string& from, Directory& target, const std::string& to) override {
    return move("rename_no_replace", from, target, to, false);
  }

  Status exchange(const std::string& one, const std::string& other) override {
    return core_->call("exchange", full(other), true, [core = core_.get(), number = number_, one, other] {
      return core->state.exchange(number, one, other);
    });
  }

  Status make_symlink(const std::string& target, const std::string& name) override {
    return core_->call("symlink", full(name), true,
                       [core = core_.get(), number = number_, name, target]() -> Outcome<void> {
                         const auto made = core->state.create(number, name, FileType::symlink, 0777, target);
                         if (!made) return std::unexpected(made.error());
                         return {};
                       });
  }

  Result<std::string> read_symlink(const std::string& name) override {
    return core_->call("readlink", full(name), false, [this, &name]() -> Outcome<std::string> {
      const auto found = core_->state.look_up(number_, name);
      if (!found) return std::unexpected(found.error());
      const Inode& inode = core_->state.inode(*found);
      if (inode.type != FileType::symlink) return std::unexpected(EINVAL);
      return inode.target;
    });
  }

  Status make_link(const std::string& from, Directory& target, const std::string& to) override {
    const Number other = number_of(target);
    return core_->call("link", fs::join_path(target.path(), to), true,
                       [core = core_.get(), number = number_, from, other, to]() -> Outcome<void> {
                         if (other == 0) return std::unexpected(EXDEV);
                         return core->state.link(number, from, other, to);
                       });
  }

  Result<fs::Stat> stat_entry(const std::string& name) override {
    return core_->call("stat", full(name), false, [this, &name]() -> Outcome<fs::Stat> {
      const auto found = core_->state.look_up(number_, name);
      if (!found) return std::unexpected(found.error());
      return core_->state.stat(*found);
    });
  }

  Result<std::vector<fs::DirectoryEntry>> list() override {
    return core_->call("list", path_, false, [this]() -> Outcome<std::vector<fs::DirectoryEntry>> {
      std::vector<fs::DirectoryEntry> entries;
      for (const auto& [name, number] : core_->state.inode(number_).entries) {
        entries.push_back({name, core_->state.inode(number).type});
      }
      return entries;
    });
  }

  Result<fs::Stat> stat() override {
    return core_->call("fstat", path_, false, [this]() -> Outcome<fs::Stat> { return core_->state.stat(number_); });
  }

  Status sync() override { return core_->sync(path_, number_); }

  Status change_mode(std::uint32_t mode) override {
    return core_->call("fchmod", path_, true,
                       [core = core_.get(), number = number_, mode] { return core->state.set_mode(number, mode); });
  }

  Status change_owner(std::uint32_t uid, std::uint32_t gid) override {
    return core_->call("fchown", path_, true, [core = core_.get(), number = number_, uid, gid] {
      return core->state.set_owner(number, uid, gid);
    });
  }

  Result<bool> try_lock(fs::LockKind kind) override {
    return core_->call("flock", path_, false,
                       [this, kind]() -> Outcome<bool> { return core_->try_lock(number_, this, kind); });
  }

 private:
  [[nodiscard]] std::string full(const std::string& name) const { return fs::join_path(path_, name); }

  [[nodiscard]] std::unique_ptr<fs::Directory> make_directory_handle(Number number, std::string path) const {
    return sim::make_directory(core_, number, std::move(path));
  }

  // 0 for a directory of another system.
  [[nodiscard]] Number number_of(Directory& directory) const {
    const auto* other = dynamic_cast<SimDirectory*>(&directory);
    return other != nullptr && other->core_ == core_ ? other->number_ : 0;
  }

  // Under the mutex.
  Outcome<Number> open_or_create(const std::string& name, fs::OpenMode mode, std::uint32_t permissions) {
    const auto found = core_->state.look_up(number_, name);
    const bool missing = !found && found.error() == ENOENT;
    if (mode != fs::OpenMode::read && missing) {
      return core_->state.create(number_, name, FileType::regular, permissions);
    }
    if (!found) return found;
    const FileType type = core_->state.inode(*found).type;
    if (mode == fs::OpenMode::create_exclusive) return std::unexpected(EEXIST);
    if (type == FileType::symlink) return std::unexpected(ELOOP);
    if (mode == fs::OpenMode::read) return found;
    if (type == FileType::directory) return std::unexpected(EISDIR);
    if (core_->state.read_only()) return std::unexpected(EROFS);
    return found;
  }

  Status move(std::string_view kind, const std::string& from, Directory& target, const std::string& to, bool replace) {
    const Number other = number_of(target);
    return core_->call(kind, fs::join_path(target.path(), to), true,
                       [core = core_.get(), number = number_, from, other, to, replace]() -> Outcome<void> {
                         if (other == 0) return std::unexpected(EXDEV);
                         return core->state.rename(number, from, other, to, replace);
                       });
  }

  std::shared_ptr<Core> core_;
  Number number_;
  std::string path_;
};

}  // namespace

std::unique_ptr<fs::Directory> make_directory(std::shared_ptr<Core> core, Number number, std::string path) {
  return std::make_unique<SimDirectory>(std::move(core), number, std::move(path));
}

}  // namespace lockstep::testing::sim
