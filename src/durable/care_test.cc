// Stores that anything may have happened to: what is not ours is named and left alone, numbers and generations that
// are needed stay, and the doctor says no less than the next writer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durable/generation_store.h"
#include "durable/inspect.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::describe_difference;
using lockstep::testing::SimFileSystem;
using lockstep::testing::Tree;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kSum(64, 'a');

class StoreCare : public ::testing::Test {
 protected:
  void SetUp() override {
    disk.make_directories("/srv");
    for (const char* version : {"one", "two", "three"}) ASSERT_TRUE(commit(version));
  }
  Result<StoreWriter> open(OpenFor purpose = OpenFor::change) {
    return StoreWriter::open(runtime, kStore, options, purpose);
  }
  Result<Generation> commit(const std::string& version) {
    auto writer = TRY(open());
    Change change;
    return writer.commit(change.put("cert", version).put("key", version));
  }
  // "damage PATH" and so on, the path below .lockstep.
  std::vector<std::string> findings() {
    std::vector<std::string> found;
    const auto report = inspect_store(runtime, kStore);
    EXPECT_TRUE(report);
    for (const Finding& finding : report->findings) {
      const std::string path = finding.path.starts_with(kControl) ? finding.path.substr(kControl.size()) : finding.path;
      found.push_back(std::string(finding_kind_name(finding.kind)) + " " + path);
    }
    return found;
  }
  bool is_there(const std::string& name) { return disk.dump().contains(kControl + name); }

  const std::string kStore = "/srv/store";
  const std::string kControl = "/srv/store/.lockstep/";
  SimFileSystem disk;
  lockstep::testing::ManualClock clock;
  lockstep::testing::SeededRandom random;
  Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
  StoreOptions options{.kind = "test", .group = {}, .keep = {.generations = 9, .seconds = 0}};
};

TEST_F(StoreCare, WhatIsUnderAGenerationsNameAndIsNoneIsNamedAndLeftAlone) {
  disk.make_directories("/outside");
  disk.make_symlink("/outside", kControl + "gen-00000007");
  disk.make_fifo(kControl + "gen-00000008");
  disk.write_file(kControl + "gen-00000009", "a file");
  EXPECT_THAT(findings(), ElementsAre("damage gen-00000007", "damage gen-00000008", "damage gen-00000009"));
  const Tree before = disk.dump();
  ASSERT_TRUE(open());
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
  EXPECT_EQ(commit("four").value(), 10U);  // their numbers are taken
}

TEST_F(StoreCare, ALeftOverGenerationWithADirectoryInItIsNamedAndLeftAlone) {
  disk.make_directories(kControl + "gen-00000007/sub");
  disk.write_file(kControl + "gen-00000007/cert", "mine");
  disk.make_directories(kControl + ".gen-00000008.abcdef.tmp/sub");
  EXPECT_THAT(findings(), ElementsAre("damage .gen-00000008.abcdef.tmp", "damage gen-00000007"));
  const Tree before = disk.dump();
  ASSERT_TRUE(open());
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST_F(StoreCare, AKeptGenerationWithADirectoryInItIsCollectedWholeOrNotAtAll) {
  disk.make_directories(kControl + "gen-00000001/sub");
  options.keep.generations = 2;
  {
    auto writer = open();
    ASSERT_TRUE(writer);
    clock.advance(100);
    EXPECT_TRUE(writer->collect());
  }
  EXPECT_TRUE(is_there("gen-00000001/cert"));
  EXPECT_TRUE(is_there("gen-00000001/sub"));
}

TEST_F(StoreCare, TheNewestGenerationsStayWhenAnOlderOneCannotGo) {
  const auto control = disk.open_directory(kControl);
  ASSERT_TRUE(control);
  const auto pinned = Snapshot::open_generation(**control, 1);
  ASSERT_TRUE(pinned);
  options.keep.generations = 2;
  auto writer = open();
  ASSERT_TRUE(writer);
  clock.advance(100);
  ASSERT_TRUE(writer->collect());
  EXPECT_TRUE(is_there("gen-00000001"));  // a reader has it
  EXPECT_TRUE(is_there("gen-00000002"));
  EXPECT_TRUE(is_there("gen-00000003"));
}

TEST_F(StoreCare, WhatIsLiveStaysBesideTheNewestWhenItIsOlderThanThey) {
  options.keep.generations = 2;
  auto writer = open();
  ASSERT_TRUE(writer);
  clock.advance(100);
  ASSERT_TRUE(writer->roll_back(1));
  ASSERT_TRUE(writer->collect());
  EXPECT_THAT(writer->history(), ElementsAre(1, 2, 3));
  ASSERT_TRUE(writer->roll_back(3));
  ASSERT_TRUE(writer->collect());
  EXPECT_THAT(writer->history(), ElementsAre(2, 3));
}

TEST_F(StoreCare, NoMoreThanSoManyAreKeptHoweverYoungTheOldestFirst) {
  options.keep = {.generations = 2, .seconds = 24 * 3600, .most = 5};
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(commit("more"));
    auto writer = open();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->collect());
  }
  EXPECT_THAT(open()->history(), ElementsAre(8, 9, 10, 11, 12));
  EXPECT_FALSE(is_there("gen-00000007"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(StoreCare, WhatAReaderHasPinnedOutlivesTheLimitAndTheNextOldestGoes) {
  options.keep = {.generations = 2, .seconds = 24 * 3600, .most = 3};
  const auto control = disk.open_directory(kControl);
  const auto pinned = Snapshot::open_generation(**control, 1);
  ASSERT_TRUE(pinned);
  ASSERT_TRUE(commit("four"));
  auto writer = open();
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->collect());
  EXPECT_THAT(writer->history(), ElementsAre(1, 3, 4));
}

TEST_F(StoreCare, TheLimitNeverTakesTheNewestThatThePolicyKeeps) {
  options.keep = {.generations = 3, .seconds = 0, .most = 1};
  auto writer = open();
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->collect());
  EXPECT_THAT(writer->history(), ElementsAre(1, 2, 3));
}

