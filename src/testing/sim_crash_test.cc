// The rules of what a crash may leave, one by one.
#include "testing/sim_crash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "fs/io.h"
#include "testing/sim_file_system.h"

namespace lockstep::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

const std::string kMissing = "missing";

std::unique_ptr<fs::Directory> open(SimFileSystem& disk, const std::string& path) {
  auto opened = disk.open_directory(path);
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

std::unique_ptr<fs::File> create(fs::Directory& directory, const std::string& name, std::string_view content) {
  auto made = directory.open_file(name, fs::OpenMode::create_exclusive, 0600);
  EXPECT_TRUE(made);
  EXPECT_TRUE(fs::write_all(**made, content));
  return std::move(*made);
}

std::string error_of(const Status& status) { return status ? "ok" : ::strerrorname_np(status.error().system_errno); }

// What a path may hold after a crash now.
std::set<std::string> contents(const SimFileSystem& disk, const std::string& path) {
  std::set<std::string> out;
  for (const SimImage& image : disk.enumerate_crashes()) {
    out.insert(SimFileSystem(image).read_file(path).value_or(kMissing));
  }
  return out;
}

// Which of the paths may be there together after a crash now: their last letters.
std::set<std::string> names(const SimFileSystem& disk) {
  std::set<std::string> out;
  for (const SimImage& image : disk.enumerate_crashes()) {
    std::string present;
    for (const auto& [path, entry] : SimFileSystem(image).dump()) {
      if (path != "/") present += path.substr(1) + " ";
    }
    out.insert(present);
  }
  return out;
}

void fail_next_fsync(SimFileSystem& disk) {
  disk.set_hook([done = false](const Operation& operation) mutable -> Verdict {
    if (done || operation.kind != "fsync") return {};
    done = true;
    return {Verdict::Action::fail, EIO};
  });
}

// --- Files ---

TEST(SimCrash, UnsyncedFileIsMissingEmptyZerosOrWhole) {
  SimFileSystem disk;
  create(*open(disk, "/"), "a", "data");
  EXPECT_THAT(contents(disk, "/a"), UnorderedElementsAre(kMissing, "", std::string(4, '\0'), "data"));
}

TEST(SimCrash, FsyncOfTheDirectoryDoesNotCoverTheFile) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  create(*root, "a", "data");
  ASSERT_TRUE(root->sync());
  EXPECT_THAT(contents(disk, "/a"), UnorderedElementsAre("", std::string(4, '\0'), "data"));
}

TEST(SimCrash, FsyncOfTheFileDoesNotCoverItsName) {
  SimFileSystem disk;
  ASSERT_TRUE(create(*open(disk, "/"), "a", "data")->sync());
  EXPECT_THAT(contents(disk, "/a"), UnorderedElementsAre(kMissing, "data"));
}

TEST(SimCrash, BothFsyncsAreEnough) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  ASSERT_TRUE(create(*root, "a", "data")->sync());
  ASSERT_TRUE(root->sync());
  EXPECT_THAT(contents(disk, "/a"), ElementsAre("data"));
}

TEST(SimCrash, ChunksSurviveIndependently) {
  SimFileSystem disk;
  disk.write_file("/a", std::string(512, 'x') + std::string(512, 'y'));
  disk.sync_everything();
  const auto file = open(disk, "/")->open_file("a", fs::OpenMode::create_or_open);
  ASSERT_TRUE(fs::write_all(**file, std::string(512, 'X') + std::string(512, 'Y')));
  std::set<std::string> seen;
  for (const std::string& content : contents(disk, "/a")) seen.insert({content[0], content[512]});
  EXPECT_THAT(seen, UnorderedElementsAre("xy", "Xy", "xY", "XY"));
}

TEST(SimCrash, ModeOwnerAndAttributesArePending) {
  SimFileSystem disk;
  disk.write_file("/a", "", 0600);
  disk.sync_everything();
  const auto file = open(disk, "/")->open_file("a", fs::OpenMode::read);
  ASSERT_TRUE((*file)->change_mode(0640));
  ASSERT_TRUE((*file)->change_owner(7, 8));
  ASSERT_TRUE((*file)->set_attribute("user.note", "n"));
  EXPECT_EQ(disk.enumerate_crashes().size(), 8U);
  ASSERT_TRUE((*file)->sync());
  const auto images = disk.enumerate_crashes();
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(SimFileSystem(images[0]).dump().at("/a").attributes, (sim::Attributes{0640, 7, 8, {{"user.note", "n"}}}));
}

