#include "durable/piece_fan_out.h"

#include <gtest/gtest.h>

#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

// In the suites that run under the thread sanitizer.
struct ParallelFanOut : ::testing::Test {
  ParallelFanOut() {
    content.resize(5'000'001);
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 1000);
    disk.make_directories("/d");
    disk.write_file("/d/f", content);
    file = *disk.open_for_reading("/d/f");
  }
  testing::SimFileSystem disk;
  std::string content;
  std::unique_ptr<fs::File> file;
};

TEST_F(ParallelFanOut, EveryConsumerSeesTheWholeFileInOrder) {
  std::array<std::string, 3> seen;
  const auto collect = [&](std::size_t i) {
    return [&seen, i](std::string_view piece) -> Status {
      seen[i].append(piece);
      return {};
    };
  };
  ASSERT_TRUE(fan_out_pieces(*file, collect(0), {collect(1), collect(2)}));
  for (const std::string& each : seen) EXPECT_TRUE(each == content);
}

TEST_F(ParallelFanOut, TheErrorOfAConsumerEndsTheReading) {
  std::size_t here = 0;
  std::size_t pieces = 0;
  const Status status = fan_out_pieces(
      *file,
      [&](std::string_view piece) -> Status {
        here += piece.size();
        return {};
      },
      {[](std::string_view) { return Status(); },
       [&](std::string_view) { return ++pieces == 2 ? Status(fail(ErrorCode::damaged, "enough")) : Status(); }});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "enough");
  EXPECT_LT(here, content.size());
}

TEST_F(ParallelFanOut, AnErrorHereLeavesNoThreadBehind) {
  const Status status =
      fan_out_pieces(*file, [](std::string_view) { return Status(fail(ErrorCode::io_error, "here")); },
                     {[](std::string_view) { return Status(); }});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "here");
}

TEST_F(ParallelFanOut, AnErrorOfTheFileIsReported) {
  disk.set_hook([](const testing::Operation& operation) {
    return testing::Verdict{operation.index == 3 ? testing::Verdict::Action::fail : testing::Verdict::Action::proceed,
                            EIO};
  });
  const auto nothing = [](std::string_view) { return Status(); };
  const Status status = fan_out_pieces(*file, nothing, {nothing});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().system_errno, EIO);
}

}  // namespace
}  // namespace lockstep::durable
