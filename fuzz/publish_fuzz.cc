// Publishes that were cut off, in directories that anything may have happened to: recovery gives every target its whole
// old or its whole new content, touches only what the intent names, is idempotent, and believes no checksum.
#include <array>

#include "crypto/digest.h"
#include "disk.h"
#include "durable/intent.h"
#include "durable/publish.h"
#include "durable/temporary.h"
#include "fs/io.h"
#include "input.h"
#include "property.h"
#include "testing/manual_clock.h"

namespace {

using namespace lockstep;
using namespace lockstep::fuzz;
using durable::Intent;
using durable::IntentTarget;
using testing::Tree;

constexpr const char* kHome = "/etc/app";
constexpr const char* kOther = "/etc/keys";
constexpr const char* kElsewhere = "/elsewhere";
constexpr std::uint64_t kMostCalls = 20'000;

class Machine {
 public:
  explicit Machine(SimFileSystem& disk) : runtime{disk, clock, random, std::chrono::milliseconds(50)} {}
  testing::ManualClock clock;
  testing::SeededRandom random;
  durable::Runtime runtime;
};

// The states between the calls of a publish of three files in two directories, of which one is new; and of one that
// fails on the way and is taken back.
const std::vector<testing::SimImage>& bases() {
  static const std::vector<testing::SimImage> made = [] {
    std::vector<testing::SimImage> images;
    for (const bool taken_back : {false, true}) {
      SimFileSystem disk;
      for (const char* directory : {kHome, kOther, kElsewhere}) disk.make_directories(directory);
      disk.write_file(std::string(kHome) + "/a", "old a");
      disk.write_file(std::string(kOther) + "/b", "old b", 0600);
      disk.write_file(std::string(kElsewhere) + "/a", "nobody's business");
      disk.write_file(std::string(kElsewhere) + "/.a.abcdef.tmp", "a draft of somebody else");
      int renames = 0;
      disk.set_hook([&](const testing::Operation& operation) {
        if (operation.mutates) images.push_back(disk.image());
        const bool second = operation.kind == "rename" && operation.path.ends_with("/b") && ++renames == 1;
        return second && taken_back ? testing::Verdict{testing::Verdict::Action::fail, EIO} : testing::Verdict{};
      });
      Machine machine(disk);
      const Status done = durable::publish(machine.runtime, {{std::string(kHome) + "/a", "new a", {}},
                                                             {std::string(kOther) + "/b", "new b", {}},
                                                             {std::string(kHome) + "/c", "new c", {}}});
      disk.set_hook(nullptr);
      require(done.has_value() != taken_back, "a publish can be made, or be taken back");
      images.push_back(disk.image());
    }
    return images;
  }();
  return made;
}

class Shaping {
 public:
  Shaping(Input& input, SimFileSystem& disk) : input_(input), disk_(disk) {}

  std::string run() {
    constexpr int kMostChanges = 16;
    for (int i = 0; i < kMostChanges && !input_.at_end(); ++i) {
      const std::uint8_t code = input_.byte();
      if (code == 0) break;
      change(code % 10);
    }
    return story_;
  }

 private:
  // Any path there is below the directories, or a name that matters and may not be there.
  std::string slot() {
    std::vector<std::string> paths;
    for (const auto& [path, entry] : disk_.dump()) {
      if (entry.type != fs::FileType::directory) paths.push_back(path);
    }
    for (const char* name : {"a", "b", "c", ".a.lockstep-intent", ".b.lockstep-intent", ".a.zzzzzz.tmp", "stranger"}) {
      paths.push_back(fs::join_path(kHome, name));
      paths.push_back(fs::join_path(kOther, name));
    }
    return paths[input_.pick(paths.size())];
  }

  std::string content() {
    static const std::vector<std::string> known = {"old a", "new a", "old b", "new b", "new c", "", "edited"};
    const std::size_t which = input_.pick(known.size() + 2);
    if (which == known.size()) return std::string(input_.bytes());
    return which < known.size() ? known[which] : disk_.read_file(slot()).value_or("");
  }

