#include "fs/directory_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lockstep::fs {
namespace {

using std::chrono::milliseconds;

TEST(DirectoryWatch, TellsOfTheNamesThatAreAskedFor) {
  const std::filesystem::path directory = std::filesystem::path(::testing::TempDir()) / "directory_watch";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  auto watch = DirectoryWatch::open({directory});
  ASSERT_TRUE(watch) << watch.error().message;
  // Reads events until the name that was asked for is among them, or none is left.
  const auto told = [&](const char* name) {
    bool seen = false;
    for (int i = 0; i < 10 && !seen; ++i) seen = (*watch)->wait({name}, milliseconds(0)).value();
    return seen;
  };
  EXPECT_FALSE(told("a"));
  std::ofstream(directory / "b") << "x";
  EXPECT_FALSE(told("a"));
  std::ofstream(directory / "a") << "x";
  EXPECT_TRUE((*watch)->wait({"a"}, milliseconds(5000)).value());
  std::filesystem::rename(directory / "b", directory / "a");
  EXPECT_TRUE(told("a"));
  std::filesystem::remove(directory / "a");
  EXPECT_TRUE(told("a"));
  EXPECT_FALSE(DirectoryWatch::open({(directory / "none").string()}));
}

}  // namespace
}  // namespace lockstep::fs
