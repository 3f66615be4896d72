// The generation store on the kernel's file system: pinned reads, rollback, collection, hand edits, foreign files.
#include "durable/generation_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/system.h"
#include "durable/inspect.h"
#include "fs/posix_file_system.h"
#include "testing/command.h"
#include "testing/manual_clock.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::ManualClock;
using lockstep::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kLimit = 1U << 20U;

struct GenerationStore : ::testing::Test {
  [[nodiscard]] std::string at(const std::string& name) const { return directory.path("store/" + name); }
  [[nodiscard]] std::string content_of(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void overwrite(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary | std::ios::trunc) << text;
  }
  Result<StoreWriter> open(OpenFor purpose = OpenFor::change) {
    return StoreWriter::open(runtime, directory.path("store"), options, purpose);
  }
  Status commit(const Change& change) {
    auto writer = TRY(open());
    TRY(writer.commit(change));
    return writer.collect();
  }
  Status commit_pair(const std::string& version) {
    Change change;
    change.put("cert", version, 0644).put("key", version, 0600);
    return commit(change);
  }

  TemporaryDirectory directory;
  fs::PosixFileSystem files;
  ManualClock clock;
  SystemRandom random;
  Runtime runtime{files, clock, random, std::chrono::milliseconds(50)};
  StoreOptions options{.kind = "test", .group = {}, .keep = {.generations = 2, .seconds = 0}};
};

using ParallelStore = GenerationStore;

TEST_F(GenerationStore, NamesLeadToTheMembersWithTheirModes) {
  ASSERT_TRUE(commit_pair("one"));
  EXPECT_EQ(content_of("cert"), "one");
  EXPECT_EQ(std::filesystem::read_symlink(at("cert")), ".lockstep/current/cert");
  struct stat status{};
  ASSERT_EQ(::stat(at("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(GenerationStore, AMemberThatIsNotNamedIsKeptAsItWas) {
  ASSERT_TRUE(commit_pair("one"));
  ASSERT_EQ(::chmod(at("key").c_str(), 0640), 0);
  Change change;
  change.put("cert", "two");
  ASSERT_TRUE(commit(change));
  EXPECT_EQ(content_of("cert"), "two");
  EXPECT_EQ(content_of("key"), "one");
  struct stat status{};
  ASSERT_EQ(::stat(at("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  // A copy, never a second name of the same file: what is done to one generation must not reach another.
  EXPECT_EQ(status.st_nlink, 1U);
}

TEST_F(GenerationStore, ARemovedMemberLosesItsName) {
  ASSERT_TRUE(commit_pair("one"));
  Change change;
  change.remove("cert");
  ASSERT_TRUE(commit(change));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(at("cert"))));
  EXPECT_EQ(content_of("key"), "one");
}

TEST_F(GenerationStore, APinnedReaderKeepsItsGenerationThroughCommitsAndCollection) {
  ASSERT_TRUE(commit_pair("one"));
  const auto pinned = Snapshot::open(files, directory.path("store"));
  ASSERT_TRUE(pinned);
  for (const char* version : {"two", "three", "four", "five"}) ASSERT_TRUE(commit_pair(version));
  EXPECT_EQ(*pinned->read("cert", kLimit), "one");
  EXPECT_EQ(*pinned->read("key", kLimit), "one");
  EXPECT_EQ(content_of("cert"), "five");
}

TEST_F(GenerationStore, CollectionKeepsWhatThePolicySays) {
  options.keep = {.generations = 2, .seconds = 3600};
  for (const char* version : {"one", "two", "three"}) ASSERT_TRUE(commit_pair(version));
  EXPECT_THAT(open()->history(), ElementsAre(1, 2, 3));  // none is old enough
  clock.advance(3601);
  ASSERT_TRUE(commit_pair("four"));
  EXPECT_THAT(open()->history(), ElementsAre(3, 4));
}

TEST_F(GenerationStore, RollsBackAndNeverReusesANumber) {
  options.keep = {.generations = 5, .seconds = 0};
  for (const char* version : {"one", "two", "three"}) ASSERT_TRUE(commit_pair(version));
  {
    auto writer = open();
    ASSERT_TRUE(writer);
    EXPECT_EQ(*writer->roll_back(std::nullopt), 2U);
    EXPECT_EQ(content_of("key"), "two");
    EXPECT_EQ(*writer->roll_back(Generation{1}), 1U);
    EXPECT_EQ(content_of("cert"), "one");
    const auto missing = writer->roll_back(Generation{9});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  }
  Change change;
  change.put("cert", "four");
  auto writer = open();
  EXPECT_EQ(*writer->commit(change), 4U);
}

TEST_F(GenerationStore, AnOwnerThatNeverGoesBackIsNotRolledBack) {
  options.may_roll_back = false;
  ASSERT_TRUE(commit_pair("one"));
  ASSERT_TRUE(commit_pair("two"));
  auto writer = open();
  const auto back = writer->roll_back(std::nullopt);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(content_of("cert"), "two");
}

TEST_F(GenerationStore, APendingGenerationIsInvisibleUntilItIsPromoted) {
  ASSERT_TRUE(commit_pair("one"));
  Change change;
  change.put("cert", "next");
  {
    auto writer = open();
    ASSERT_TRUE(writer->stage_pending(change));
  }
  EXPECT_EQ(content_of("cert"), "one");
  auto writer = open();
  ASSERT_TRUE(writer->pending());
  ASSERT_TRUE(writer->promote_pending());
  EXPECT_EQ(content_of("cert"), "next");
  EXPECT_FALSE(writer->pending());
}

TEST_F(GenerationStore, DiscardingWhatNeverWentLiveLeavesNothing) {
  Change change;
  change.put("cert", "next");
  ASSERT_TRUE(open()->stage_pending(change));
  ASSERT_TRUE(open()->discard_pending());
  ASSERT_TRUE(open());  // not a store that lost its pointer
  EXPECT_FALSE(std::filesystem::exists(at(".lockstep")));
}

TEST_F(GenerationStore, AnEditInPlaceIsNamedAndRefused) {
  ASSERT_TRUE(commit_pair("one"));
  overwrite("cert", "by hand");
  Change change;
  change.put("key", "two");
  auto writer = open();
  const Status status = writer ? Status(fail(writer->commit(change).error())) : Status(fail(writer.error()));
  EXPECT_EQ(status.error().code, ErrorCode::edited_by_hand);
  EXPECT_THAT(status.error().message, HasSubstr("cert"));
  EXPECT_EQ(content_of("cert"), "by hand");
  EXPECT_EQ(content_of("key"), "one");
}

TEST_F(GenerationStore, AFileInPlaceOfANameIsNamedAndRefused) {
  ASSERT_TRUE(commit_pair("one"));
  std::filesystem::remove(at("cert"));
  overwrite("cert", "by an editor");
  const auto writer = open();
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().message, HasSubstr("cert"));
  EXPECT_EQ(content_of("cert"), "by an editor");
}

TEST_F(GenerationStore, AMissingNameIsMadeAgain) {
  ASSERT_TRUE(commit_pair("one"));
  std::filesystem::remove(at("cert"));
  ASSERT_TRUE(open());
  EXPECT_EQ(content_of("cert"), "one");
}

TEST_F(GenerationStore, AStoreOfAnotherKindIsRefused) {
  ASSERT_TRUE(commit_pair("one"));
  options.kind = "other";
  EXPECT_FALSE(open());
}

TEST_F(GenerationStore, AWriterThatCommitsNothingLeavesNothing) {
  {
    ASSERT_TRUE(open());
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path("store")));
}

TEST_F(GenerationStore, ASecondWriterWaitsAndThenSaysSo) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::lock_timeout);
}

