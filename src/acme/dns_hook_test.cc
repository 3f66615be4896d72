#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "acme/challenge_fixture.h"
#include "acme/solvers.h"
#include "base/system.h"
#include "testing/command.h"

namespace lockstep::acme {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DnsHook : public ::testing::Test {
 protected:
  std::unique_ptr<ChallengeSolver> hook(const std::string& script) {
    const std::string path = top_.write("hook", "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    auto solver = make_dns_hook(programs_, path);
    EXPECT_TRUE(solver);
    return std::move(*solver);
  }

  SystemClock clock_;
  fs::PosixProgramRunner programs_{clock_};
  lockstep::testing::TemporaryDirectory top_;
};

TEST_F(DnsHook, CallsTheProgramWithEverythingItNeeds) {
  const auto solver =
      hook("echo $# $1 $LOCKSTEP_DOMAIN $LOCKSTEP_RECORD $LOCKSTEP_VALUE $LOCKSTEP_TOKEN >> " + top_.path("calls"));
  const ChallengeTask task = make_task();
  EXPECT_EQ(solver->challenge_type(), "dns-01");
  ASSERT_TRUE(solver->present(task));
  ASSERT_TRUE(solver->clean_up(task));
  const std::string rest =
      " example.com _acme-challenge.example.com " + dns_record_value(task.key_authorization) + " " + task.token + "\n";
  EXPECT_EQ(top_.read("calls"), "1 present" + rest + "1 cleanup" + rest);
}

TEST_F(DnsHook, ReportsAFailureAndCleansUp) {
  const auto solver = hook("echo $1 >> " + top_.path("calls") +
                           "\n[ $1 = cleanup ] && exit 0\nfor i in 1 2 3 4 5 6; do echo line $i; done\n"
                           "printf '\\033[1mred\\n'; exit 4\n");
  const auto presented = solver->present(make_task());
  ASSERT_FALSE(presented);
  EXPECT_THAT(presented.error().message, HasSubstr("hook present' for 'example.com' exited with 4: line 3 | line 4"));
  EXPECT_THAT(presented.error().message, HasSubstr(" | line 6 | ?[1mred"));
  EXPECT_THAT(presented.error().message, Not(HasSubstr("line 2")));
  EXPECT_EQ(top_.read("calls"), "present\ncleanup\n");
}

TEST_F(DnsHook, SaysThatSomethingMayBeLeft) {
  const auto solver = hook("exit 1");
  EXPECT_THAT(solver->present(make_task()).error().hint, HasSubstr("cleanup' for 'example.com' exited with 1"));
  EXPECT_FALSE(solver->clean_up(make_task()));
}

TEST_F(DnsHook, SaysBeforeAnyOrderThatTheProgramIsMissing) {
  const auto missing = make_dns_hook(programs_, top_.path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr(top_.path("missing")));
  const auto solver = hook("exit 0");
  std::filesystem::remove(top_.path("hook"));
  const auto presented = solver->present(make_task());
  ASSERT_FALSE(presented);
  EXPECT_EQ(presented.error().code, ErrorCode::not_found);
  EXPECT_FALSE(make_dns_hook(programs_, ""));
}

TEST_F(DnsHook, IsNotForAddresses) {
  const auto solver = hook("exit 1");
  ChallengeTask task = make_task();
  task.type = IdentifierType::ip;
  EXPECT_EQ(solver->present(task).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(solver->clean_up(task));
}

}  // namespace
}  // namespace lockstep::acme
