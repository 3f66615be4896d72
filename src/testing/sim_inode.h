// One inode of the simulated disk: what programs see, what a power cut is sure to leave, and what it may leave.
//
// Data and attributes are kept as slots (one per 512-byte chunk, the size, the mode, the owner, each extended
// attribute). A slot has a durable value and newer versions; after a crash it holds any one of them, independently of
// all other slots. Which subset of the writes to ONE slot survived shows only in the last survivor, so choosing a
// version is the same as choosing a subset. Entries of a directory are a list of operations, since a rename touches
// two names at once.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"

namespace lockstep::testing::sim {

using Number = std::uint64_t;  // of an inode

inline constexpr std::size_t kChunkBytes = 512;  // what a disk writes whole

struct Attributes {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::map<std::string, std::string> extended;
  bool operator==(const Attributes&) const = default;
};

struct SlotKey {
  enum class Kind { size, chunk, mode, owner, attribute };
  Kind kind = Kind::size;
  std::uint64_t index = 0;  // of the chunk
  std::string name;         // of the extended attribute
  auto operator<=>(const SlotKey&) const = default;
};

struct Version {
  std::uint64_t number = 0;  // size, mode, or uid << 32 | gid
  std::string bytes;         // of a chunk or an attribute
  bool limbo = false;        // its fsync failed: no later fsync makes it durable
};

struct EntryOperation {
  enum class Kind { link, unlink, rename, exchange };
  enum class Fate { pending, limbo, synced };
  Kind kind = Kind::link;
  std::string name;
  std::string new_name;  // of a rename; the other name of an exchange
  Number inode = 0;
  Number other = 0;  // what `new_name` led to before an exchange
  Fate fate = Fate::pending;
};

// Which version of a slot with `versions` newer values is on disk: 0 is the durable value.
using ChooseVersion = std::function<std::size_t(const SlotKey& slot, std::size_t versions)>;
// Whether an operation of the list that is not synced is on disk.
using ChooseOperation = std::function<bool(std::size_t index)>;

struct Inode {
  fs::FileType type = fs::FileType::regular;
  std::uint64_t device = 1;
  bool mount_point = false;
  std::int64_t modified = 0;
  std::uint64_t link_count = 0;
  Number parent = 0;   // of a directory
  std::string target;  // of a symbolic link: durable with its name

  // What programs see.
  Attributes attributes;
  std::string content;
  std::map<std::string, Number> entries;

  // What is surely on disk. The content may be longer than the size: chunks are durable on their own.
  Attributes durable_attributes;
  std::string durable_content;
  std::uint64_t durable_size = 0;
  std::map<std::string, Number> durable_entries;

  std::map<SlotKey, std::vector<Version>> slots;
  std::vector<EntryOperation> operations;

  std::uint64_t hash = 0;  // of type, attributes, content and target; set in crash images only

  // Changes of the visible state; each is pending until sync().
  void write(std::uint64_t offset, std::string_view bytes);
  void replace_content(const std::string& bytes);
  void set_mode(std::uint32_t mode);
  void set_owner(std::uint32_t uid, std::uint32_t gid);
  void set_attribute(const std::string& name, std::string_view value);
  void link(const std::string& name, Number inode);
  void unlink(const std::string& name);
  void rename(const std::string& from, const std::string& to);
  void exchange(const std::string& one, const std::string& other);

  // fsync: what is pending becomes durable; what an earlier fsync failed on does not.
  void sync();
  // A failing fsync: from now on each pending change may or may not be on disk, whatever is synced later.
  void fail_sync();
  // Everything visible is durable: a clean unmount.
  void settle();

  // True when nothing can be lost.
  [[nodiscard]] bool settled() const { return slots.empty() && operations.empty(); }
  // The inode as a crash leaves it; its entries are `names`.
  [[nodiscard]] Inode after_crash(const ChooseVersion& choose, std::map<std::string, Number> names) const;
  // The names as a crash leaves them. A rename survives only if the entry it moves did: nullopt for a choice that says
  // otherwise, unless `drop_impossible`, which takes such a rename as lost too.
  [[nodiscard]] std::optional<std::map<std::string, Number>> names_after_crash(const ChooseOperation& survives,
                                                                               bool drop_impossible) const;

 private:
  void touch_chunks(std::uint64_t begin, std::uint64_t end);
};

}  // namespace lockstep::testing::sim
