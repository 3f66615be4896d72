#include "testing/sim_crash.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "testing/sim_image.h"

namespace lockstep::testing::sim {

namespace {

constexpr std::size_t kMostCached = 20'000;

bool is_durable_value(const Inode& inode, const SlotKey& key, const Version& version) {
  const Attributes& durable = inode.durable_attributes;
  switch (key.kind) {
    case SlotKey::Kind::size: return version.number == inode.durable_size;
    case SlotKey::Kind::mode: return version.number == durable.mode;
    case SlotKey::Kind::owner: return version.number == ((std::uint64_t{durable.uid} << 32U) | durable.gid);
    case SlotKey::Kind::chunk: {
      const std::size_t start = key.index * kChunkBytes;
      return start < inode.durable_content.size() &&
             inode.durable_content.compare(start, kChunkBytes, version.bytes) == 0;
    }
    case SlotKey::Kind::attribute: {
      const auto found = durable.extended.find(key.name);
      return found != durable.extended.end() && found->second == version.bytes;
    }
  }
  return false;
}

// The versions of one slot that differ; 0 is the durable one.
std::vector<std::size_t> distinct_versions(const Inode& inode, const SlotKey& key,
                                           const std::vector<Version>& versions) {
  std::vector<std::size_t> out{0};
  std::set<std::pair<std::uint64_t, std::string>> seen;
  for (std::size_t index = 0; index < versions.size(); ++index) {
    const Version& version = versions[index];
    if (is_durable_value(inode, key, version)) continue;
    if (seen.emplace(version.number, version.bytes).second) out.push_back(index + 1);
  }
  return out;
}

// Every set of names that a subset of the operations gives; nullopt when there are too many subsets to try.
std::optional<std::set<std::map<std::string, Number>>> possible_names(const Inode& inode, std::size_t limit) {
  std::vector<std::size_t> open;
  for (std::size_t index = 0; index < inode.operations.size(); ++index) {
    if (inode.operations[index].fate != EntryOperation::Fate::synced) open.push_back(index);
  }
  std::set<std::map<std::string, Number>> out;
  constexpr std::size_t kSubsetsPerState = 16;  // many subsets are impossible or give the same names
  if (open.size() >= 24 || (std::size_t{1} << open.size()) > limit * kSubsetsPerState) return std::nullopt;
  for (std::size_t subset = 0; subset < (std::size_t{1} << open.size()); ++subset) {
    const auto survives = [&](std::size_t index) {
      const auto place = static_cast<std::size_t>(std::ranges::lower_bound(open, index) - open.begin());
      return ((subset >> place) & 1U) != 0;
    };
    if (auto names = inode.names_after_crash(survives, false)) out.insert(std::move(*names));
  }
  return out;
}

}  // namespace

std::optional<CrashEnumerator::Variants> CrashEnumerator::make_variants(const InodePointer& original) const {
  const Inode& inode = *original;
  if (inode.settled() && inode.hash != 0) return Variants{original};
  const auto names = possible_names(inode, limits_.exhaustive);
  if (!names) return std::nullopt;

  std::vector<std::vector<std::size_t>> choices;
  std::size_t product = names->size();
  for (const auto& [key, versions] : inode.slots) {
    choices.push_back(distinct_versions(inode, key, versions));
    product *= choices.back().size();
    if (product > limits_.exhaustive) return std::nullopt;
  }
  Variants variants;
  std::set<std::uint64_t> seen;
  std::vector<std::size_t> digits(choices.size(), 0);
  for (bool more = true; more;) {
    std::size_t place = 0;
    const auto choose = [&](const SlotKey&, std::size_t) {
      const std::size_t choice = choices[place][digits[place]];
      ++place;
      return choice;
    };
    Inode made = inode.after_crash(choose, {});
    made.hash = content_hash(made);
    if (seen.insert(made.hash).second) {
      for (const auto& each : *names) {
        auto variant = std::make_shared<Inode>(made);
        variant->entries = each;
        variant->durable_entries = each;
        variant->link_count = inode.link_count;
        variants.push_back(std::move(variant));
      }
    }
    more = false;
    for (std::size_t digit = 0; digit < digits.size() && !more; ++digit) {
      if (++digits[digit] < choices[digit].size())
        more = true;
      else
        digits[digit] = 0;
    }
  }
  return variants;
}

const std::optional<CrashEnumerator::Variants>& CrashEnumerator::variants_of(const InodePointer& inode) {
  const auto found = cache_.find(inode.get());
  if (found != cache_.end()) return found->second.variants;
  return cache_.emplace(inode.get(), Cached{inode, make_variants(inode)}).first->second.variants;
}

bool CrashEnumerator::expand(const State& state, std::vector<Number> undecided, Inodes chosen,
                             std::vector<SimImage>& out) {
  while (!undecided.empty()) {
    const Number number = undecided.back();
    undecided.pop_back();
    if (chosen.contains(number)) continue;
    const auto& variants = variants_of(state.inodes().at(number));
    if (!variants) return false;
    const auto take = [number](const InodePointer& variant, std::vector<Number>& todo, Inodes& taken) {
      taken[number] = variant;
      for (const auto& [name, child] : variant->entries) todo.push_back(child);
    };
    if (variants->size() == 1) {
      take(variants->front(), undecided, chosen);
      continue;
    }
    for (const InodePointer& variant : *variants) {
      auto todo = undecided;
      auto taken = chosen;
      take(variant, todo, taken);
      if (!expand(state, std::move(todo), std::move(taken), out)) return false;
    }
    return true;
  }
  if (out.size() >= limits_.exhaustive) return false;
  out.push_back(finish_image(state, std::move(chosen), "state " + std::to_string(out.size() + 1)));
  return true;
}

SimImage CrashEnumerator::sample(const State& state, const Decide& decide) const {
  Inodes chosen;
  std::vector<Number> undecided{State::kRoot};
  while (!undecided.empty()) {
    const Number number = undecided.back();
    undecided.pop_back();
    if (chosen.contains(number)) continue;
    const Inode& inode = *state.inodes().at(number);
    const auto survives = [&](std::size_t index) { return decide({number, std::nullopt, index}, 1) != 0; };
    const auto choose = [&](const SlotKey& key, std::size_t versions) { return decide({number, key, 0}, versions); };
    auto made = std::make_shared<Inode>(inode.after_crash(choose, *inode.names_after_crash(survives, true)));
    made->hash = content_hash(*made);
    for (const auto& [name, child] : made->entries) undecided.push_back(child);
    chosen[number] = std::move(made);
  }
  return finish_image(state, std::move(chosen), {});
}

std::vector<SimImage> CrashEnumerator::samples(const State& state) const {
  std::vector<SimImage> out;
  const auto add = [&](const std::string& choice, const Decide& decide) {
    out.push_back(sample(state, decide));
    out.back().choice = choice;
  };
  std::set<Unit> units;
  add("sample: nothing pending survives", [](const Unit&, std::size_t) { return std::size_t{0}; });
  add("sample: everything survives", [&units](const Unit& unit, std::size_t versions) {
    units.insert(unit);
    return versions;
  });
  // Beyond this many the random ones must do.
  constexpr std::size_t kMostSingles = 256;
  std::size_t singles = 0;
  for (const Unit& unit : units) {
    if (++singles > kMostSingles) break;
    const std::string name = "inode " + std::to_string(unit.inode) +
                             (unit.slot ? " slot " + std::to_string(static_cast<int>(unit.slot->kind)) + "/" +
                                              std::to_string(unit.slot->index)
                                        : " operation " + std::to_string(unit.operation));
    add("sample: only " + name + " survives",
        [&](const Unit& each, std::size_t versions) { return each == unit ? versions : 0; });
    add("sample: all but " + name + " survives",
        [&](const Unit& each, std::size_t versions) { return each == unit ? 0 : versions; });
  }
  std::mt19937_64 random(limits_.seed);
  for (std::size_t index = 0; index < limits_.samples; ++index) {
    const auto percent = 10 + random() % 85;  // of what survives: nearly nothing to nearly everything
    add("sample " + std::to_string(index) + " of seed " + std::to_string(limits_.seed),
        [&](const Unit&, std::size_t versions) -> std::size_t {
          if (random() % 100 >= percent) return 0;
          // Mostly the newest: an older version needs write-back just between two writes.
          return random() % 4 == 0 ? 1 + random() % versions : versions;
        });
  }
  return out;
}

std::vector<SimImage> CrashEnumerator::images(const State& state) {
  if (cache_.size() > kMostCached) cache_.clear();
  std::vector<SimImage> found;
  was_exhaustive_ = expand(state, {State::kRoot}, {}, found);
  if (!was_exhaustive_) found = samples(state);
  std::vector<SimImage> distinct;
  std::set<std::uint64_t> seen;
  for (SimImage& image : found) {
    if (seen.insert(image.hash).second) distinct.push_back(std::move(image));
  }
  return distinct;
}

}  // namespace lockstep::testing::sim
