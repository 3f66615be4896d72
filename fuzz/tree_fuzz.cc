// The shape of a store's directory: whatever stands there, looking changes nothing, recovery stays within the store,
// keeps what is named and what is kept, is idempotent and survives being cut off, and nothing with a wrong checksum is
// taken for what was committed.
#include <algorithm>

#include "ca/check.h"
#include "ca/flat_ledger.h"
#include "certstore/certificate_folder.h"
#include "durable/inspect.h"
#include "property.h"
#include "tree_rules.h"
#include "tree_shape.h"

namespace {

using namespace lockstep;
using durable::Generation;
using durable::OpenFor;
using durable::StoreWriter;
using fuzz::Machine;
using fuzz::Owner;
using fuzz::SimFileSystem;
using fuzz::StoreView;
using fuzz::Tree;

constexpr std::uint64_t kMostCalls = 20'000;
constexpr std::size_t kMemberLimit = 4U << 20U;

// One thing that is done to the shaped disk, and what came of it.
struct Done {
  Status status;
  Tree tree;
  testing::SimImage image;
};

// What is done besides looking and opening, and where recovery is cut off.
struct Plan {
  std::uint8_t action = 0;
  std::uint8_t cut_at = 0;
  std::uint8_t survivor = 0;
};

class Trial {
 public:
  Trial(fuzz::Shape shape, const Plan& plan)
      : shape_(std::move(shape)),
        plan_(plan),
        store_(shape_.store()),
        before_(SimFileSystem(shape_.image).dump()),
        view_(before_, store_) {}

  // Looking and opening always, one of the others as the input says: that many more shapes can be tried.
  void run() {
    look();
    const Done opened = change();
    switch (plan_.action % 6) {
      case 0: return cut_off(opened);
      case 1: return plan_.survivor % 2 == 0 ? commit() : command();
      case 2:
        return mend("adopt", [this](durable::Runtime& runtime) -> Status {
          if (shape_.owner() == Owner::folder) return take(certstore::adopt(runtime, store_));
          return take(ca::adopt(runtime, store_));
        });
      case 3: return shape_.owner() == Owner::folder ? roll_back() : write_ledger();
      default:
        return mend("repair", [this](durable::Runtime& runtime) -> Status {
          if (shape_.owner() == Owner::folder) return take(certstore::repair(runtime, store_));
          return take(ca::repair(runtime, store_));
        });
    }
  }

 private:
  template <class T>
  static Status take(const Result<T>& result) {
    return result ? Status() : Status(fail(result.error()));
  }

  void require(bool holds, const std::string& action, const std::string& property, const Tree* after = nullptr) const {
    if (holds) return;
    std::string details = shape_.story + "-- before:\n" + fuzz::describe(before_, store_);
    if (after != nullptr) details += "-- afterwards:\n" + testing::describe_difference(before_, *after, 50);
    fuzz::require(false, action + ": " + property, details);
  }

  // Runs something on a machine with a disk; more calls than any store needs count as a hang.
  template <class Act>
  Done act(const std::string& action, const testing::SimImage& image, Act what, bool reads_only = false) {
    SimFileSystem disk(image);
    disk.set_hook([&](const testing::Operation& operation) {
      require(operation.index < kMostCalls, action, "it comes to an end");
      require(!reads_only || !operation.mutates, action,
              "looking changes nothing: " + operation.kind + " " + operation.path);
      return testing::Verdict{};
    });
    Status status = [&] {
      Machine machine(disk);
      return what(disk, machine.runtime);
    }();
    disk.set_hook(nullptr);
    return {std::move(status), disk.dump(), disk.image()};
  }

  void require_allowed(const std::string& action, const Done& done, bool commits, bool collects = false) const {
    const StoreView after(done.tree, store_);
    const std::string forbidden =
        fuzz::forbidden_change(view_, after, store_, {shape_.owner(), done.status.has_value(), commits, collects});
    const std::string said = done.status ? "success" : done.status.error().message;
    require(forbidden.empty(), action, "it changes only what it may: " + forbidden + "\nIt said: " + said, &done.tree);
  }

