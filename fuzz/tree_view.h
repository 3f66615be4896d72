// A store as it stands on a disk, judged apart from the code that recovers it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "disk.h"
#include "durable/manifest.h"

namespace lockstep::fuzz {

class StoreView {
 public:
  StoreView(const Tree& tree, std::string store);

  // What a pointer names, when it is a link to a generation's name.
  [[nodiscard]] std::optional<durable::Generation> pointer(const char* name) const;
  [[nodiscard]] bool has(const std::string& path_in_control) const;
  // Nothing when it cannot be read as the manifest of that generation.
  [[nodiscard]] const durable::Manifest* manifest(durable::Generation generation) const;
  // The content of a member that is what the manifest says.
  [[nodiscard]] std::optional<std::string> member(durable::Generation generation, const std::string& name) const;
  // All of them are.
  [[nodiscard]] bool intact(durable::Generation generation) const;
  // Directories with a generation's name.
  [[nodiscard]] const std::set<durable::Generation>& generations() const { return generations_; }
  // Those that a pointer names, or a record lists as kept.
  [[nodiscard]] std::set<durable::Generation> referenced() const;
  // The highest number that was ever given, as far as anything says.
  [[nodiscard]] durable::Generation highest() const;
  // Everything is as a command leaves it: pointers, record, members and names.
  [[nodiscard]] bool flawless() const;
  [[nodiscard]] const Tree& tree() const { return tree_; }
  [[nodiscard]] std::string control() const { return store_ + "/.lockstep"; }
  [[nodiscard]] std::string path(durable::Generation generation) const;
  // The record; nothing when there is none that can be read.
  [[nodiscard]] std::optional<durable::History> history() const;
  // What stands at a path, or nullptr.
  [[nodiscard]] const testing::TreeEntry* at(const std::string& path) const;

 private:
  const Tree& tree_;
  std::string store_;
  std::set<durable::Generation> generations_;
  std::map<durable::Generation, durable::Manifest> manifests_;
};

}  // namespace lockstep::fuzz