  void change(int code) {
    const std::string at = slot();
    static const char* kinds[] = {"removed", "a file", "a link", "a fifo",    "a directory",
                                  "moved",   "linked", "copied", "an intent", "cut or flipped"};
    story_ += at + ": " + kinds[code] + "\n";
    switch (code) {
      case 0: return remove(disk_, at);
      case 1: return put_file(disk_, at, content());
      case 2: return put_link(disk_, at, input_.byte() % 2 == 0 ? slot() : std::string("../elsewhere/a"));
      case 3: return put_fifo(disk_, at);
      case 4: return put_directory(disk_, at);
      case 5: return move(disk_, at, slot());
      case 6: return link(disk_, at, slot());
      case 7: return copy(disk_, at, slot());
      case 8: return edit_intent();
      default: {
        std::string text = disk_.read_file(at).value_or("");
        if (text.empty()) return;
        const std::size_t where = input_.word() % text.size();
        if (input_.byte() % 2 == 0)
          text.resize(where);
        else
          text[where] = static_cast<char>(text[where] ^ 1);
        return put_file(disk_, at, text);
      }
    }
  }

  // A field of an intent: well-formed, and perhaps not true.
  void edit_intent() {
    static const std::array<std::string, 8> names = {"a", "b", "c", "..", "a/b", ".a.lockstep-intent", "stranger", ""};
    static const std::array<std::string, 6> directories = {kHome, kOther, kElsewhere, "/", "/etc/app/../keys", "/none"};
    const std::string at = fs::join_path(kHome, ".a.lockstep-intent");
    const auto text = disk_.read_file(at);
    auto intent = text ? durable::parse_intent(*text, at) : fail(ErrorCode::not_found, "no intent");
    if (!intent) return;
    IntentTarget& target = intent->targets[input_.pick(intent->targets.size())];
    const std::string name = input_.of(std::span<const std::string>(names));
    switch (input_.pick(9)) {
      case 0: intent->state = durable::IntentState::abort; break;
      case 1: intent->state = durable::IntentState::commit; break;
      case 2: target.name = name; break;
      case 3: target.directory = input_.of(std::span<const std::string>(directories)); break;
      case 4: target.temporary = "." + target.name + ".abcdef.tmp"; break;
      case 5: target.new_sha256 = crypto::sha256_hex(content()); break;
      case 6: target.old_sha256 = crypto::sha256_hex(content()); break;
      case 7: intent->targets.push_back(target); break;
      default: {
        target.name = name;
        target.temporary = "." + name + ".abcdef.tmp";
        if (!target.backup.empty()) target.backup = "." + name + ".bbbbbb.tmp";
      }
    }
    put_file(disk_, at, durable::encode_intent(*intent));
  }

  Input& input_;
  SimFileSystem& disk_;
  std::string story_;
};

class Trial {
 public:
  Trial(SimFileSystem& disk, std::string story) : before_(disk.dump()), image_(disk.image()), story_(std::move(story)) {
    for (const char* directory : {kHome, kOther}) read_intents(directory);
  }

  void run() {
    std::vector<std::string> completed;
    const testing::SimImage after = recover(image_, &completed);
    const Tree tree = SimFileSystem(after).dump();
    for (const auto& [path, entry] : before_) {
      const auto now = tree.find(path);
      if (now == tree.end() || now->second != entry) judge(path, &entry, now == tree.end() ? nullptr : &now->second);
    }
    for (const auto& [path, entry] : tree) {
      if (!before_.contains(path)) judge(path, nullptr, &entry);
    }
    // What was left undone the first time for an error of one directory, the second does no better.
    std::vector<std::string> again;
    const std::string difference = testing::describe_difference(tree, SimFileSystem(recover(after, &again)).dump());
    check(difference.empty(), "recovering twice is recovering once:\n" + difference);
    check(again.empty() || completed == again, "what was completed is not completed again");
  }