  void require_same(const std::string& action, const std::string& property, const Done& one, const Done& other) const {
    const std::string difference = testing::describe_difference(one.tree, other.tree);
    require(difference.empty(), action, property + ":\n" + difference, &other.tree);
    const auto said = [](const Done& done) {
      return done.status ? std::string("success") : std::string(error_code_name(done.status.error().code));
    };
    require(said(one) == said(other), action,
            property + ": it said " + said(one) + ", then " + said(other) +
                (other.status ? "" : ": " + other.status.error().message),
            &other.tree);
  }

  void look() {
    act(
        "look", shape_.image,
        [&](SimFileSystem& disk, durable::Runtime& runtime) -> Status {
          check_snapshot(disk);
          const auto report = durable::inspect_store(runtime, store_);
          const bool clean = report && !report->damaged();
          doctor_is_content_ = clean;
          require(!view_.flawless() || clean, "look", "the doctor finds nothing in a store without a flaw");
          if (clean && report->current != 0) {
            require(view_.pointer(durable::kCurrentPointer) == report->current && view_.intact(report->current), "look",
                    "what the doctor is content with is intact");
          }
          static_cast<void>(durable::needs_recovery(disk, store_));
          static_cast<void>(durable::find_stores(disk, "/srv"));
          if (report && shape_.owner() == Owner::folder) {
            static_cast<void>(certstore::load(runtime, "/srv", "host.example"));
            const auto snapshot = durable::Snapshot::open(disk, store_);
            const auto problems = snapshot ? certstore::check_members(*snapshot) : fail(snapshot.error());
            owner_is_content_ = clean && report->kind == certstore::kStoreKind && problems && problems->empty();
          } else if (report) {
            const auto contents = ca::read_contents(disk, store_);
            const auto findings = contents ? ca::check_ledger(disk, store_, *contents) : fail(contents.error());
            owner_is_content_ = clean && report->kind == ca::kStoreKind && findings &&
                                std::ranges::none_of(*findings, [](const durable::Finding& finding) {
                                  return finding.kind == durable::FindingKind::damage;
                                });
          }
          return {};
        },
        true);
  }

  void check_snapshot(SimFileSystem& disk) {
    const auto live = view_.pointer(durable::kCurrentPointer);
    const auto snapshot = durable::Snapshot::open(disk, store_);
    if (!snapshot) {
      require(!live || view_.manifest(*live) == nullptr, "look",
              "a generation that is named can be read: " + snapshot.error().message);
      return;
    }
    require(snapshot->generation() == live, "look", "a reader sees the generation that is named");
    require(snapshot->verify().has_value() == view_.intact(*live), "look", "a generation verifies if it is intact");
    for (const durable::ManifestMember& member : snapshot->manifest().members) {
      const auto content = snapshot->read(member.name, kMemberLimit);
      const auto intact = view_.member(*live, member.name);
      require(content.has_value() == intact.has_value() && (!content || *content == *intact), "look",
              "a member is read if its checksum is right: " + member.name);
      std::string pieces;
      const Status read = snapshot->read_pieces(member.name, [&](std::string_view piece) {
        pieces += piece;
        return Status();
      });
      require(read.has_value() == intact.has_value() && (!read || pieces == *intact), "look",
              "a member is read in pieces if its checksum is right: " + member.name);
    }
  }

  Done change() {
    const auto open = [&](SimFileSystem&, durable::Runtime& runtime) -> Status {
      return take(StoreWriter::open(runtime, store_, fuzz::options_of(shape_.owner())));
    };
    Done done = act("open for a change", shape_.image, open);
    require_allowed("open for a change", done, false);
    const bool other_kind = !done.status && done.status.error().code == ErrorCode::foreign_file;
    require(done.status || !doctor_is_content_ || other_kind, "open for a change",
            "what the doctor is content with can be opened: " + (done.status ? "" : done.status.error().message));
    const Done second = act("open again", done.image, open);
    require_same("open again", "recovering twice is recovering once", done, second);
    if (done.status) require_tidy(done);
    return done;
  }

