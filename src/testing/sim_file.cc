#include <algorithm>
#include <cerrno>

#include "testing/sim_core.h"

namespace lockstep::testing::sim {

namespace {

class SimFile final : public fs::File {
 public:
  SimFile(std::shared_ptr<Core> core, Number number, std::string path, bool writable)
      : core_(std::move(core)), number_(number), path_(std::move(path)), writable_(writable) {
    core_->opened(number_);
    if (writable_) core_->begin_writing(number_);
  }
  ~SimFile() override { release(); }
  SimFile(const SimFile&) = delete;
  SimFile& operator=(const SimFile&) = delete;

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::size_t> read(std::span<char> out) override {
    return core_->call("read", path_, false, [this, out]() -> Outcome<std::size_t> {
      const Inode& inode = core_->state.inode(number_);
      if (inode.type == fs::FileType::directory) return std::unexpected(EISDIR);
      if (offset_ >= inode.content.size()) return 0;
      const std::size_t count = inode.content.copy(out.data(), out.size(), offset_);
      offset_ += count;
      return count;
    });
  }

  Result<std::size_t> write(std::string_view bytes) override {
    return core_->call("write", path_, true, [this, bytes]() -> Outcome<std::size_t> { return put(bytes); });
  }

  Result<std::size_t> copy_from(fs::File& source, std::size_t count) override {
    auto* from = dynamic_cast<SimFile*>(&source);
    return core_->call("copy_file_range", path_, true, [this, from, count]() -> Outcome<std::size_t> {
      if (const int error = copy_error(from, core_->can_copy)) return std::unexpected(error);
      const std::string& content = core_->state.inode(from->number_).content;
      if (from->offset_ >= content.size()) return 0;
      const std::string piece = content.substr(from->offset_, count);
      const auto copied = put(piece);
      if (copied) from->offset_ += *copied;
      return copied;
    });
  }

  Status clone_from(fs::File& source) override {
    auto* from = dynamic_cast<SimFile*>(&source);
    return core_->call("clone", path_, true, [this, from]() -> Outcome<void> {
      if (const int error = copy_error(from, core_->can_clone)) return std::unexpected(error);
      core_->state.replace_content(number_, core_->state.inode(from->number_).content);
      return {};
    });
  }

  Status seek(std::uint64_t offset) override {
    return core_->call("lseek", path_, false, [this, offset]() -> Outcome<void> {
      offset_ = offset;
      return {};
    });
  }

  Status start_writeback() override {
    return core_->call("sync_file_range", path_, false, []() -> Outcome<void> { return {}; });
  }

  Status sync() override { return core_->sync(path_, number_); }

  Result<fs::Stat> stat() override {
    return core_->call("fstat", path_, false, [this]() -> Outcome<fs::Stat> { return core_->state.stat(number_); });
  }

  // The bodies of calls that may be put off hold no reference to this handle.
  Status change_mode(std::uint32_t mode) override {
    return core_->call("fchmod", path_, true,
                       [core = core_.get(), number = number_, mode] { return core->state.set_mode(number, mode); });
  }

  Status change_owner(std::uint32_t uid, std::uint32_t gid) override {
    return core_->call("fchown", path_, true, [core = core_.get(), number = number_, uid, gid] {
      return core->state.set_owner(number, uid, gid);
    });
  }

  Result<std::vector<std::string>> list_attributes() override {
    return core_->call("flistxattr", path_, false, [this]() -> Outcome<std::vector<std::string>> {
      std::vector<std::string> names;
      for (const auto& [name, value] : core_->state.inode(number_).attributes.extended) names.push_back(name);
      return names;
    });
  }

  Result<std::string> get_attribute(const std::string& name) override {
    return core_->call("fgetxattr", path_, false, [this, &name]() -> Outcome<std::string> {
      const auto& extended = core_->state.inode(number_).attributes.extended;
      const auto found = extended.find(name);
      if (found == extended.end()) return std::unexpected(ENODATA);
      return found->second;
    });
  }

  Status set_attribute(const std::string& name, std::string_view value) override {
    return core_->call("fsetxattr", path_, true,
                       [core = core_.get(), number = number_, name, value = std::string(value)] {
                         return core->state.set_attribute(number, name, value);
                       });
  }

  Result<bool> try_lease() override {
    return core_->call("setlease", path_, false,
                       [this]() -> Outcome<bool> { return !core_->writers.contains(number_); });
  }
  // Nobody waits here: each call is a moment of its own.
  Result<bool> lease_is_wanted() override {
    return core_->call("getlease", path_, false, []() -> Outcome<bool> { return false; });
  }

  Result<bool> try_lock(fs::LockKind kind) override {
    return core_->call("flock", path_, false,
                       [this, kind]() -> Outcome<bool> { return core_->try_lock(number_, this, kind); });
  }

  Status close() override {
    // The descriptor is gone whatever close says.
    const Status status = core_->call("close", path_, false, []() -> Outcome<void> { return {}; });
    release();
    return status;
  }

 private:
  // Under the mutex.
  Outcome<std::size_t> put(std::string_view bytes) {
    if (!writable_) return std::unexpected(EBADF);
    if (core_->state.read_only()) return std::unexpected(EROFS);
    const std::size_t count = core_->room(number_, offset_, bytes.size());
    if (count == 0 && !bytes.empty()) return std::unexpected(ENOSPC);
    core_->state.write(number_, offset_, bytes.substr(0, count));
    offset_ += count;
    return count;
  }

  [[nodiscard]] int copy_error(const SimFile* from, bool supported) const {
    if (from == nullptr || from->core_ != core_) return EXDEV;
    if (!supported) return EOPNOTSUPP;
    if (!writable_) return EBADF;
    if (core_->state.read_only()) return EROFS;
    const Inode& source = core_->state.inode(from->number_);
    if (source.type == fs::FileType::directory) return EISDIR;
    if (source.type != fs::FileType::regular) return EINVAL;
    return source.device == core_->state.inode(number_).device ? 0 : EXDEV;
  }

  void release() {
    if (!open_) return;
    if (writable_) core_->end_writing(number_);
    core_->closed(number_, this);
    open_ = false;
  }

  std::shared_ptr<Core> core_;
  Number number_;
  std::string path_;
  bool writable_;
  bool open_ = true;
  std::uint64_t offset_ = 0;
};

}  // namespace

std::unique_ptr<fs::File> make_file(std::shared_ptr<Core> core, Number number, std::string path, bool writable) {
  return std::make_unique<SimFile>(std::move(core), number, std::move(path), writable);
}

}  // namespace lockstep::testing::sim