 private:
  void check(bool holds, const std::string& property) const {
    if (!holds) fuzz::require(false, property, story_ + "-- before:\n" + describe(before_, "/"));
  }

  void read_intents(const std::string& directory) {
    for (const auto& [path, entry] : before_) {
      const fs::SplitPath split = fs::split_path(path);
      if (split.parent != directory || entry.type != fs::FileType::regular || !durable::is_intent_name(split.name))
        continue;
      const auto intent = durable::parse_intent(entry.content, path);
      if (intent) intents_.push_back(*intent);
    }
  }

  testing::SimImage recover(const testing::SimImage& image, std::vector<std::string>* completed) const {
    SimFileSystem disk(image);
    disk.set_hook([&](const testing::Operation& operation) {
      check(operation.index < kMostCalls, "recovery comes to an end");
      return testing::Verdict{};
    });
    Machine machine(disk);
    for (const char* directory : {kHome, kOther}) {
      const auto report = durable::recover_publishes(machine.runtime, {directory});
      if (!report) continue;
      completed->insert(completed->end(), report->completed.begin(), report->completed.end());
      for (const std::string& path : report->completed) require_content(disk, path, true);
      for (const std::string& path : report->restored) require_content(disk, path, false);
    }
    disk.set_hook(nullptr);
    return disk.image();
  }

  // What is said to have its new or its old content has it.
  void require_content(const SimFileSystem& disk, const std::string& path, bool is_new) const {
    const auto content = disk.read_file(path);
    const auto now = content ? std::optional(crypto::sha256_hex(*content)) : std::nullopt;
    bool right = false;
    for (const Intent& intent : intents_) {
      for (const IntentTarget& target : intent.targets) {
        if (fs::join_path(target.directory, target.name) != path) continue;
        right = right || now == (is_new ? std::optional(target.new_sha256) : target.old_sha256);
      }
    }
    check(right,
          path + (is_new ? ": what was completed has its new content" : ": what was restored has its old content"));
  }

  void judge(const std::string& path, const testing::TreeEntry* was, const testing::TreeEntry* is) const {
    const fs::SplitPath split = fs::split_path(path);
    const bool ours = split.parent == kHome || split.parent == kOther;
    const bool swept = ours && is == nullptr && was->type != fs::FileType::directory &&
                       (durable::temporary_owner(split.name) || durable::is_intent_name(split.name));
    if (swept) return;
    for (const Intent& intent : intents_) {
      for (const IntentTarget& target : intent.targets) {
        if (target.directory != split.parent) continue;
        if (is == nullptr && (split.name == target.temporary || split.name == target.backup)) return;
        if (split.name != target.name) continue;
        return judge_target(path, target, was, is);
      }
    }
    check(false, path + ": only what an intent names, and temporaries beside it, may change");
  }

  void judge_target(const std::string& path, const IntentTarget& target, const testing::TreeEntry* was,
                    const testing::TreeEntry* is) const {
    check(is == nullptr || is->type == fs::FileType::regular, path + ": a target is a regular file");
    const auto sum = [](const testing::TreeEntry* entry) {
      return entry == nullptr ? std::optional<std::string>() : std::optional(crypto::sha256_hex(entry->content));
    };
    check(was == nullptr || was->type == fs::FileType::regular, path + ": what is no file is not replaced");
    check(sum(was) == target.old_sha256 || sum(was) == target.new_sha256, path + ": an edit is left alone");
    check(sum(is) == target.old_sha256 || sum(is) == target.new_sha256, path + ": a target is all old or all new");
  }

  Tree before_;
  testing::SimImage image_;
  std::string story_;
  std::vector<Intent> intents_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input input(text_of(data, size));
  SimFileSystem disk(bases()[input.word() % bases().size()]);
  const std::string story = Shaping(input, disk).run();
  Trial(disk, story).run();
  return 0;
}