TEST_F(StoreCare, ALockAndADraftDirectoryThatAreSomethingElseAreDamage) {
  ASSERT_TRUE((*disk.open_directory(kControl))->remove_file("lock"));
  disk.make_symlink("/outside", kControl + "lock");
  disk.make_symlink("/outside", kControl + "draft");
  const auto found = findings();
  EXPECT_THAT(found, ::testing::IsSupersetOf({"damage lock", "damage draft"}));
  EXPECT_FALSE(open());
}

TEST_F(StoreCare, APendingPointerThatDanglesIsDamageAndKeepsItsNumber) {
  disk.make_symlink("gen-00000004", kControl + "pending");
  EXPECT_THAT(findings(), ElementsAre("damage pending"));
  EXPECT_EQ(commit("four").value(), 5U);
}

TEST_F(StoreCare, ALostPointerBesideAPendingOneIsDamageAndNothingGoes) {
  ASSERT_TRUE((*disk.open_directory(kControl))->remove_file("history"));
  ASSERT_TRUE((*disk.open_directory(kControl))->remove_file("current"));
  disk.make_symlink("gen-00000003", kControl + "pending");
  const auto before = disk.dump();
  EXPECT_FALSE(open());
  EXPECT_EQ(lockstep::testing::describe_difference(before, disk.dump()), "");
}

TEST_F(StoreCare, WithADamagedPointerNothingIsSaidToGo) {
  ASSERT_TRUE((*disk.open_directory(kControl))->remove_file("history"));
  ASSERT_TRUE((*disk.open_directory(kControl))->remove_file("current"));
  disk.make_symlink("gen-00000042", kControl + "current");
  EXPECT_THAT(findings(), ElementsAre("damage gen-00000042"));
}

TEST_F(StoreCare, WhatTheDoctorCallsLeftOverIsGoneAfterTheNextCommand) {
  disk.make_directories(kControl + "gen-00000007");
  disk.write_file(kControl + "gen-00000007/cert", "half");
  disk.write_file(kControl + ".current.abcdef.tmp", "");
  EXPECT_THAT(findings(), ElementsAre("leftover .current.abcdef.tmp", "leftover gen-00000007"));
  ASSERT_TRUE(open());
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(StoreCare, ARecordWhoseNumbersCannotBeIsDamage) {
  for (const char* record : {R"({"schema":1,"kept":[7],"highest":3})", R"({"schema":1,"kept":[2,1],"highest":3})",
                             R"({"schema":1,"kept":[1,1],"highest":3})", R"({"schema":1,"kept":[0],"highest":3})",
                             R"({"schema":2,"kept":[1],"highest":3})", R"({"kept":[1],"highest":3})"}) {
    EXPECT_EQ(parse_history(record, "history").error().code, ErrorCode::damaged) << record;
  }
  EXPECT_TRUE(parse_history(R"({"schema":1,"kept":[1,3],"highest":3})", "history"));
  disk.write_file(kControl + "history", R"({"schema":1,"kept":[7],"highest":3})");
  EXPECT_THAT(findings(), ElementsAre("damage history"));
  EXPECT_EQ(open().error().code, ErrorCode::damaged);
}

TEST(Manifest, AHistoryThatCannotBeIsDamage) {
  Manifest manifest{.kind = "test", .generation = 5, .parent = 4, .highest = 5, .history = {}, .members = {}};
  const auto accepted = [&](std::vector<Generation> history) {
    manifest.history = std::move(history);
    return parse_manifest(encode_manifest(manifest), "manifest").has_value();
  };
  EXPECT_TRUE(accepted({1, 4}));
  EXPECT_FALSE(accepted({4, 1}));
  EXPECT_FALSE(accepted({1, 1}));
  EXPECT_FALSE(accepted({0, 1}));
  EXPECT_FALSE(accepted({1, 5}));
}

}  // namespace
}  // namespace lockstep::durable