  void require_tidy(const Done& done) const {
    SimFileSystem disk(done.image);
    Machine machine(disk);
    const auto report = durable::inspect_store(machine.runtime, store_);
    if (!report) return;  // there is no store any more
    for (const durable::Finding& finding : report->findings) {
      require(finding.kind != durable::FindingKind::leftover, "open for a change",
              "recovery leaves nothing of what the doctor said it would remove: " + finding.path + ": " + finding.what,
              &done.tree);
    }
  }

  // Recovery is cut off at any call, with any part of what was not synced, and comes to the same end all the same.
  void cut_off(const Done& undisturbed) {
    std::vector<testing::SimImage> images;
    SimFileSystem disk(shape_.image);
    disk.set_hook([&](const testing::Operation& operation) {
      if (operation.index == plan_.cut_at)
        images = disk.enumerate_crashes({.exhaustive = 16, .samples = 2, .seed = plan_.survivor});
      return testing::Verdict{};
    });
    const auto open = [&](SimFileSystem&, durable::Runtime& runtime) -> Status {
      return take(StoreWriter::open(runtime, store_, fuzz::options_of(shape_.owner())));
    };
    {
      Machine machine(disk);
      static_cast<void>(open(disk, machine.runtime));
    }
    disk.set_hook(nullptr);
    // Where there was no store, a crash may leave an empty directory: nobody can tell that it was not there before.
    if (images.empty() || !before_.contains(store_)) return;
    const Done done = act("open after a crash", images[plan_.survivor % images.size()], open);
    require_same("open after a crash", "a recovery that was cut off comes to the same end", undisturbed, done);
  }

  void commit() {
    std::string changed;
    Generation made = 0;
    const Done done = act("commit", shape_.image, [&](SimFileSystem&, durable::Runtime& runtime) -> Status {
      auto writer = TRY(StoreWriter::open(runtime, store_, fuzz::options_of(shape_.owner())));
      changed = shape_.owner() == Owner::folder ? certstore::kMetadataFile : ca::kSerialFile;
      durable::Change change;
      made = TRY(writer.commit(change.put(changed, "0f\n")));
      return {};
    });
    require_allowed("commit", done, true);
    if (!done.status) return;
    const StoreView after(done.tree, store_);
    require(after.pointer(durable::kCurrentPointer) == made && after.intact(made), "commit",
            "what was committed is intact", &done.tree);
    require(made > view_.highest(), "commit", "no number is given twice", &done.tree);
    require(after.member(made, changed) == "0f\n", "commit", "what was changed is what it was changed to", &done.tree);
    const auto live = view_.pointer(durable::kCurrentPointer);
    if (!live) return;
    for (const durable::ManifestMember& member : view_.manifest(*live)->members) {
      const auto content = view_.member(*live, member.name);
      if (member.name == changed) continue;
      require(content && after.member(made, member.name) == content, "commit",
              "what was not changed is what was committed before: " + member.name, &done.tree);
    }
  }

  // What people do all day.
  void command() {
    const Done done = act("command", shape_.image, [&](SimFileSystem& disk, durable::Runtime&) {
      return fuzz::run_command(disk, shape_.owner());
    });
    require_allowed("command", done, true, true);
    if (!done.status) return;
    const StoreView after(done.tree, store_);
    const auto live = after.pointer(durable::kCurrentPointer);
    require(live && after.intact(*live), "command", "what is live afterwards is intact", &done.tree);
    // Who set the pointer back by hand has set the numbers back: nothing tells it from a commit that was cut off.
    const auto was = view_.pointer(durable::kCurrentPointer);
    const std::set<Generation> known = view_.referenced();
    if (shape_.owner() == Owner::authority && was && was == *known.rbegin()) require_forward("command", after);
  }

