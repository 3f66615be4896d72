#include "durable/audit_log.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

class AuditLogTest : public ::testing::Test {
 protected:
  void SetUp() override { disk.make_directories("/log"); }
  [[nodiscard]] std::string content(const std::string& name) const {
    return disk.read_file("/log/" + name).value_or("none");
  }
  testing::SimFileSystem disk;
  testing::ManualClock clock;
  testing::SeededRandom random;
  Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
};

TEST_F(AuditLogTest, AppendsAndBeginsANewLineAfterOneThatWasCutOff) {
  AuditLog log(runtime, "/log", "audit.log");
  ASSERT_TRUE(log.append("one\n"));
  ASSERT_TRUE(log.append("two\nthree\n"));
  EXPECT_EQ(content("audit.log"), "one\ntwo\nthree\n");
  disk.write_file("/log/audit.log", "one\ntw", 0600);
  ASSERT_TRUE(log.append("four\n"));
  EXPECT_EQ(content("audit.log"), "one\ntw\nfour\n");
}

TEST_F(AuditLogTest, KeepsSoManyFilesOfSuchASize) {
  AuditLog log(runtime, "/log", "audit.log", {.bytes = 8, .kept = 2});
  for (const char* line : {"aaaaaa\n", "bbbbbb\n", "cccccc\n", "dddddd\n"}) ASSERT_TRUE(log.append(line));
  EXPECT_EQ(content("audit.log"), "dddddd\n");
  EXPECT_EQ(content("audit.log.1"), "cccccc\n");
  EXPECT_EQ(content("audit.log.2"), "bbbbbb\n");
  EXPECT_EQ(content("audit.log.3"), "none");
}

}  // namespace
}  // namespace lockstep::durable