TEST(SimCrash, ModeOfADirectoryNeedsItsOwnFsync) {
  SimFileSystem disk;
  disk.make_directories("/d", 0700);
  disk.sync_everything();
  const auto directory = open(disk, "/d");
  ASSERT_TRUE(directory->change_mode(0755));
  ASSERT_TRUE(open(disk, "/")->sync());
  EXPECT_EQ(disk.enumerate_crashes().size(), 2U);
  ASSERT_TRUE(directory->sync());
  EXPECT_EQ(disk.enumerate_crashes().size(), 1U);
}

// --- Names ---

TEST(SimCrash, NewDirectoryMayComeBackEmptyOrInPart) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  ASSERT_TRUE(root->make_directory("d", 0700));
  const auto inner = open(disk, "/d");
  ASSERT_TRUE(create(*inner, "a", "")->sync());
  ASSERT_TRUE(create(*inner, "b", "")->sync());
  EXPECT_THAT(names(disk), UnorderedElementsAre("", "d ", "d d/a ", "d d/b ", "d d/a d/b "));
  ASSERT_TRUE(root->sync());  // says nothing about the names inside
  EXPECT_THAT(names(disk), UnorderedElementsAre("d ", "d d/a ", "d d/b ", "d d/a d/b "));
  ASSERT_TRUE(inner->sync());
  EXPECT_THAT(names(disk), ElementsAre("d d/a d/b "));
}

TEST(SimCrash, RenameSurvivesOnlyWithTheCreationOfItsSource) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  ASSERT_TRUE(create(*root, "a", "")->sync());
  ASSERT_TRUE(root->rename("a", *root, "b"));
  EXPECT_THAT(names(disk), UnorderedElementsAre("", "a ", "b "));
}

TEST(SimCrash, RenameIsAtomic) {
  SimFileSystem disk;
  disk.write_file("/a", "new");
  disk.write_file("/b", "old");
  disk.sync_everything();
  const auto root = open(disk, "/");
  ASSERT_TRUE(root->rename("a", *root, "b"));
  EXPECT_THAT(names(disk), UnorderedElementsAre("a b ", "b "));
  EXPECT_THAT(contents(disk, "/b"), UnorderedElementsAre("old", "new"));
  ASSERT_TRUE(root->sync());
  EXPECT_THAT(contents(disk, "/b"), ElementsAre("new"));
}

TEST(SimCrash, ExchangeIsAtomic) {
  SimFileSystem disk;
  disk.write_file("/a", "one");
  disk.write_file("/b", "two");
  disk.sync_everything();
  ASSERT_TRUE(open(disk, "/")->exchange("a", "b"));
  EXPECT_EQ(disk.read_file("/a"), "two");
  std::set<std::string> states;
  for (const SimImage& image : disk.enumerate_crashes()) {
    SimFileSystem after(image);
    states.insert(after.read_file("/a").value_or("-") + " " + after.read_file("/b").value_or("-"));
  }
  EXPECT_THAT(states, UnorderedElementsAre("one two", "two one"));
}

TEST(SimCrash, RenameBetweenDirectoriesIsTwoChanges) {
  SimFileSystem disk;
  disk.make_directories("/d");
  disk.write_file("/a", "x");
  disk.sync_everything();
  ASSERT_TRUE(open(disk, "/")->rename("a", *open(disk, "/d"), "a"));
  EXPECT_THAT(names(disk), UnorderedElementsAre("a d ", "a d d/a ", "d ", "d d/a "));
}

TEST(SimCrash, SymlinkTargetIsDurableWithItsName) {
  SimFileSystem disk;
  ASSERT_TRUE(open(disk, "/")->make_symlink("target", "l"));
  std::set<std::string> targets;
  for (const SimImage& image : disk.enumerate_crashes()) {
    const Tree tree = SimFileSystem(image).dump();
    targets.insert(tree.contains("/l") ? tree.at("/l").content : kMissing);
  }
  EXPECT_THAT(targets, UnorderedElementsAre(kMissing, "target"));
}

TEST(SimCrash, RemovalNeedsFsyncOfTheDirectory) {
  SimFileSystem disk;
  disk.write_file("/a", "x");
  disk.sync_everything();
  const auto root = open(disk, "/");
  ASSERT_TRUE(root->remove_file("a"));
  EXPECT_THAT(contents(disk, "/a"), UnorderedElementsAre("x", kMissing));
  ASSERT_TRUE(root->sync());
  EXPECT_THAT(contents(disk, "/a"), ElementsAre(kMissing));
}

