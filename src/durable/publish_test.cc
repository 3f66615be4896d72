// Recovery of publishes whose files were damaged or exchanged meanwhile: no checksum is believed.
#include "durable/publish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "durable/intent.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::describe_difference;
using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::SimImage;
using lockstep::testing::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PublishRecovery : public ::testing::Test {
 protected:
  // The disk as it stands between the commit of a publish of `a` (which was there) and `b` (which was not) and its
  // renames; or, taken back, before the old file is put in its place again.
  static SimImage cut_off(bool taken_back) {
    SimFileSystem before;
    before.make_directories("/d");
    before.write_file("/d/a", "old a");
    std::optional<SimImage> image;
    before.set_hook([&](const Operation& operation) -> Verdict {
      const bool put = operation.kind == "rename" && operation.path == "/d/a";
      if (put && !image && !taken_back) image = before.image();
      // The second file cannot be put in its place: the first is taken back.
      if (operation.kind == "rename_no_replace" && operation.path == "/d/b") {
        return taken_back ? Verdict{Verdict::Action::fail, EIO} : Verdict{};
      }
      if (put && taken_back && before.read_file("/d/a") == "new a") image = before.image();
      return {};
    });
    lockstep::testing::ManualClock clock;
    lockstep::testing::SeededRandom random;
    Runtime runtime{before, clock, random, std::chrono::milliseconds(50)};
    EXPECT_EQ(publish(runtime, {{"/d/a", "new a", {}}, {"/d/b", "new b", {}}}).has_value(), !taken_back);
    before.set_hook(nullptr);
    return image.value();
  }
  // What the intent calls the staged file, or the backup, of a target.
  static std::string staged(const SimFileSystem& disk, std::size_t target, bool backup = false) {
    const Intent intent = parse_intent(*disk.read_file("/d/.a.lockstep-intent"), "intent").value();
    return "/d/" + (backup ? intent.targets[target].backup : intent.targets[target].temporary);
  }
  static Result<durable::PublishRecovery> recover(SimFileSystem& disk) {
    lockstep::testing::ManualClock clock;
    lockstep::testing::SeededRandom random;
    Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
    return recover_publishes(runtime, {"/d"});
  }
  static void refuses(SimFileSystem& disk) {
    const auto before = disk.dump();
    const auto recovered = recover(disk);
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().code, ErrorCode::damaged);
    EXPECT_THAT(recovered.error().message, HasSubstr("nothing was changed"));
    EXPECT_EQ(describe_difference(before, disk.dump()), "");
  }
};

TEST_F(PublishRecovery, CompletesAndTakesBackWhatIsWhole) {
  SimFileSystem committed(cut_off(false));
  const auto completed = recover(committed);
  ASSERT_TRUE(completed) << completed.error().message;
  EXPECT_THAT(completed->completed, ElementsAre("/d/a", "/d/b"));
  EXPECT_EQ(committed.read_file("/d/b"), "new b");
  SimFileSystem taken_back(cut_off(true));
  const auto restored = recover(taken_back);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->restored, ElementsAre("/d/a"));
  EXPECT_EQ(taken_back.read_file("/d/a"), "old a");
}

TEST_F(PublishRecovery, AStagedFileWithAWrongChecksumStopsTheWhole) {
  for (const std::size_t target : {0U, 1U}) {
    SimFileSystem disk(cut_off(false));
    disk.write_file(staged(disk, target), "new x");
    refuses(disk);
  }
}

TEST_F(PublishRecovery, AStagedFileThatIsGoneOrNoFileStopsTheWhole) {
  SimFileSystem disk(cut_off(false));
  const std::string name = staged(disk, 1).substr(3);
  ASSERT_TRUE((*disk.open_directory("/d"))->remove_file(name));
  refuses(disk);
  disk.make_fifo("/d/" + name);
  refuses(disk);
}

TEST_F(PublishRecovery, ABackupWithAWrongChecksumIsNotPutBack) {
  SimFileSystem disk(cut_off(true));
  disk.write_file(staged(disk, 0, true), "old x");
  refuses(disk);
}

TEST_F(PublishRecovery, ADamagedLeftOverNeverTakesTheNameOfAGoodFile) {
  SimFileSystem committed(cut_off(false));
  committed.write_file("/d/a", "new a");
  committed.write_file(staged(committed, 0), "damaged");
  ASSERT_TRUE(recover(committed));
  EXPECT_EQ(committed.read_file("/d/a"), "new a");
  SimFileSystem taken_back(cut_off(true));
  taken_back.write_file("/d/a", "old a");
  taken_back.write_file(staged(taken_back, 0, true), "damaged");
  ASSERT_TRUE(recover(taken_back));
  EXPECT_EQ(taken_back.read_file("/d/a"), "old a");
}

TEST_F(PublishRecovery, SweepsTheTemporariesOfTheFilesThatItIsTold) {
  SimFileSystem disk(cut_off(false));
  for (const char* name : {".a.abc123.tmp", "..a.lockstep-intent.abc123.tmp", ".theirs.abc123.tmp", ".a.ABC123.tmp"})
    disk.write_file(std::string("/d/") + name, "half");
  lockstep::testing::ManualClock clock;
  lockstep::testing::SeededRandom random;
  Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
  ASSERT_TRUE(recover_publishes(runtime, {"/d"}, {"a", "b"}));
  const auto tree = disk.dump();
  EXPECT_FALSE(tree.contains("/d/.a.abc123.tmp"));
  EXPECT_FALSE(tree.contains("/d/..a.lockstep-intent.abc123.tmp"));
  EXPECT_TRUE(tree.contains("/d/.theirs.abc123.tmp"));
  EXPECT_TRUE(tree.contains("/d/.a.ABC123.tmp"));
  ASSERT_TRUE(recover(disk));
  EXPECT_FALSE(disk.dump().contains("/d/.theirs.abc123.tmp"));
  EXPECT_TRUE(disk.dump().contains("/d/.a.ABC123.tmp")) << "no name of ours";
}

TEST_F(PublishRecovery, ADirectoryUnderATemporarysNameIsSomebodyElses) {
  SimFileSystem disk(cut_off(true));
  const std::string name = staged(disk, 1).substr(3);
  ASSERT_TRUE((*disk.open_directory("/d"))->remove_file(name));
  disk.make_directories("/d/" + name);
  const auto recovered = recover(disk);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_THAT(recovered->restored, ElementsAre("/d/a"));
  EXPECT_TRUE(disk.dump().contains("/d/" + name));
  EXPECT_FALSE(disk.dump().contains("/d/.a.lockstep-intent"));
}

}  // namespace
}  // namespace lockstep::durable
