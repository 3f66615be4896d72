// How the simulation behaves while it runs. See also fs/file_system_conformance_test.cc.
#include "testing/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "fs/io.h"

namespace lockstep::testing {
namespace {

using ::testing::ElementsAre;

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

TEST(SimFileSystem, HookSeesAndFailsCalls) {
  SimFileSystem disk;
  std::vector<std::string> seen;
  disk.set_hook([&](const Operation& operation) -> Verdict {
    seen.push_back(std::to_string(operation.index) + " " + operation.kind + " " + operation.path +
                   (operation.mutates ? " !" : ""));
    if (operation.kind == "write") return {Verdict::Action::fail, ENOSPC};
    return {};
  });
  const auto root = open(disk, "/");
  const auto file = root->open_file("a", fs::OpenMode::create_exclusive);
  EXPECT_EQ((*file)->write("x").error().system_errno, ENOSPC);
  EXPECT_TRUE((*file)->close());
  EXPECT_THAT(seen, ElementsAre("0 open /", "1 create /a !", "2 write /a !", "3 close /a"));
  EXPECT_EQ(disk.operation_count(), 4U);
  EXPECT_EQ(disk.read_file("/a"), "");
}

TEST(SimFileSystem, HookSkipsAndDelays) {
  SimFileSystem disk;
  const auto root = open(disk, "/");
  Verdict::Action action = Verdict::Action::skip;
  disk.set_hook([&](const Operation& operation) -> Verdict {
    return {operation.path == "/first" ? action : Verdict::Action::proceed, 0};
  });
  EXPECT_TRUE(root->make_directory("first", 0700));
  EXPECT_FALSE(disk.dump().contains("/first"));
  action = Verdict::Action::delay;
  EXPECT_TRUE(root->make_directory("first", 0700));
  EXPECT_FALSE(disk.dump().contains("/first"));
  EXPECT_TRUE(root->make_directory("second", 0700));
  EXPECT_TRUE(disk.dump().contains("/first"));
  action = Verdict::Action::delay;
  EXPECT_TRUE(root->remove_directory("first"));
  EXPECT_TRUE(disk.dump().contains("/first"));
  disk.finish_delayed();
  EXPECT_FALSE(disk.dump().contains("/first"));
}

TEST(SimFileSystem, FullDiskWritesShortThenFails) {
  SimFileSystem disk;
  disk.set_capacity(10);
  const auto root = open(disk, "/");
  const auto file = create(*root, "a", "123456");
  EXPECT_EQ(*file->write("789012"), 4U);
  EXPECT_EQ(file->write("x").error().system_errno, ENOSPC);
  ASSERT_TRUE(file->seek(0));
  EXPECT_EQ(*file->write("over"), 4U);
  ASSERT_TRUE(root->remove_file("a"));
  const auto other = root->open_file("b", fs::OpenMode::create_exclusive);
  EXPECT_FALSE((*other)->write("x"));  // still held by the open file
  ASSERT_TRUE(file->close());
  EXPECT_TRUE((*other)->write("x"));
}

TEST(SimFileSystem, ReadOnlyRefusesChanges) {
  SimFileSystem disk;
  disk.write_file("/a", "x");
  const auto root = open(disk, "/");
  const auto file = root->open_file("a", fs::OpenMode::create_or_open);
  disk.set_read_only(true);
  EXPECT_EQ((*file)->write("y").error().system_errno, EROFS);
  EXPECT_EQ(error_of(root->make_directory("d", 0700)), "EROFS");
  EXPECT_EQ(error_of(root->remove_file("a")), "EROFS");
  EXPECT_EQ(error_of(root->rename("a", *root, "b")), "EROFS");
  EXPECT_EQ(error_of((*file)->change_mode(0)), "EROFS");
  EXPECT_EQ(error_of(root->sync()), "ok");
  EXPECT_TRUE(root->open_file("a", fs::OpenMode::read));
}

TEST(SimFileSystem, MountPointsAndDevices) {
  SimFileSystem disk;
  disk.make_directories("/m");
  disk.write_file("/a", "x");
  disk.write_file("/bound", "x");
  disk.set_mount_point("/m");
  disk.set_mount_point("/bound");
  const auto root = open(disk, "/");
  const auto mounted = open(disk, "/m");
  EXPECT_EQ(error_of(root->rename("a", *mounted, "a")), "EXDEV");
  EXPECT_EQ(error_of(root->make_link("a", *mounted, "a")), "EXDEV");
  EXPECT_EQ(error_of(root->rename("a", *root, "bound")), "EBUSY");
  EXPECT_EQ(error_of(root->remove_file("bound")), "EBUSY");
  EXPECT_EQ(error_of(root->remove_directory("m")), "EBUSY");
}

TEST(SimFileSystem, CopyingMayBeUnsupported) {
  SimFileSystem disk;
  disk.write_file("/a", "content");
  const auto root = open(disk, "/");
  const auto from = root->open_file("a", fs::OpenMode::read);
  const auto to = root->open_file("b", fs::OpenMode::create_exclusive);
  EXPECT_EQ(error_of((*to)->clone_from(**from)), "EOPNOTSUPP");
  disk.set_copy_support(false, true);
  EXPECT_EQ((*to)->copy_from(**from, 7).error().system_errno, EOPNOTSUPP);
  EXPECT_TRUE(fs::copy_bytes(**from, **to, 7));
  EXPECT_EQ(disk.read_file("/b"), "content");
  EXPECT_TRUE((*to)->clone_from(**from));
  EXPECT_EQ(disk.read_file("/b"), "content");
}

TEST(SimFileSystem, FifoAndTimes) {
  SimFileSystem disk;
  disk.make_fifo("/f");
  disk.set_time(42);
  disk.set_effective_user(7);
  disk.write_file("/a", "x");
  EXPECT_EQ(disk.stat_path("/f")->type, fs::FileType::other);
  EXPECT_EQ(disk.stat_path("/a")->modified, 42);
  EXPECT_EQ(disk.stat_path("/a")->uid, 7U);
  EXPECT_EQ(disk.effective_user(), 7U);
  const auto fifo = disk.open_for_reading("/f");
  ASSERT_TRUE(fifo);
  EXPECT_EQ((*fifo)->stat()->type, fs::FileType::other);
}

TEST(SimFileSystem, DescribesDifferences) {
  SimFileSystem disk;
  disk.write_file("/a", "x");
  disk.write_file("/b", "x", 0600);
  disk.write_file("/c", "x");
  const Tree before = disk.dump();
  disk.write_file("/a", "y");
  disk.write_file("/b", "x", 0644);
  disk.write_file("/d", "x");
  ASSERT_TRUE(open(disk, "/")->remove_file("c"));
  EXPECT_EQ(describe_difference(before, before), "");
  EXPECT_EQ(describe_difference(before, disk.dump()),
            "/a has other content\n/b has another type, mode, owner or attribute\n/c is gone\n/d is left over\n");
}

}  // namespace
}  // namespace lockstep::testing