  // Adoption and repair.
  template <class Act>
  void mend(const std::string& action, Act what) {
    const Done done =
        act(action, shape_.image, [&](SimFileSystem&, durable::Runtime& runtime) { return what(runtime); });
    require_allowed(action, done, done.status.has_value());
    if (!done.status) return;
    const StoreView after(done.tree, store_);
    const auto was = view_.pointer(durable::kCurrentPointer);
    const auto live = after.pointer(durable::kCurrentPointer);
    require(live && after.intact(*live), action, "what is live afterwards is intact", &done.tree);
    if (action == "repair" && was && is_whole(*was)) {
      require(live == was, action, "an intact generation stays live", &done.tree);
    }
    if (shape_.owner() == Owner::authority) require_forward(action, after);
  }

  // Intact, of the right kind, and with every member that its owner needs.
  [[nodiscard]] bool is_whole(Generation generation) const {
    if (!view_.intact(generation)) return false;
    if (shape_.owner() == Owner::folder) return owner_is_content_;
    const durable::Manifest* manifest = view_.manifest(generation);
    const auto names = {ca::kKeyFile, ca::kCertificateFile, ca::kSerialFile, ca::kCrlNumberFile, ca::kIndexFile};
    return manifest->kind == ca::kStoreKind &&
           std::ranges::all_of(names, [&](const char* name) { return manifest->find(name) != nullptr; });
  }

  // A CA's numbers never go back, and no revocation is forgotten.
  void require_forward(const std::string& action, const StoreView& after) const {
    const Generation live = *after.pointer(durable::kCurrentPointer);
    for (const char* file : {ca::kSerialFile, ca::kCrlNumberFile}) {
      const auto now_text = after.member(live, file);
      const auto now = now_text ? ca::parse_counter(*now_text, file) : fail(ErrorCode::not_found, "no counter");
      for (const Generation generation : view_.referenced()) {
        const auto text = view_.member(generation, file);
        const auto counter = text ? ca::parse_counter(*text, file) : fail(ErrorCode::not_found, "no counter");
        if (counter && live != view_.pointer(durable::kCurrentPointer)) {
          require(now && *now >= *counter, action, std::string("a counter never goes back: ") + file, &after.tree());
        }
      }
    }
  }

  void roll_back() {
    const Done done = act("roll back", shape_.image, [&](SimFileSystem&, durable::Runtime& runtime) -> Status {
      return take(certstore::roll_back(runtime, "/srv", "host.example", {}));
    });
    require_allowed("roll back", done, true);
    if (!done.status) return;
    const StoreView after(done.tree, store_);
    const auto live = after.pointer(durable::kCurrentPointer);
    require(live && *live < view_.pointer(durable::kCurrentPointer) && view_.intact(*live) && after.intact(*live),
            "roll back", "it goes back to an older and intact generation", &done.tree);
  }

  void write_ledger() {
    const Done done = act("recover a ledger", shape_.image, [&](SimFileSystem&, durable::Runtime& runtime) -> Status {
      ca::FlatLedger ledger(runtime, store_, [](const std::string&) {});
      return take(ledger.write());
    });
    require_allowed("recover a ledger", done, false);
    require(done.status || !owner_is_content_, "recover a ledger",
            "what the doctor is content with can be opened: " + (done.status ? "" : done.status.error().message));
  }

  const fuzz::Shape shape_;
  const Plan plan_;
  std::string store_;
  Tree before_;
  StoreView view_;
  bool doctor_is_content_ = false;
  bool owner_is_content_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  fuzz::Input input(fuzz::text_of(data, size));
  const Plan plan{input.byte(), input.byte(), input.byte()};
  Trial(fuzz::make_shape(input), plan).run();
  return 0;
}
