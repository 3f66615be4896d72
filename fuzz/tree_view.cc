#include "tree_view.h"

#include <algorithm>

#include "crypto/digest.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::fuzz {

using durable::Generation;

namespace {

// Most manifests are seen again and again, in tree after tree.
const std::optional<durable::Manifest>& read_manifest(const std::string& text) {
  constexpr std::size_t kMost = 1000;
  static std::map<std::string, std::optional<durable::Manifest>> known;
  if (known.size() > kMost) known.clear();
  const auto [found, is_new] = known.try_emplace(text);
  if (is_new) {
    auto manifest = durable::parse_manifest(text, "manifest");
    if (manifest) found->second = std::move(*manifest);
  }
  return found->second;
}

}  // namespace

StoreView::StoreView(const Tree& tree, std::string store) : tree_(tree), store_(std::move(store)) {
  for (auto entry = tree_.lower_bound(control() + "/gen-"); entry != tree_.end(); ++entry) {
    const fs::SplitPath split = fs::split_path(entry->first);
    if (!is_at_or_below(entry->first, control())) break;
    if (split.parent != control() || entry->second.type != fs::FileType::directory) continue;
    const auto generation = durable::parse_generation_name(split.name);
    if (!generation) continue;
    generations_.insert(*generation);
    const testing::TreeEntry* file = at(entry->first + "/" + durable::kManifestFile);
    if (file == nullptr || file->type != fs::FileType::regular) continue;
    const auto& manifest = read_manifest(file->content);
    if (manifest && manifest->generation == *generation) manifests_.emplace(*generation, *manifest);
  }
}

const testing::TreeEntry* StoreView::at(const std::string& path) const {
  const auto found = tree_.find(path);
  return found == tree_.end() ? nullptr : &found->second;
}

std::string StoreView::path(Generation generation) const {
  return control() + "/" + durable::generation_name(generation);
}

std::optional<Generation> StoreView::pointer(const char* name) const {
  const testing::TreeEntry* entry = at(control() + "/" + name);
  if (entry == nullptr || entry->type != fs::FileType::symlink) return std::nullopt;
  return durable::parse_generation_name(entry->content);
}

bool StoreView::has(const std::string& path_in_control) const {
  return at(control() + "/" + path_in_control) != nullptr;
}

const durable::Manifest* StoreView::manifest(Generation generation) const {
  const auto found = manifests_.find(generation);
  return found == manifests_.end() ? nullptr : &found->second;
}

std::optional<std::string> StoreView::member(Generation generation, const std::string& name) const {
  const durable::Manifest* manifest = this->manifest(generation);
  const durable::ManifestMember* member = manifest == nullptr ? nullptr : manifest->find(name);
  const testing::TreeEntry* file = at(path(generation) + "/" + name);
  if (member == nullptr || file == nullptr || file->type != fs::FileType::regular) return std::nullopt;
  if (file->content.size() != member->size || crypto::sha256_hex(file->content) != member->sha256) return std::nullopt;
  return file->content;
}

bool StoreView::intact(Generation generation) const {
  const durable::Manifest* manifest = this->manifest(generation);
  return manifest != nullptr && std::ranges::all_of(manifest->members, [&](const auto& each) {
           return member(generation, each.name).has_value();
         });
}

std::optional<durable::History> StoreView::history() const {
  const testing::TreeEntry* file = at(control() + "/" + durable::kHistoryFile);
  if (file == nullptr || file->type != fs::FileType::regular) return std::nullopt;
  auto history = durable::parse_history(file->content, "history");
  if (!history) return std::nullopt;
  return std::move(*history);
}

std::set<Generation> StoreView::referenced() const {
  std::set<Generation> found;
  const auto live = pointer(durable::kCurrentPointer);
  if (live) found.insert(*live);
  if (const auto pending = pointer(durable::kPendingPointer)) found.insert(*pending);
  if (live && manifest(*live) != nullptr) {
    found.insert(manifest(*live)->history.begin(), manifest(*live)->history.end());
  }
  if (const auto record = history()) found.insert(record->kept.begin(), record->kept.end());
  return found;
}

Generation StoreView::highest() const {
  Generation highest = generations_.empty() ? 0 : *generations_.rbegin();
  const auto live = pointer(durable::kCurrentPointer);
  if (live) highest = std::max(highest, *live);
  if (live && manifest(*live) != nullptr) highest = std::max(highest, manifest(*live)->highest);
  if (const auto pending = pointer(durable::kPendingPointer)) highest = std::max(highest, *pending);
  if (const auto record = history()) highest = std::max(highest, record->highest);
  return highest;
}

bool StoreView::flawless() const {
  const auto live = pointer(durable::kCurrentPointer);
  if (!live || !intact(*live) || !history()) return false;
  const auto pending = pointer(durable::kPendingPointer);
  if (has(durable::kPendingPointer) && (!pending || !intact(*pending))) return false;
  const testing::TreeEntry* lock = at(control() + "/" + durable::kLockFile);
  if (lock != nullptr && lock->type != fs::FileType::regular) return false;
  const testing::TreeEntry* drafts = at(control() + "/" + durable::kDraftDirectory);
  if (drafts != nullptr && drafts->type != fs::FileType::directory) return false;
  for (const auto& [path, entry] : tree_) {
    const fs::SplitPath split = fs::split_path(path);
    const std::string above = fs::split_path(split.parent).name;
    const bool is_generation = durable::parse_generation_name(split.name).has_value();
    const bool is_temporary = durable::temporary_owner(split.name).has_value();
    if (split.parent == control() && is_generation && entry.type != fs::FileType::directory) return false;
    if (split.parent == control() && is_temporary && entry.type == fs::FileType::other) return false;
    const bool in_ours = durable::parse_generation_name(above) || durable::temporary_owner(above);
    if (is_at_or_below(path, control()) && in_ours && entry.type == fs::FileType::directory) return false;
  }
  // Kept generations are whole, and nobody's copy is among them.
  for (const Generation generation : generations_) {
    if (referenced().contains(generation) ? !intact(generation) : manifest(generation) == nullptr) return false;
  }
  return std::ranges::all_of(manifest(*live)->members, [&](const durable::ManifestMember& member) {
    const testing::TreeEntry* entry = at(store_ + "/" + member.name);
    return entry != nullptr && entry->type == fs::FileType::symlink &&
           entry->content == durable::stable_target(member.name);
  });
}

}  // namespace lockstep::fuzz
