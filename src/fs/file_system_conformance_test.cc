// The same calls on the real kernel and on the simulation must give the same answers: what tests prove on the
// simulation then holds for the product.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "fs/conformance_cases.h"
#include "fs/posix_file_system.h"
#include "testing/sim_file_system.h"

namespace lockstep::fs {
namespace {

std::vector<Case> all_cases() {
  std::vector<Case> all = opening_cases();
  for (auto& each : naming_cases()) all.push_back(each);
  for (auto& each : content_cases()) all.push_back(each);
  return all;
}

class UmaskGuard {
 public:
  UmaskGuard() : old_(::umask(022)) {}
  ~UmaskGuard() { ::umask(old_); }
  UmaskGuard(const UmaskGuard&) = delete;
  UmaskGuard& operator=(const UmaskGuard&) = delete;

 private:
  mode_t old_;
};

TEST(FileSystemConformance, PosixAnswersAsExpected) {
  const UmaskGuard umask;
  for (const Case& each : all_cases()) {
    SCOPED_TRACE(each.name);
    std::string folder = (std::filesystem::temp_directory_path() / "lockstep-fs-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    PosixFileSystem file_system;
    auto root = file_system.open_directory(folder);
    ASSERT_TRUE(root) << root.error().message;
    Context context{file_system, **root};
    EXPECT_EQ(each.act(context), each.expected);
    std::filesystem::remove_all(folder);
  }
}

TEST(FileSystemConformance, SimulationAnswersAsExpected) {
  for (const Case& each : all_cases()) {
    SCOPED_TRACE(each.name);
    testing::SimFileSystem file_system;
    file_system.make_directories("/tmp/folder");
    auto root = file_system.open_directory("/tmp/folder");
    ASSERT_TRUE(root) << root.error().message;
    Context context{file_system, **root};
    EXPECT_EQ(each.act(context), each.expected);
  }
}

TEST(PosixFileSystem, ErrorsNameOperationAndPath) {
  PosixFileSystem file_system;
  auto root = file_system.open_directory("/");
  ASSERT_TRUE(root);
  const auto missing = (*root)->open_file("no such file", OpenMode::read);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().system_errno, ENOENT);
  EXPECT_EQ(missing.error().message.find("cannot open '/no such file'"), 0U) << missing.error().message;
}

TEST(PosixFileSystem, FifoDoesNotHang) {
  std::string folder = (std::filesystem::temp_directory_path() / "lockstep-fs-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  PosixFileSystem file_system;
  auto root = file_system.open_directory(folder);
  const auto in_directory = (*root)->open_file("fifo", OpenMode::read);
  ASSERT_TRUE(in_directory);
  EXPECT_EQ((*in_directory)->stat()->type, FileType::other);
  const auto by_path = file_system.open_for_reading(folder + "/fifo");
  ASSERT_TRUE(by_path);
  EXPECT_EQ((*by_path)->stat()->type, FileType::other);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lockstep::fs
