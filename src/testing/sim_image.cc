#include "testing/sim_image.h"

#include <functional>
#include <utility>

namespace lockstep::testing::sim {

namespace {

constexpr int kDeepest = 64;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
  hash *= 0xff51afd7ed558ccdU;
  return hash ^ (hash >> 32U);
}

std::uint64_t mix(std::uint64_t hash, const std::string& value) {
  return mix(mix(hash, value.size()), std::hash<std::string>{}(value));
}

struct TreeHash {
  const Inodes& inodes;
  std::map<Number, std::uint64_t> seen;  // in order of appearance: tells hard links from copies
  std::uint64_t hash = 1;

  void add(Number number, int depth) {
    const Inode& inode = *inodes.at(number);
    const auto [place, first] = seen.emplace(number, seen.size());
    hash = mix(hash, place->second);
    if (!first || depth > kDeepest) return;
    hash = mix(hash, inode.hash);
    for (const auto& [name, child] : inode.entries) {
      hash = mix(hash, name);
      add(child, depth + 1);
    }
    hash = mix(hash, 0);
  }
};

}  // namespace

std::uint64_t content_hash(const Inode& inode) {
  std::uint64_t hash = mix(7, static_cast<std::uint64_t>(inode.type));
  hash = mix(mix(mix(hash, inode.attributes.mode), inode.attributes.uid), inode.attributes.gid);
  for (const auto& [name, value] : inode.attributes.extended) hash = mix(mix(hash, name), value);
  hash = mix(mix(hash, inode.content), inode.target);
  return hash == 0 ? 1 : hash;
}

SimImage finish_image(const State& state, Inodes chosen, std::string choice) {
  std::map<Number, std::uint64_t> links{{State::kRoot, 1}};
  std::map<Number, Number> parents{{State::kRoot, State::kRoot}};
  for (const auto& [number, inode] : chosen) {
    for (const auto& [name, child] : inode->entries) {
      ++links[child];
      parents.emplace(child, number);
    }
  }
  for (auto& [number, inode] : chosen) {
    const bool parent_differs = inode->type == fs::FileType::directory && inode->parent != parents.at(number);
    if (inode->link_count == links.at(number) && !parent_differs) continue;
    inode = std::make_shared<Inode>(*inode);
    inode->link_count = links.at(number);
    inode->parent = parents.at(number);
  }
  SimImage image{std::move(chosen), state.next_number(), state.user(), 0, std::move(choice)};
  TreeHash tree{image.inodes, {}, 1};
  tree.add(State::kRoot, 0);
  image.hash = tree.hash;
  return image;
}

SimImage settled_image(const State& state) {
  Inodes chosen;
  std::vector<Number> todo{State::kRoot};
  while (!todo.empty()) {
    const Number number = todo.back();
    todo.pop_back();
    if (chosen.contains(number)) continue;
    auto inode = state.inodes().at(number);
    if (!inode->settled() || inode->hash == 0) {
      inode = std::make_shared<Inode>(*inode);
      inode->settle();
      inode->hash = content_hash(*inode);
    }
    for (const auto& [name, child] : inode->entries) todo.push_back(child);
    chosen.emplace(number, std::move(inode));
  }
  return finish_image(state, std::move(chosen), "everything synced");
}

}  // namespace lockstep::testing::sim