TEST(SimCrash, HardLinksShareWhatSurvives) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  create(*root, "a", "data");
  ASSERT_TRUE(root->make_link("a", *root, "b"));
  ASSERT_TRUE(root->sync());
  for (const SimImage& image : disk.enumerate_crashes()) {
    const SimFileSystem booted(image);
    EXPECT_EQ(booted.read_file("/a"), booted.read_file("/b"));
  }
}

TEST(SimCrash, UnnamedFilesDoNotMultiplyTheStates) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  const auto file = create(*root, "a", std::string(5000, 'x'));
  ASSERT_TRUE(root->remove_file("a"));
  ASSERT_TRUE(root->sync());
  EXPECT_EQ(disk.enumerate_crashes().size(), 1U);
}

// --- Failing fsync ---

TEST(SimCrash, FsyncAfterAFailedFsyncPromisesNothing) {
  SimFileSystem disk;
  disk.write_file("/a", "old");
  disk.sync_everything();
  const auto file = open(disk, "/")->open_file("a", fs::OpenMode::create_or_open);
  ASSERT_TRUE(fs::write_all(**file, "new"));
  fail_next_fsync(disk);
  EXPECT_EQ(error_of((*file)->sync()), "EIO");
  EXPECT_EQ(error_of((*file)->sync()), "ok");
  EXPECT_EQ(disk.read_file("/a"), "new");
  EXPECT_THAT(contents(disk, "/a"), UnorderedElementsAre("old", "new"));
}

TEST(SimCrash, WhatIsWrittenAnewAfterAFailedFsyncIsDurable) {
  SimFileSystem disk;
  disk.write_file("/a", "old");
  disk.sync_everything();
  const auto file = open(disk, "/")->open_file("a", fs::OpenMode::create_or_open);
  ASSERT_TRUE(fs::write_all(**file, "new"));
  fail_next_fsync(disk);
  EXPECT_FALSE((*file)->sync());
  ASSERT_TRUE((*file)->seek(0));
  ASSERT_TRUE(fs::write_all(**file, "NEW"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_THAT(contents(disk, "/a"), ElementsAre("NEW"));
}

TEST(SimCrash, NamesOfAFailedFsyncStayUncertainUntilChangedAgain) {
  SimFileSystem disk;
  disk.make_symlink("old", "/l");
  disk.sync_everything();
  const auto root = open(disk, "/");
  ASSERT_TRUE(root->make_symlink("new", "t"));
  ASSERT_TRUE(root->rename("t", *root, "l"));
  fail_next_fsync(disk);
  EXPECT_FALSE(root->sync());
  ASSERT_TRUE(root->sync());
  EXPECT_EQ(disk.enumerate_crashes().size(), 3U);  // old, old and t, new
  ASSERT_TRUE(root->make_symlink("newest", "u"));
  ASSERT_TRUE(root->rename("u", *root, "l"));
  ASSERT_TRUE(root->sync());
  for (const SimImage& image : disk.enumerate_crashes()) {
    EXPECT_EQ(SimFileSystem(image).dump().at("/l").content, "newest");
  }
}

// --- Enumeration ---

TEST(SimCrash, SamplesBeyondTheLimitAndRepeatsThem) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  create(*root, "a", std::string(512 * 40, 'x'));
  ASSERT_TRUE(root->sync());
  const CrashLimits limits{100, 50, 3};
  const auto images = disk.enumerate_crashes(limits);
  EXPECT_GT(images.size(), 60U);  // empty, all zeros, whole, all but one of 40 chunks, random ones
  const auto again = disk.enumerate_crashes(limits);
  ASSERT_EQ(images.size(), again.size());
  for (std::size_t index = 0; index < images.size(); ++index) EXPECT_EQ(images[index].hash, again[index].hash);
  EXPECT_THAT(contents(disk, "/a"), Contains(""));
  EXPECT_THAT(contents(disk, "/a"), Contains(std::string(512 * 40, 'x')));
}

TEST(SimCrash, BootedImageHasNothingPending) {
  SimFileSystem disk;
  create(*open(disk, "/"), "a", "data");
  for (const SimImage& image : disk.enumerate_crashes()) {
    const SimFileSystem booted(image);
    const auto images = booted.enumerate_crashes();
    ASSERT_EQ(images.size(), 1U);
    EXPECT_EQ(images[0].hash, image.hash);
  }
}

TEST(SimCrash, ImagesAreIndependentOfTheRunningSystem) {
  SimFileSystem disk;
  disk.write_file("/a", "old");
  const SimImage image = disk.image();
  disk.write_file("/a", "new");
  EXPECT_EQ(SimFileSystem(image).read_file("/a"), "old");
}

}  // namespace
}  // namespace lockstep::testing
