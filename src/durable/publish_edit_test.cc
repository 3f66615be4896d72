// A person saves one of the files at every moment of a publish: what they saved is never lost, and the publish is
// entirely done or entirely not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "crypto/digest.h"
#include "durable/publish.h"
#include "fs/io.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::Machine;
using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::SimImage;
using lockstep::testing::Verdict;
using ::testing::HasSubstr;

const std::string kEdit = "saved by hand";

struct Way {
  const char* name;
  void (*save)(SimFileSystem& disk, const std::string& path);
};

void replace(SimFileSystem& disk, const std::string& path) {
  disk.write_file("/edit/new", kEdit);
  const auto from = disk.open_directory("/edit");
  const auto to = disk.open_directory(path.substr(0, path.rfind('/')));
  ASSERT_TRUE((*from)->rename("new", **to, path.substr(path.rfind('/') + 1)));
}
void rewrite(SimFileSystem& disk, const std::string& path) { disk.write_file(path, kEdit); }

constexpr Way kWays[] = {{"replaced", replace}, {"rewritten", rewrite}};

// Saves once, before the call with this index.
class Editor {
 public:
  Editor(SimFileSystem& disk, const Way& way, std::string path, std::uint64_t moment)
      : disk_(disk), way_(way), path_(std::move(path)), moment_(moment) {}
  Verdict operator()(const Operation& operation) {
    if (operation.index == moment_ && !saved_) {
      saved_ = true;
      way_.save(disk_, path_);  // its own calls come here too
      done_ = true;
    }
    return {};
  }
  [[nodiscard]] bool done() const { return done_; }

 private:
  SimFileSystem& disk_;
  const Way& way_;
  std::string path_;
  std::uint64_t moment_;
  bool saved_ = false;
  bool done_ = false;
};

void prepare(SimFileSystem& disk, bool existing) {
  disk.make_directories("/d");
  disk.make_directories("/edit");
  if (existing) disk.write_file("/d/a", "old a");
  if (existing) disk.write_file("/d/b", "old b");
}

Status save_both(SimFileSystem& disk, bool existing) {
  Machine machine(disk);
  const auto expected = [&](const char* text) { return existing ? crypto::sha256_hex(text) : std::string(); };
  return publish(machine.runtime,
                 {{"/d/a", "new a", 0644, expected("old a")}, {"/d/b", "new b", 0644, expected("old b")}},
                 {.keep_edits = true});
}

std::string content(SimFileSystem& disk, const std::string& path) { return disk.read_file(path).value_or("none"); }

std::uint64_t calls(bool existing) {
  SimFileSystem disk;
  prepare(disk, existing);
  disk.set_hook({});
  EXPECT_TRUE(save_both(disk, existing));
  return disk.operation_count();
}

TEST(PublishKeepsEdits, AtEveryMoment) {
  for (const bool existing : {true, false}) {
    const std::uint64_t count = calls(existing);
    ASSERT_GT(count, 20U);
    std::uint64_t refused = 0;
    for (const Way& way : kWays) {
      for (const std::string path : {"/d/a", "/d/b"}) {
        const std::string other = path == "/d/a" ? "/d/b" : "/d/a";
        for (std::uint64_t moment = 0; moment < count; ++moment) {
          SimFileSystem disk;
          prepare(disk, existing);
          disk.set_hook(Editor(disk, way, path, moment));
          const Status saved = save_both(disk, existing);
          disk.set_hook({});
          const std::string where = path + " " + way.name + " before call " + std::to_string(moment);
          const std::string name = other.substr(3);
          EXPECT_EQ(content(disk, path), kEdit) << where;
          if (saved) {
            EXPECT_EQ(content(disk, other), "new " + name) << where;
          } else {
            ++refused;
            EXPECT_EQ(saved.error().code, ErrorCode::edited_by_hand) << where << saved.error().message;
            EXPECT_EQ(content(disk, other), existing ? "old " + name : "none") << where;
          }
          for (const auto& [left, entry] : disk.dump()) EXPECT_THAT(left, ::testing::Not(HasSubstr("/."))) << where;
        }
      }
    }
    EXPECT_GT(refused, 20U);
  }
}

TEST(PublishKeepsEdits, AlsoWhenItIsCutOffRightAfter) {
  const std::uint64_t count = calls(true);
  for (const Way& way : kWays) {
    for (const std::string path : {"/d/a", "/d/b"}) {
      for (std::uint64_t moment = 0; moment < count; ++moment) {
        SimFileSystem disk;
        prepare(disk, true);
        Editor editor(disk, way, path, moment);
        std::vector<SimImage> cut;
        // The process is killed; what it did is visible.
        disk.set_hook([&](const Operation& operation) -> Verdict {
          if (editor.done() && cut.size() < 6) cut.push_back(disk.image());
          return editor(operation);
        });
        static_cast<void>(save_both(disk, true));
        for (const SimImage& image : cut) {
          SimFileSystem after(image);
          Machine machine(after);
          const auto recovered = recover_publishes(machine.runtime, {"/d"});
          ASSERT_TRUE(recovered) << recovered.error().message;
          EXPECT_EQ(content(after, path), kEdit) << path << " " << way.name << " before call " << moment;
        }
      }
    }
  }
}

