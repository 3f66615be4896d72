#include "fs/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/system.h"
#include "testing/command.h"

namespace lockstep::fs {
namespace {

using lockstep::testing::TemporaryDirectory;
using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// Where a process of a test waits, however long that takes, until it is let through: it opens a FIFO that nobody
// writes.
class Gate {
 public:
  explicit Gate(const std::string& path) : path_(path) { EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { ::close(::open(path_.c_str(), O_RDWR | O_CLOEXEC)); }  // whoever waits goes on
  // The shell's words for waiting.
  [[nodiscard]] std::string wait() const { return "(read -r line < " + path_ + ")"; }

 private:
  std::string path_;
};

class Program : public ::testing::Test {
 protected:
  Result<ProgramResult> run(ProgramCall call) { return runner_.run(call); }
  // Only the test decides that it goes through a shell.
  ProgramResult shell(const std::string& script, ProgramCall call = {}) {
    call.arguments = {"sh", "-c", script};
    auto result = run(std::move(call));
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : ProgramResult{};
  }

  SystemClock clock_;
  PosixProgramRunner runner_{clock_};
};

TEST_F(Program, GivesStatusAndBothOutputs) {
  const ProgramResult good = shell("echo out; echo err >&2");
  EXPECT_TRUE(good.succeeded());
  EXPECT_EQ(good.output, "out\nerr\n");
  EXPECT_EQ(good.describe(), "exited with 0");
  const ProgramResult bad = shell("exit 3");
  EXPECT_FALSE(bad.succeeded());
  EXPECT_EQ(bad.exit_status, 3);
  EXPECT_EQ(bad.describe(), "exited with 3");
}

TEST_F(Program, TellsASignal) {
  const ProgramResult result = shell("kill -9 $$");
  EXPECT_FALSE(result.succeeded());
  EXPECT_EQ(result.exit_status, -1);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_EQ(result.describe(), "was ended by signal 9");
}

TEST_F(Program, PassesArgumentsAsTheyAre) {
  const auto result = run({.arguments = {"printf", "%s|", "a b", "$HOME", "`id`", "*", "", ";", "'"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "a b|$HOME|`id`|*||;|'|");
}

TEST_F(Program, AddsToTheEnvironment) {
  ASSERT_EQ(::setenv("LOCKSTEP_TEST_OLD", "old", 1), 0);
  ASSERT_EQ(::setenv("LOCKSTEP_TEST_BOTH", "old", 1), 0);
  const ProgramResult result = shell("echo $LOCKSTEP_TEST_OLD $LOCKSTEP_TEST_BOTH \"$NEW\"",
                                     {.environment = {{"LOCKSTEP_TEST_BOTH", "new"}, {"NEW", "a=b c"}}});
  EXPECT_EQ(result.output, "old new a=b c\n");
}

TEST_F(Program, HasNoInputAndNothingOfOurs) {
  const TemporaryDirectory top;
  const std::string path = top.write("lock", "");
  // Deliberately without close-on-exec.
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  EXPECT_EQ(shell("wc -c").output, "0\n");
  EXPECT_EQ(shell("ls /proc/$$/fd").output, "0\n1\n2\n");
  // A child that stays does not keep the lock when we give it up.
  const Gate gate(top.path("gate"));
  EXPECT_TRUE(shell(gate.wait() + " > /dev/null 2>&1 &").succeeded());
  ::close(descriptor);
  const int again = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(::flock(again, LOCK_EX | LOCK_NB), 0);
  ::close(again);
}

TEST_F(Program, KeepsTheLastOfMuchOutput) {
  const ProgramResult result = shell("yes 0123456789 | head -n 200000; echo the end", {.output_limit = 1000});
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), 1000U);
  EXPECT_THAT(result.output, EndsWith("0123456789\nthe end\n"));
}

TEST_F(Program, EndsTheWholeGroupWhenTimeIsUp) {
  const TemporaryDirectory top;
  const Gate gate(top.path("gate"));
  const ProgramResult result =
      shell("trap 'echo told; exit 0' TERM; " + gate.wait() + " & echo $! > " + top.path("pid") + "; wait",
            {.timeout = milliseconds(300)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.succeeded());
  EXPECT_THAT(result.output, HasSubstr("told"));
  EXPECT_THAT(result.describe(), HasSubstr("was ended after "));
  // It ends by the same signal; whoever adopts it may need a moment to take note.
  const std::string stat = "/proc/" + std::to_string(std::stoi(top.read("pid"))) + "/stat";
  const auto alive = [&] {
    std::string text;
    std::getline(std::ifstream(stat), text);
    return !text.empty() && text.find(") Z") == std::string::npos;
  };
  while (alive()) std::this_thread::yield();
}

TEST_F(Program, KillsWhatDoesNotListen) {
  const TemporaryDirectory top;
  const Gate gate(top.path("gate"));
  const ProgramResult result =
      shell("trap '' TERM; while :; do " + gate.wait() + "; done", {.timeout = milliseconds(100)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_GE(result.duration, milliseconds(5'000));
}

TEST_F(Program, DoesNotWaitForAChildThatHoldsTheOutput) {
  const TemporaryDirectory top;
  const Gate gate(top.path("gate"));
  const ProgramResult result =
      shell("echo before; " + gate.wait() + " & echo after", {.timeout = milliseconds(30'000)});
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output, "before\nafter\n");
}

TEST_F(Program, SaysWhyItCannotStart) {
  const TemporaryDirectory top;
  for (const std::string& name : {top.path("missing"), std::string("lockstep-test-no-such-program")}) {
    const auto missing = run({.arguments = {name}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_THAT(missing.error().message, HasSubstr("'" + name + "'"));
  }
  const auto plain = run({.arguments = {top.write("plain", "#!/bin/sh\n")}});
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(plain.error().hint, HasSubstr("chmod +x"));
  const std::string headless = top.write("headless", "echo no interpreter\n");
  std::filesystem::permissions(headless, std::filesystem::perms::owner_all);
  EXPECT_FALSE(run({.arguments = {headless}}));
  EXPECT_FALSE(run({.arguments = {}}));
  EXPECT_FALSE(run({.arguments = {""}}));
  EXPECT_FALSE(run({.arguments = {"echo", std::string("a\0b", 3)}}));
  EXPECT_FALSE(run({.arguments = {"echo"}, .environment = {{"a=b", "c"}}}));
}

TEST_F(Program, IsLookedForBeforeItIsNeeded) {
  const TemporaryDirectory top;
  EXPECT_TRUE(runner_.check("sh"));
  EXPECT_TRUE(runner_.check("/bin/sh"));
  EXPECT_EQ(runner_.check("lockstep-test-no-such-program").error().code, ErrorCode::not_found);
  EXPECT_EQ(runner_.check(top.path("missing")).error().code, ErrorCode::not_found);
  EXPECT_EQ(runner_.check(top.write("plain", "#!/bin/sh\n")).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(runner_.check("/").error().code, ErrorCode::permission_denied);
  EXPECT_EQ(runner_.check("").error().code, ErrorCode::invalid_argument);
}

TEST_F(Program, RunsInSeveralThreads) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 10; ++round) {
        const std::string word = std::to_string(thread) + "-" + std::to_string(round);
        const auto result = run({.arguments = {"echo", word}});
        ASSERT_TRUE(result);
        EXPECT_EQ(result->output, word + "\n");
      }
    });
  }
}

}  // namespace
}  // namespace lockstep::fs
