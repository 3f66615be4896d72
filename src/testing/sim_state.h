// The whole simulated disk as a value: inodes and the rules of Linux for changing them.
//
// Copying is cheap (inodes are shared until changed), so that a state can be kept at every operation. Methods give
// errno values as their error; they are the system calls without descriptors, hooks and locks.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>

#include "testing/sim_inode.h"

namespace lockstep::testing::sim {

template <class T>
using Outcome = std::expected<T, int>;  // the error is an errno value

using Inodes = std::map<Number, std::shared_ptr<Inode>>;

struct Resolved {
  Number inode = 0;
  std::string path;  // without links
};

class State {
 public:
  static constexpr Number kRoot = 1;

  State();  // an empty root directory, mode 0755
  State(Inodes inodes, Number next, std::uint32_t user);

  [[nodiscard]] const Inode& inode(Number number) const { return *inodes_.at(number); }
  [[nodiscard]] const Inodes& inodes() const { return inodes_; }
  [[nodiscard]] Number next_number() const { return next_; }
  [[nodiscard]] std::uint32_t user() const { return user_; }
  // Grows with every change: equal means that nothing happened in between.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // For changes; copies the inode if a snapshot shares it.
  Inode& edit(Number number);

  void set_user(std::uint32_t user) { user_ = user; }
  void set_time(std::int64_t now) { now_ = now; }
  void set_read_only(bool read_only) { read_only_ = read_only; }
  [[nodiscard]] bool read_only() const { return read_only_; }
  void settle_all();

  [[nodiscard]] Outcome<Number> look_up(Number directory, const std::string& name) const;
  [[nodiscard]] Outcome<Resolved> resolve(const std::string& path, bool follow_last) const;

  Outcome<Number> create(Number directory, const std::string& name, fs::FileType type, std::uint32_t permissions,
                         const std::string& target = {});
  Outcome<void> remove_file(Number directory, const std::string& name);
  Outcome<void> remove_directory(Number directory, const std::string& name);
  Outcome<void> rename(Number directory, const std::string& from, Number target, const std::string& to, bool replace);
  Outcome<void> exchange(Number directory, const std::string& one, const std::string& other);
  Outcome<void> link(Number directory, const std::string& from, Number target, const std::string& to);
  void write(Number file, std::uint64_t offset, std::string_view bytes);
  void replace_content(Number file, const std::string& bytes);
  Outcome<void> set_mode(Number number, std::uint32_t mode);
  Outcome<void> set_owner(Number number, std::uint32_t uid, std::uint32_t gid);
  Outcome<void> set_attribute(Number number, const std::string& name, std::string_view value);
  Outcome<void> sync(Number number);
  void fail_sync(Number number);

  [[nodiscard]] fs::Stat stat(Number number) const;

 private:
  [[nodiscard]] Outcome<void> may_change(Number directory) const;
  [[nodiscard]] bool is_inside(Number directory, Number ancestor) const;
  void drop_link(Number number);

  Inodes inodes_;
  Number next_ = kRoot + 1;
  std::uint32_t user_ = 1000;
  std::int64_t now_ = 1'700'000'000;
  bool read_only_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace lockstep::testing::sim