TEST(PublishKeepsEdits, WithoutTheExchangeUpToTheLastLook) {
  SimFileSystem disk;
  prepare(disk, true);
  bool saved = false;
  disk.set_hook([&](const Operation& operation) -> Verdict {
    if (operation.kind == "exchange" && !saved) {
      saved = true;
      rewrite(disk, "/d/b");
    }
    return operation.kind == "exchange" ? Verdict{Verdict::Action::fail, EINVAL} : Verdict{};
  });
  const Status refused = save_both(disk, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::edited_by_hand);
  EXPECT_EQ(content(disk, "/d/a"), "old a");
  EXPECT_EQ(content(disk, "/d/b"), kEdit);
  rewrite(disk, "/d/b");
  disk.write_file("/d/b", "old b");
  EXPECT_TRUE(save_both(disk, true));
  EXPECT_EQ(content(disk, "/d/b"), "new b");
}

// An editor opens the file, and writes and closes it only when all is over.
TEST(PublishKeepsEdits, WhoHasAFileOpenForWritingWritesTheOneThatStays) {
  const std::uint64_t count = calls(true);
  std::uint64_t refused = 0;
  for (std::uint64_t moment = 0; moment < count; ++moment) {
    SimFileSystem disk;
    prepare(disk, true);
    std::unique_ptr<fs::File> open;
    bool opening = false;
    disk.set_hook([&](const Operation& operation) -> Verdict {
      if (operation.index != moment || opening) return {};
      opening = true;
      auto directory = disk.open_directory("/d");
      open = std::move((*directory)->open_file("b", fs::OpenMode::create_or_open).value());
      return {};
    });
    const Status saved = save_both(disk, true);
    disk.set_hook({});
    ASSERT_TRUE(open);
    ASSERT_TRUE(fs::write_all(*open, kEdit));
    EXPECT_EQ(content(disk, "/d/b"), kEdit) << "opened before call " << moment;
    EXPECT_EQ(content(disk, "/d/a"), saved ? "new a" : "old a") << moment;
    if (!saved) ++refused;
  }
  EXPECT_GT(refused, 20U);
}

TEST(PublishKeepsEdits, WhatWasNotReadIsNotReplaced) {
  SimFileSystem disk;
  prepare(disk, true);
  disk.write_file("/d/b", "another b");
  const auto before = disk.dump();
  const Status refused = save_both(disk, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::edited_by_hand);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

// link() of a name whose file is replaced in this moment finds no file any more.
TEST(PublishKeepsEdits, AFileThatIsReplacedWhileItIsLinkedWasChanged) {
  SimFileSystem disk;
  prepare(disk, true);
  disk.set_hook([&](const Operation& operation) -> Verdict {
    return operation.kind == "link" ? Verdict{Verdict::Action::fail, ENOENT} : Verdict{};
  });
  const auto before = disk.dump();
  const Status refused = save_both(disk, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::edited_by_hand) << refused.error().message;
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST(PublishReadsBack, AndTheOwnersErrorEndsIt) {
  SimFileSystem disk;
  prepare(disk, true);
  Machine machine(disk);
  const auto before = disk.dump();
  std::string seen;
  const Status refused = publish(machine.runtime, {{"/d/a", "new a", {}}},
                                 {.read_back = [&](const PublishFile& file, std::string_view text) -> Status {
                                   seen = file.path + ": " + std::string(text);
                                   return fail(ErrorCode::parse_error, "not what it should be");
                                 }});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "not what it should be");
  EXPECT_EQ(seen, "/d/a: new a");
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST(PublishReadsBack, AStagedFileThatIsNotWhatWasWrittenIsAnError) {
  SimFileSystem disk;
  prepare(disk, true);
  Machine machine(disk);
  // The write says that it was done and was not.
  disk.set_hook([&](const Operation& operation) -> Verdict {
    if (operation.kind != "lseek") return {};
    for (const auto& [path, entry] : disk.dump()) {
      if (path.starts_with("/d/.a.") && entry.content == "new a") disk.write_file(path, "new x");
    }
    return {};
  });
  const Status refused = publish(machine.runtime, {{"/d/a", "new a", {}}},
                                 {.read_back = [](const PublishFile&, std::string_view) -> Status { return {}; }});
  disk.set_hook({});
  if (refused) GTEST_FAIL() << "it was put in place";
  EXPECT_THAT(refused.error().message, HasSubstr("reads back as something else"));
  EXPECT_EQ(content(disk, "/d/a"), "old a");
}

}  // namespace
}  // namespace lockstep::durable
