// The atomic file on the kernel's file system: what it keeps, what it refuses, and what it leaves behind (nothing).
#include "durable/atomic_file.h"

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
#include "fs/posix_file_system.h"
#include "testing/command.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct AtomicFile : ::testing::Test {
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path("."))) {
      found.push_back(entry.path().filename());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  [[nodiscard]] std::string at(const std::string& name) const { return directory.path(name); }
  struct stat status_of(const std::string& name) {
    struct stat status{};
    EXPECT_EQ(::lstat(at(name).c_str(), &status), 0);
    return status;
  }

  TemporaryDirectory directory;
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  Runtime runtime{files, clock, random};
};

using Parallel = AtomicFile;

TEST_F(AtomicFile, MakesANewFilePrivate) {
  ASSERT_TRUE(atomic_write_text(runtime, at("new"), "text"));
  EXPECT_EQ(content_of(at("new")), "text");
  EXPECT_EQ(status_of("new").st_mode & 07777U, 0600U);
  EXPECT_THAT(names(), ElementsAre("new"));
}

TEST_F(AtomicFile, OverwritesWithANewInode) {
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), "old"));
  const auto before = status_of("file").st_ino;
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), ""));
  EXPECT_EQ(content_of(at("file")), "");
  EXPECT_NE(status_of("file").st_ino, before);
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(AtomicFile, KeepsModeAndOwnerOfTheFileItReplaces) {
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), "old"));
  ASSERT_EQ(::chmod(at("file").c_str(), 0640), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(at("file").c_str(), 1234, 4321), 0);
  }
  const auto before = status_of("file");
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), "new"));
  EXPECT_EQ(status_of("file").st_mode, before.st_mode);
  EXPECT_EQ(status_of("file").st_uid, before.st_uid);
  EXPECT_EQ(status_of("file").st_gid, before.st_gid);
}

TEST_F(AtomicFile, SetsTheModeAskedForWhateverTheUmask) {
  const auto umask_before = ::umask(0777);
  const Status written = atomic_write_text(runtime, at("file"), "x", {.mode = 0664});
  ::umask(umask_before);
  ASSERT_TRUE(written);
  EXPECT_EQ(status_of("file").st_mode & 07777U, 0664U);
}

TEST_F(AtomicFile, WritesTenMegabytesOfAnyBytes) {
  std::string bytes(10U * 1024U * 1024U, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131);
  ASSERT_TRUE(atomic_write_bytes(runtime, at("large"), bytes));
  EXPECT_TRUE(content_of(at("large")) == bytes);
}

TEST_F(AtomicFile, TextIsUtf8WithoutNul) {
  for (const std::string_view bad :
       {std::string_view("a\0b", 3), std::string_view("\xff"), std::string_view("\xc0\x80")}) {
    const Status status = atomic_write_text(runtime, at("file"), bad);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(AtomicFile, FollowsALinkAndReplacesWhatItLeadsTo) {
  ASSERT_EQ(::mkdir(at("real").c_str(), 0700), 0);
  ASSERT_TRUE(atomic_write_text(runtime, at("real/file"), "old"));
  ASSERT_EQ(::symlink("real/file", at("link").c_str()), 0);
  ASSERT_TRUE(atomic_write_text(runtime, at("link"), "new"));
  EXPECT_EQ(content_of(at("real/file")), "new");
  EXPECT_TRUE(S_ISLNK(status_of("link").st_mode));
}

TEST_F(AtomicFile, WithoutReplaceRefusesAnExistingTarget) {
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), "old"));
  const Status status = atomic_write_text(runtime, at("file"), "new", {.replace = false});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::already_exists);
  EXPECT_EQ(content_of(at("file")), "old");
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(AtomicFile, RefusesADirectoryAndAMissingOne) {
  ASSERT_EQ(::mkdir(at("directory").c_str(), 0700), 0);
  for (const char* name : {"directory", "missing/file", ".", ".."}) {
    const Status status = atomic_write_text(runtime, at(name), "x");
    ASSERT_FALSE(status) << name;
    EXPECT_FALSE(status.error().message.empty());
  }
  EXPECT_THAT(names(), ElementsAre("directory"));
}

TEST_F(AtomicFile, ErrorsNameTheFile) {
  const Status status = atomic_write_text(runtime, at("missing/file"), "x");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("missing"));
}

TEST_F(AtomicFile, RemovesAndIsContentWithAbsence) {
  ASSERT_TRUE(atomic_write_text(runtime, at("file"), "x"));
  ASSERT_TRUE(remove_if_exists(runtime, at("file")));
  ASSERT_TRUE(remove_if_exists(runtime, at("file")));
  EXPECT_TRUE(names().empty());
}

// Every writer writes its own letter, many times; every reader must see one letter, at full length.
constexpr std::size_t kLength = 64U * 1024U;
constexpr int kRounds = 12;

bool is_whole(const std::string& content) {
  return content.size() == kLength && content.find_first_not_of(content[0]) == std::string::npos;
}

TEST_F(Parallel, SixteenThreadsOnOneName) {
  ASSERT_TRUE(atomic_write_bytes(runtime, at("file"), std::string(kLength, 'x')));
  std::atomic<int> torn = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < kRounds; ++round) {
          const Status written =
              atomic_write_bytes(runtime, at("file"), std::string(kLength, static_cast<char>('a' + i)));
          EXPECT_TRUE(written) << written.error().message;
          if (!is_whole(content_of(at("file")))) ++torn;
        }
      });
    }
  }
  EXPECT_EQ(torn, 0);
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(Parallel, EightProcessesOnOneName) {
  ASSERT_TRUE(atomic_write_bytes(runtime, at("file"), std::string(kLength, 'x')));
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      bool good = true;
      for (int round = 0; round < kRounds; ++round) {
        good = good && atomic_write_bytes(runtime, at("file"), std::string(kLength, static_cast<char>('a' + i)));
        good = good && is_whole(content_of(at("file")));
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
  EXPECT_THAT(names(), ElementsAre("file"));
}

}  // namespace
}  // namespace lockstep::durable
