#include "base/shell.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Shell, APlainWordStaysAsItIs) {
  EXPECT_EQ(shell_word("/srv/certs/_wildcard.example"), "/srv/certs/_wildcard.example");
}

TEST(Shell, WhatAShellWouldTakeApartIsQuoted) {
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("/my ca"), "'/my ca'");
  EXPECT_EQ(shell_word("$(id)"), "'$(id)'");
  EXPECT_EQ(shell_word("it's"), R"('it'\''s')");
}

}  // namespace
}  // namespace lockstep
