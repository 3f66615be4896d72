#include "testing/sim_inode.h"

#include <algorithm>
#include <utility>

namespace lockstep::testing::sim {

namespace {

using Fate = EntryOperation::Fate;
using Entries = std::map<std::string, Number>;

std::uint64_t pack_owner(std::uint32_t uid, std::uint32_t gid) { return (std::uint64_t{uid} << 32U) | gid; }

void write_at(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

// Puts one version of one slot on disk.
void put_slot(const SlotKey& key, const Version& version, Attributes& attributes, std::string& content,
              std::uint64_t& size) {
  switch (key.kind) {
    case SlotKey::Kind::size: size = version.number; break;
    case SlotKey::Kind::chunk: write_at(content, key.index * kChunkBytes, version.bytes); break;
    case SlotKey::Kind::mode: attributes.mode = static_cast<std::uint32_t>(version.number); break;
    case SlotKey::Kind::owner:
      attributes.uid = static_cast<std::uint32_t>(version.number >> 32U);
      attributes.gid = static_cast<std::uint32_t>(version.number);
      break;
    case SlotKey::Kind::attribute: attributes.extended[key.name] = version.bytes; break;
  }
}

// Both names at once, or none of them.
bool put_exchange(const EntryOperation& operation, Entries& entries) {
  const auto one = entries.find(operation.name);
  const auto other = entries.find(operation.new_name);
  if (one == entries.end() || one->second != operation.inode) return false;
  if (other == entries.end() || other->second != operation.other) return false;
  std::swap(one->second, other->second);
  return true;
}

// False when an entry that a rename or an exchange moves is not there.
bool put_entry(const EntryOperation& operation, Entries& entries) {
  switch (operation.kind) {
    case EntryOperation::Kind::link: entries[operation.name] = operation.inode; return true;
    case EntryOperation::Kind::unlink: entries.erase(operation.name); return true;
    case EntryOperation::Kind::exchange: return put_exchange(operation, entries);
    case EntryOperation::Kind::rename: break;
  }
  const auto source = entries.find(operation.name);
  if (source == entries.end() || source->second != operation.inode) return false;
  entries.erase(source);
  entries[operation.new_name] = operation.inode;
  return true;
}

}  // namespace

void Inode::touch_chunks(std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t index = begin / kChunkBytes; index * kChunkBytes < end; ++index) {
    // The whole chunk as it is now, not only the new bytes: that is what write-back puts on disk.
    slots[{SlotKey::Kind::chunk, index, {}}].push_back({0, content.substr(index * kChunkBytes, kChunkBytes), false});
  }
}

void Inode::write(std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t size_before = content.size();
  write_at(content, offset, bytes);
  touch_chunks(offset, offset + bytes.size());
  if (content.size() != size_before) slots[{SlotKey::Kind::size, 0, {}}].push_back({content.size(), {}, false});
}

void Inode::replace_content(const std::string& bytes) {
  content = bytes;
  touch_chunks(0, content.size());
  slots[{SlotKey::Kind::size, 0, {}}].push_back({content.size(), {}, false});
}

void Inode::set_mode(std::uint32_t mode) {
  attributes.mode = mode;
  slots[{SlotKey::Kind::mode, 0, {}}].push_back({mode, {}, false});
}

void Inode::set_owner(std::uint32_t uid, std::uint32_t gid) {
  attributes.uid = uid;
  attributes.gid = gid;
  slots[{SlotKey::Kind::owner, 0, {}}].push_back({pack_owner(uid, gid), {}, false});
}

void Inode::set_attribute(const std::string& name, std::string_view value) {
  attributes.extended[name] = value;
  slots[{SlotKey::Kind::attribute, 0, name}].push_back({0, std::string(value), false});
}

void Inode::link(const std::string& name, Number inode) {
  entries[name] = inode;
  operations.push_back({EntryOperation::Kind::link, name, {}, inode, 0, Fate::pending});
}

void Inode::unlink(const std::string& name) {
  const Number inode = entries.at(name);
  entries.erase(name);
  operations.push_back({EntryOperation::Kind::unlink, name, {}, inode, 0, Fate::pending});
}

void Inode::rename(const std::string& from, const std::string& to) {
  const Number inode = entries.at(from);
  entries.erase(from);
  entries[to] = inode;
  operations.push_back({EntryOperation::Kind::rename, from, to, inode, 0, Fate::pending});
}

void Inode::exchange(const std::string& one, const std::string& other) {
  Number& first = entries.at(one);
  Number& second = entries.at(other);
  operations.push_back({EntryOperation::Kind::exchange, one, other, first, second, Fate::pending});
  std::swap(first, second);
}

void Inode::sync() {
  for (auto slot = slots.begin(); slot != slots.end();) {
    // A version in limbo is always older than the pending ones, so a pending one at the end settles the slot.
    const Version& newest = slot->second.back();
    if (newest.limbo) {
      ++slot;
      continue;
    }
    put_slot(slot->first, newest, durable_attributes, durable_content, durable_size);
    slot = slots.erase(slot);
  }
  for (EntryOperation& operation : operations) {
    if (operation.fate == Fate::pending) operation.fate = Fate::synced;
  }
  const auto first_open =
      std::ranges::find_if(operations, [](const EntryOperation& each) { return each.fate != Fate::synced; });
  for (auto each = operations.begin(); each != first_open; ++each) put_entry(*each, durable_entries);
  operations.erase(operations.begin(), first_open);
}

void Inode::fail_sync() {
  for (auto& [key, versions] : slots) {
    for (Version& version : versions) version.limbo = true;
  }
  for (EntryOperation& operation : operations) {
    if (operation.fate == Fate::pending) operation.fate = Fate::limbo;
  }
}

void Inode::settle() {
  slots.clear();
  operations.clear();
  durable_attributes = attributes;
  durable_content = content;
  durable_size = content.size();
  durable_entries = entries;
}

Inode Inode::after_crash(const ChooseVersion& choose, Entries names) const {
  Inode out;
  out.type = type;
  out.device = device;
  out.mount_point = mount_point;
  out.modified = modified;
  out.parent = parent;
  out.target = target;
  out.attributes = durable_attributes;
  out.content = durable_content;
  std::uint64_t size = durable_size;
  for (const auto& [key, versions] : slots) {
    const std::size_t choice = choose(key, versions.size());
    if (choice > 0) put_slot(key, versions[choice - 1], out.attributes, out.content, size);
  }
  out.content.resize(size, '\0');  // a size that survived without its data reads as zeros
  out.entries = std::move(names);
  out.settle();
  return out;
}

std::optional<Entries> Inode::names_after_crash(const ChooseOperation& survives, bool drop_impossible) const {
  Entries names = durable_entries;
  for (std::size_t index = 0; index < operations.size(); ++index) {
    const EntryOperation& operation = operations[index];
    const bool certain = operation.fate == Fate::synced;
    if (!certain && !survives(index)) continue;
    // A synced rename of an entry whose own creation is in limbo is lost with it.
    if (!put_entry(operation, names) && !certain && !drop_impossible) return std::nullopt;
  }
  return names;
}

}  // namespace lockstep::testing::sim
