#include "service/access.h"

#include <gmock/gmock.h>

#include "testing/authority.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"

namespace lockstep::service {
namespace {

using lockstep::testing::Machine;
using lockstep::testing::SimFileSystem;
using ::testing::HasSubstr;

constexpr const char* kPath = "/data/service/token";

TEST(AccessToken, IsMadeOnceAndForItsOwnerAlone) {
  SimFileSystem disk;
  disk.make_directories("/data/service");
  Machine machine(disk);
  const auto made = load_or_make_token(machine.runtime, kPath);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->made);
  EXPECT_EQ(made->text.reveal().size(), 43U);
  EXPECT_EQ(disk.dump().at(kPath).attributes.mode, 0600U);
  const auto again = load_or_make_token(machine.runtime, kPath);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->made);
  EXPECT_EQ(again->text.reveal(), made->text.reveal());
}

TEST(AccessToken, IsRefusedWhereOthersMayReadItOrItIsNone) {
  SimFileSystem disk;
  disk.make_directories("/data/service");
  Machine machine(disk);
  disk.write_file(kPath, "abcdefghijklmnopqrstuvwxyz\n", 0640);
  EXPECT_EQ(load_or_make_token(machine.runtime, kPath).error().code, ErrorCode::permission_denied);
  disk.write_file(kPath, "abcdefghijklmnopqrstuvwxyz\n", 0600);
  for (const char* bad : {"", "short\n", "abcdefghijklmnopqrstuvwxyz abc\n"}) {
    SimFileSystem other;
    other.make_directories("/data/service");
    other.write_file(kPath, bad, 0600);
    Machine there(other);
    const auto read = load_or_make_token(there.runtime, kPath);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ErrorCode::damaged);
    EXPECT_THAT(read.error().message, ::testing::Not(HasSubstr("abcdef")));
  }
}

Caller identify(const Access& access, const std::string& authorization) {
  http::ServerRequest request;
  if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
  return access.identify(request, 1'800'000'000);
}

TEST(Access, TheTokenAloneMayWrite) {
  const Access access(
      {.token = SecretBytes("correct-horse-battery"), .free_reading = true, .anchors = {}, .lists = {}});
  EXPECT_TRUE(identify(access, "Bearer correct-horse-battery").may_write);
  EXPECT_TRUE(identify(access, "bearer correct-horse-battery").may_write);
  EXPECT_EQ(identify(access, "Bearer correct-horse-battery").who, "token");
  for (const char* bad : {"", "Bearer", "Bearer ", "Bearer correct-horse-batter", "Bearer correct-horse-batteryy",
                          "correct-horse-battery", "Basic correct-horse-battery", "Bearer  correct-horse-battery",
                          "BearerXcorrect-horse-battery"}) {
    const Caller caller = identify(access, bad);
    EXPECT_FALSE(caller.may_write) << bad;
    EXPECT_TRUE(caller.may_read);
    EXPECT_EQ(caller.who, "anonymous");
  }
}

TEST(Access, ReadingIsFreeOnlyWhereItIsSaidToBe) {
  const Access access(
      {.token = SecretBytes("correct-horse-battery"), .free_reading = false, .anchors = {}, .lists = {}});
  EXPECT_FALSE(identify(access, "").may_read);
  EXPECT_TRUE(identify(access, "Bearer correct-horse-battery").may_read);
}

TEST(Access, OtherRulesHoldAtOnce) {
  Access access({.token = SecretBytes("correct-horse-battery"), .free_reading = true, .anchors = {}, .lists = {}});
  access.replace({.token = SecretBytes("another-horse-battery"), .free_reading = true, .anchors = {}, .lists = {}});
  EXPECT_FALSE(identify(access, "Bearer correct-horse-battery").may_write);
  EXPECT_TRUE(identify(access, "Bearer another-horse-battery").may_write);
}

}  // namespace
}  // namespace lockstep::service
