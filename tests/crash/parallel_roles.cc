#include "parallel_roles.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <random>
#include <system_error>

#include "durable/inspect.h"

namespace lockstep::parallel {

namespace {

using durable::Generation;
using durable::Snapshot;
using durable::StoreWriter;

constexpr const char* kMembers[] = {"cert", "key"};
constexpr const char* kSometimes = "extra";  // a member that comes and goes, and its stable name with it
constexpr std::size_t kLimit = 1U << 20U;
constexpr std::uint32_t kSuperseded = 4;  // swaps after which a generation that nobody pins is collected
constexpr unsigned kMostLines = 400;

std::unexpected<Error> wrong(std::string what) { return fail(ErrorCode::damaged, std::move(what)); }

// The version of a member that is whole: as many lines as the first one says, all the same.
Result<std::string> version_of(const std::string& content, const std::string& name) {
  const std::string line = content.substr(0, content.find('\n') + 1);
  const std::size_t space = line.find(' ');
  if (line.empty() || space == std::string::npos) return wrong(name + " holds no version: " + content.substr(0, 80));
  const std::size_t lines = std::stoul(line.substr(space));
  if (content.size() != lines * line.size()) {
    return wrong(name + " has " + std::to_string(content.size()) + " bytes, not " + std::to_string(lines) + " lines");
  }
  for (std::size_t at = 0; at < content.size(); at += line.size()) {
    if (content.compare(at, line.size(), line) != 0) return wrong(name + " has another version inside");
  }
  return line.substr(0, space);
}

// Compares what one reader sees.
class Seen {
 public:
  Status add(const std::string& content, const std::string& name) {
    const std::string version = TRY(version_of(content, name));
    if (version_.empty()) version_ = version;
    if (version == version_) return {};
    straddled_ = true;
    return wrong("a mixture: " + name + " is of " + version + ", another member of " + version_);
  }
  [[nodiscard]] bool straddled() const { return straddled_; }

 private:
  std::string version_;
  bool straddled_ = false;
};

// A writer under the store's lock.
class Writing {
 public:
  Writing(const Place& place, StoreWriter& store, std::mt19937_64& random)
      : tally_(place.tally), place_(place), store_(store), random_(random) {}

  Status act() {
    const std::uint64_t chance = random_() % 10;
    if (chance < 4) return commit();
    if (chance < 7) return roll_back();
    if (chance < 8) return stage();
    if (!store_.pending()) TRY(stage());
    return chance < 9 ? promote() : discard();
  }

 private:
  durable::Change next_change() {
    const std::uint64_t number = random_();
    return version_change("v" + std::to_string(number), number);
  }

  Status commit() {
    const Generation made = TRY(store_.commit(next_change()));
    ++tally_.commits;
    return went_live(made, true);
  }

  Status stage() {
    TRY(store_.stage_pending(next_change()));
    ++tally_.stagings;
    return {};
  }

  Status promote() {
    const Generation promoted = TRY(store_.promote_pending());
    ++tally_.promotions;
    return went_live(promoted, true);
  }

  Status discard() {
    TRY(store_.discard_pending());
    ++tally_.discards;
    return {};
  }

  Status roll_back() {
    std::optional<Generation> to;
    const auto& history = store_.history();
    if (random_() % 2 == 0) to = history[random_() % history.size()];  // an older one, or a younger
    if (to == store_.current()->generation()) return {};
    auto back = store_.roll_back(to);
    if (!back && !to && back.error().code == ErrorCode::not_found) return {};  // the current one is the oldest
    if (!back) return fail(std::move(back).error());
    ++tally_.rollbacks;
    return went_live(*back, false);
  }

  // The lock is ours: what we made live is what everybody sees. Its number was live before when we went back to it, and
  // never otherwise.
  Status went_live(Generation generation, bool is_new) {
    if (generation >= Tally::kMostGenerations)
      return wrong("more generations than can be counted; run it for less time");
    if (tally_.was_live[generation].exchange(true) == is_new) {
      return wrong("generation " + std::to_string(generation) + (is_new ? " was live before" : " was never live"));
    }
    tally_.count_swap();
    const Snapshot live = TRY(Snapshot::open(place_.runtime.files, place_.path));
    if (live.generation() == generation) return {};
    return wrong("generation " + std::to_string(live.generation()) + " went live while " + std::to_string(generation) +
                 " was made under the lock");
  }

