#include "durable/record.h"

#include <gtest/gtest.h>

#include "testing/machine.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::Machine;
using lockstep::testing::SimFileSystem;

constexpr const char* kPath = "/srv/lockstep/orders/www.example.json";

TEST(Record, MakesAPublicRootAndPrivateDirectoriesBelowIt) {
  SimFileSystem disk;
  disk.make_directories("/srv");
  Machine machine(disk);
  ASSERT_TRUE(write_record(machine.runtime, {.root = "/srv/lockstep", .path = kPath}, "one"));
  const auto tree = disk.dump();
  EXPECT_EQ(tree.at("/srv/lockstep").attributes.mode, 0755U);
  EXPECT_EQ(tree.at("/srv/lockstep/orders").attributes.mode, 0700U);
  EXPECT_EQ(tree.at(kPath).attributes.mode, 0600U);
  EXPECT_EQ(disk.read_file(kPath), "one");
}

// A power cut during a write leaves a temporary; a run that has nothing to write would leave it for ever.
TEST(Record, WhoLocksItSweepsWhatACrashLeft) {
  SimFileSystem disk;
  disk.make_directories("/srv/lockstep/orders");
  disk.write_file("/srv/lockstep/orders/.www.example.json.abc123.tmp", "half");
  disk.write_file("/srv/lockstep/orders/.other.example.json.abc123.tmp", "of somebody else");
  Machine machine(disk);
  const auto lock = lock_record(machine.runtime, {.root = "/srv/lockstep", .path = kPath});
  ASSERT_TRUE(lock) << lock.error().message;
  const auto tree = disk.dump();
  EXPECT_FALSE(tree.contains("/srv/lockstep/orders/.www.example.json.abc123.tmp"));
  EXPECT_TRUE(tree.contains("/srv/lockstep/orders/.other.example.json.abc123.tmp"));
  EXPECT_TRUE(tree.contains("/srv/lockstep/orders/www.example.lock"));
}

}  // namespace
}  // namespace lockstep::durable
