#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "acme/challenge_fixture.h"
#include "acme/solvers.h"
#include "base/system.h"
#include "fs/posix_file_system.h"
#include "testing/command.h"
#include "testing/sim_file_system.h"

namespace lockstep::acme {
namespace {

using lockstep::testing::SimFileSystem;
using ::testing::HasSubstr;

constexpr const char* kFolder = "/srv/www/.well-known/acme-challenge";

struct Site {
  Site() {
    disk.make_directories("/srv/www");
    solver = make();
  }
  std::unique_ptr<ChallengeSolver> make() {
    auto made = make_webroot(machine.runtime, "/srv/www");
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  [[nodiscard]] std::string difference_from(const lockstep::testing::Tree& before) const {
    return describe_difference(before, disk.dump());
  }

  SimFileSystem disk;
  Machine machine{disk};
  std::unique_ptr<ChallengeSolver> solver;
  const ChallengeTask task = make_task();
  const std::string file = std::string(kFolder) + "/" + task.token;
};

TEST(Webroot, PutsTheFileThereAndLeavesNoTrace) {
  Site site;
  EXPECT_EQ(site.solver->challenge_type(), "http-01");
  const auto before = site.disk.dump();
  ASSERT_TRUE(site.solver->present(site.task));
  EXPECT_EQ(site.disk.read_file(site.file), site.task.key_authorization);
  const auto tree = site.disk.dump();
  EXPECT_EQ(tree.at(site.file).attributes.mode, 0644U);
  EXPECT_EQ(tree.at(kFolder).attributes.mode, 0755U);
  EXPECT_EQ(tree.at("/srv/www/.well-known").attributes.mode, 0755U);
  ASSERT_TRUE(site.solver->clean_up(site.task));
  EXPECT_EQ(site.difference_from(before), "");
  EXPECT_TRUE(site.solver->clean_up(site.task));
}

TEST(Webroot, KeepsDirectoriesThatItDidNotMake) {
  Site site;
  site.disk.make_directories(kFolder, 0750);
  const auto before = site.disk.dump();
  ASSERT_TRUE(site.solver->present(site.task));
  ASSERT_TRUE(site.solver->clean_up(site.task));
  EXPECT_EQ(site.difference_from(before), "");
}

TEST(Webroot, KeepsDirectoriesThatOthersUseByNow) {
  Site site;
  const ChallengeTask other = make_task("other");
  ASSERT_TRUE(site.solver->present(site.task));
  ASSERT_TRUE(site.solver->present(other));
  ASSERT_TRUE(site.solver->clean_up(site.task));
  EXPECT_EQ(site.disk.read_file(std::string(kFolder) + "/other"), other.key_authorization);
  site.disk.write_file("/srv/www/.well-known/security.txt", "mine");
  ASSERT_TRUE(site.solver->clean_up(other));
  EXPECT_EQ(site.disk.read_file("/srv/www/.well-known/security.txt"), "mine");
  EXPECT_FALSE(site.disk.dump().contains(kFolder));
}

TEST(Webroot, CleansUpAfterAProcessThatCrashed) {
  Site site;
  site.disk.make_directories(kFolder);
  const auto before = site.disk.dump();
  ASSERT_TRUE(site.solver->present(site.task));
  site.disk.write_file(std::string(kFolder) + "/." + site.task.token + ".abc123.tmp", "half");
  ASSERT_TRUE(site.make()->clean_up(site.task));
  EXPECT_EQ(site.difference_from(before), "");
}

TEST(Webroot, MakesNoPathOfWhatIsNoToken) {
  Site site;
  const auto before = site.disk.dump();
  for (const std::string& bad :
       {std::string(), std::string(".."), std::string("../x"), std::string("a/b"), std::string("a.b"),
        std::string("a=="), std::string("a\0b", 3), std::string(129, 'a')}) {
    const auto presented = site.solver->present(make_task(bad));
    ASSERT_FALSE(presented) << bad;
    EXPECT_EQ(presented.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(site.solver->clean_up(make_task(bad)));
  }
  EXPECT_EQ(site.difference_from(before), "");
}

TEST(Webroot, FollowsTheOperatorsLinkAndNoOther) {
  Site site;
  site.disk.make_directories("/srv/shared");
  site.disk.make_symlink("../shared", "/srv/www/.well-known");
  const auto before = site.disk.dump();
  ASSERT_TRUE(site.solver->present(site.task));
  EXPECT_EQ(site.disk.read_file("/srv/shared/acme-challenge/" + site.task.token), site.task.key_authorization);
  ASSERT_TRUE(site.solver->clean_up(site.task));
  EXPECT_EQ(site.difference_from(before), "");

  site.disk.make_directories("/etc/secret");
  site.disk.make_symlink("/etc/secret", "/srv/shared/acme-challenge");
  const auto linked = site.solver->present(site.task);
  ASSERT_FALSE(linked);
  EXPECT_THAT(linked.error().hint, HasSubstr("ordinary directory"));
  EXPECT_TRUE(site.solver->clean_up(site.task));
}

TEST(Webroot, DoesNotFollowALinkUnderTheTokensName) {
  Site site;
  site.disk.make_directories(kFolder);
  site.disk.write_file("/etc-passwd", "root");
  site.disk.make_symlink("/etc-passwd", site.file);
  EXPECT_FALSE(site.solver->present(site.task));
  EXPECT_EQ(site.disk.read_file("/etc-passwd"), "root");
}

TEST(Webroot, SaysBeforeAnyOrderThatTheFolderIsMissing) {
  Site site;
  const auto missing = make_webroot(site.machine.runtime, "/srv/nowhere");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("/srv/nowhere"));
  EXPECT_THAT(missing.error().hint, HasSubstr("--webroot DIR"));
}

TEST(Webroot, ServesSeveralOrdersAndProcessesAtOnce) {
  const lockstep::testing::TemporaryDirectory top;
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  durable::Runtime runtime{files, clock, random};
  // As two processes: neither knows of the other's directories.
  auto one = make_webroot(runtime, top.path(""));
  auto two = make_webroot(runtime, top.path(""));
  ASSERT_TRUE(one && two);
  std::vector<std::jthread> orders;
  for (int order = 0; order < 4; ++order) {
    orders.emplace_back([&, order] {
      ChallengeSolver& solver = order % 2 == 0 ? **one : **two;
      for (int round = 0; round < 20; ++round) {
        const ChallengeTask task = make_task("t" + std::to_string(order) + "-" + std::to_string(round));
        const auto presented = solver.present(task);
        EXPECT_TRUE(presented) << presented.error().message;
        EXPECT_EQ(top.read(".well-known/acme-challenge/" + task.token), task.key_authorization);
        EXPECT_TRUE(solver.clean_up(task));
      }
    });
  }
}

}  // namespace
}  // namespace lockstep::acme