  Tally& tally_;
  const Place& place_;
  StoreWriter& store_;
  std::mt19937_64& random_;
};

std::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorCode::io_error, what + ": " + std::generic_category().message(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// Nothing when there is no such name.
Result<std::optional<std::string>> read_at(int directory, const std::string& name) {
  const Descriptor file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file.number() < 0) return system_error(name);
  std::string content;
  char piece[512];  // small, so that a reader is at it for a while
  for (;;) {
    const ssize_t got = ::read(file.number(), piece, sizeof piece);
    if (got < 0) return system_error(name);
    if (got == 0) return std::optional<std::string>(std::move(content));
    content.append(piece, static_cast<std::size_t>(got));
  }
}

// Share-locks the generation as docs/formats/generation-store.md says. False when it was collected first.
Result<bool> pin(const Place& place, int directory) {
  if (::flock(directory, LOCK_SH | LOCK_NB) != 0) return false;
  const std::optional<std::string> manifest = TRY(read_at(directory, durable::kManifestFile));
  if (!manifest) return false;
  const durable::Manifest parsed = TRY(durable::parse_manifest(*manifest, durable::kManifestFile));
  const std::string named = place.path + "/.lockstep/" + durable::generation_name(parsed.generation);
  struct stat there{};
  struct stat opened{};
  if (::fstat(directory, &opened) != 0) return system_error("fstat");
  return ::stat(named.c_str(), &there) == 0 && there.st_ino == opened.st_ino;
}

// One read by a descriptor of `current`, slowly when it is pinned. False when the generation was collected before
// everything was read.
Result<bool> read_once(const Place& place, int directory, bool pinned) {
  const std::uint32_t since = place.tally.swaps.load();
  Seen seen;
  for (const char* name : kMembers) {
    const std::optional<std::string> content = TRY(read_at(directory, name));
    if (!content) return false;
    TRY(seen.add(*content, name));
    if (pinned) place.tally.await_swaps(since, kSuperseded);
  }
  const std::optional<std::string> extra = TRY(read_at(directory, kSometimes));
  if (extra) TRY(seen.add(*extra, kSometimes));
  return true;
}

}  // namespace

durable::StoreOptions store_options() { return {.kind = "parallel", .keep = {.generations = 2, .seconds = 0}}; }

durable::Change version_change(const std::string& version, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto content = [&] {
    const std::uint64_t lines = 1 + random() % kMostLines;
    const std::string line = version + " " + std::to_string(lines) + "\n";
    std::string text;
    for (std::uint64_t i = 0; i < lines; ++i) text += line;
    return text;
  };
  durable::Change change;
  for (const char* name : kMembers) change.put(name, content());
  if (random() % 2 == 0)
    change.put(kSometimes, content());
  else
    change.remove(kSometimes);
  return change;
}

Status check_snapshot(const Snapshot& snapshot) {
  Seen seen;
  for (const durable::ManifestMember& member : snapshot.manifest().members) {
    const std::string content = TRY(snapshot.read(member.name, kLimit));
    TRY(seen.add(content, member.name));
  }
  return snapshot.verify();
}

Status write_versions(const Place& place, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!place.tally.stop) {
    {
      StoreWriter store = TRY(StoreWriter::open(place.runtime, place.path, store_options()));
      TRY(Writing(place, store, random).act());
      if (random() % 2 == 0) TRY(store.collect());
    }
    // Something to do without the lock, as every program has: one that is never free starves whoever asks at intervals.
    const Snapshot live = TRY(Snapshot::open(place.runtime.files, place.path));
    TRY(check_snapshot(live));
  }
  return {};
}

Status collect_often(const Place& place, std::uint64_t) {
  while (!place.tally.stop) {
    const std::uint32_t since = place.tally.swaps.load();
    {
      StoreWriter store = TRY(StoreWriter::open(place.runtime, place.path, store_options()));
      TRY(store.collect());
    }
    ++place.tally.collections;
    place.tally.await_swaps(since, 1);  // nothing new to collect before
  }
  return {};
}

Status read_pinned(const Place& place, std::uint64_t) {
  while (!place.tally.stop) {
    const Snapshot snapshot = TRY(Snapshot::open(place.runtime.files, place.path));
    const std::uint32_t since = place.tally.swaps.load();
    Seen seen;
    std::uint32_t superseded = 0;
    for (const durable::ManifestMember& member : snapshot.manifest().members) {
      const std::string content = TRY(snapshot.read(member.name, kLimit));
      TRY(seen.add(content, member.name));
      place.tally.await_swaps(since, superseded += kSuperseded);
    }
    TRY(snapshot.verify());
    ++place.tally.pinned_reads;
  }
  return {};
}

Status read_descriptor(const Place& place, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::string pointer = place.path + "/.lockstep/current";
  while (!place.tally.stop) {
    const Descriptor directory(::open(pointer.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Between the look at the link and the open of what it names, it may have been collected.
    if (directory.number() < 0 && errno == ENOENT) continue;
    if (directory.number() < 0) return system_error(pointer);
    const bool locked = random() % 2 == 0;
    if (locked) {
      const bool pinned = TRY(pin(place, directory.number()));
      if (!pinned) continue;
    }
    const bool whole = TRY(read_once(place, directory.number(), locked));
    if (locked && !whole) return wrong("a share-locked generation was taken away under its reader");
    ++(locked ? place.tally.locked_reads : whole ? place.tally.unlocked_reads : place.tally.vanished);
  }
  return {};
}

Status read_names(const Place& place, std::uint64_t) {
  while (!place.tally.stop) {
    const std::uint32_t since = place.tally.swaps.load();
    Seen seen;
    for (const char* name : kMembers) {
      const std::optional<std::string> content = TRY(read_at(AT_FDCWD, place.path + "/" + name));
      if (!content) continue;  // the pointer moved between its look-up and the member's
      const Status same = seen.add(*content, name);
      if (!same && !seen.straddled()) return same;
    }
    ++place.tally.name_reads;
    if (seen.straddled()) ++place.tally.straddled;
    if (place.tally.name_reads % 64 == 0) place.tally.await_swaps(since, 1);
  }
  return {};
}

Status inspect_often(const Place& place, std::uint64_t) {
  while (!place.tally.stop) {
    const std::uint32_t since = place.tally.swaps.load();
    const durable::StoreReport report = TRY(durable::inspect_store(place.runtime, place.path));
    for (const durable::Finding& finding : report.findings) {
      return wrong("doctor on a healthy store: " + std::string(durable::finding_kind_name(finding.kind)) + ": " +
                   finding.path + ": " + finding.what);
    }
    TRY(durable::needs_recovery(place.runtime.files, place.path));
    ++place.tally.inspections;
    place.tally.await_swaps(since, 1);  // shared locks without a pause would keep every writer out
  }
  return {};
}

}  // namespace lockstep::parallel
