// What a terminal shows of a run: bounded in both directions whatever is said.
#include "cli/progress_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ProgressBoard, WhoIsUnderWayAndWhatIsDoneForThem) {
  ProgressBoard board;
  board.begin(3);
  EXPECT_THAT(board.lines({}), ElementsAre("0 of 3 done"));
  for (const char* domain : {"a.example", "longer.example", "c.example"}) board.start(domain);
  EXPECT_TRUE(board.say("longer.example", "sending the request"));
  EXPECT_TRUE(board.say("a.example", "ordering"));
  EXPECT_FALSE(board.say("z.example", "nobody knows it"));
  EXPECT_THAT(board.lines({}), ElementsAre("0 of 3 done, 2 under way", "  a.example       ordering",
                                           "  longer.example  sending the request"));
  EXPECT_TRUE(board.finish("a.example", true));
  EXPECT_FALSE(board.finish("c.example", false)) << "it was not due, and never shown";
  EXPECT_THAT(board.lines({}),
              ElementsAre("2 of 3 done, 1 failed, 1 under way", "  longer.example  sending the request"));
  EXPECT_TRUE(board.finish("longer.example", false));
  EXPECT_THAT(board.lines({}), ElementsAre("3 of 3 done, 1 failed"));
}

TEST(ProgressBoard, OneAloneIsOneLine) {
  ProgressBoard board;
  board.begin(1);
  EXPECT_THAT(board.lines({}), IsEmpty());
  board.start("a.example");
  EXPECT_THAT(board.lines({}), IsEmpty());
  board.say("a.example", "ordering");
  EXPECT_THAT(board.lines({}), ElementsAre("a.example  ordering"));
}

TEST(ProgressBoard, NeverMoreThanTheTerminalHolds) {
  for (const std::size_t under_way : {1U, 4U, 9U, 10U, 11U, 64U}) {
    ProgressBoard board;
    board.begin(1000);
    for (std::size_t i = 0; i < under_way; ++i) {
      const std::string domain = std::string(i % 60, 'x') + std::to_string(i) + ".example";
      board.start(domain);
      board.say(domain, "waiting for the CA to check \xc3\xa4\xe2\x82\xac\x1b[31m and so on " + std::string(100, 'y'));
    }
    for (const std::size_t columns : {0U, 1U, 2U, 10U, 20U, 40U, 80U, 200U}) {
      for (const std::size_t rows : {0U, 1U, 3U, 5U, 24U, 100U}) {
        const std::vector<std::string> lines = board.lines({.columns = columns, .rows = rows});
        EXPECT_LE(lines.size(), std::max<std::size_t>(rows, 3) - 1) << columns << "x" << rows;
        EXPECT_LE(lines.size(), 11U);
        for (const std::string& line : lines) {
          EXPECT_LE(line.size(), std::max<std::size_t>(columns, 2) - 1);
          for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7f) << line;
        }
      }
    }
  }
}

TEST(ProgressBoard, HowManyMoreThereAre) {
  ProgressBoard board;
  board.begin(20);
  for (int i = 0; i < 12; ++i) {
    board.start("d" + std::to_string(i));
    board.say("d" + std::to_string(i), "ordering");
  }
  const auto lines = board.lines({});
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines.front(), "0 of 20 done, 12 under way");
  EXPECT_EQ(lines.back(), "  and 3 more");
}

}  // namespace
}  // namespace lockstep::cli