TEST_F(GenerationStore, DamageIsSaidAndNothingIsGuessed) {
  ASSERT_TRUE(commit_pair("one"));
  ASSERT_TRUE(commit_pair("two"));
  std::filesystem::remove(at(".lockstep/current"));
  const auto writer = open();
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::damaged);
  const auto report = inspect_store(runtime, directory.path("store"));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->damaged());
}

TEST_F(GenerationStore, LooseEntriesOfTheControlDirectoryAreLeftAloneOrCleared) {
  ASSERT_TRUE(commit_pair("one"));
  std::filesystem::create_directory(at(".lockstep/gen-00000007"));
  ASSERT_EQ(::mkfifo(at(".lockstep/gen-00000007/pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("../..", at(".lockstep/gen-00000007/link").c_str()), 0);
  ASSERT_EQ(::mkfifo(at(".lockstep/.current.abcdef.tmp").c_str(), 0600), 0);
  {
    ASSERT_TRUE(open());
  }
  EXPECT_FALSE(std::filesystem::exists(at(".lockstep/gen-00000007")));
  EXPECT_EQ(content_of("cert"), "one");
  EXPECT_TRUE(std::filesystem::exists(directory.path(".")));
}

TEST_F(ParallelStore, EightWritersAndReadersNeverMixAPair) {
  runtime.lock_timeout = std::chrono::milliseconds(60'000);
  ASSERT_TRUE(commit_pair("start"));
  constexpr int kWriters = 8;
  constexpr int kRounds = 10;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      SystemClock real;
      Runtime own{files, real, random, std::chrono::milliseconds(60'000)};
      bool good = true;
      for (int round = 0; good && round < kRounds; ++round) {
        const std::string version = std::to_string(writer) + "-" + std::to_string(round);
        Change change;
        change.put("cert", version).put("key", version);
        {
          auto opened = StoreWriter::open(own, directory.path("store"), options);
          good = opened && opened->commit(change) && opened->collect();
        }
        if (!good) break;
        const auto snapshot = Snapshot::open(files, directory.path("store"));
        good = snapshot && *snapshot->read("cert", kLimit) == *snapshot->read("key", kLimit);
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  // Every commit took a number of its own.
  EXPECT_EQ(Snapshot::open(files, directory.path("store"))->generation(), 1U + kWriters * kRounds);
}

}  // namespace
}  // namespace lockstep::durable
