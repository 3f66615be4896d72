// Results and errors: what TRY hands on, what it must not run, and the names that scripts rely on.
#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

namespace lockstep {
namespace {

Result<int> parse(int value) {
  if (value < 0) return fail(ErrorCode::parse_error, "negative", "give a positive one");
  return value;
}

Result<std::string> twice(int value, bool* reached) {
  const int parsed = TRY(parse(value));
  *reached = true;
  return std::to_string(parsed * 2);
}

Status check(int value, bool* reached) {
  TRY(parse(value));
  *reached = true;
  return {};
}

Result<int> with_context(int value) {
  const int parsed = TRY_CONTEXT(parse(value), "line " + std::to_string(7));
  return parsed + 1;
}

Result<std::unique_ptr<int>> make(bool works) {
  if (!works) return fail(ErrorCode::no_space, "full");
  return std::make_unique<int>(5);
}

Result<int> take_moved(bool works) {
  const std::unique_ptr<int> made = TRY(make(works));
  return *made;
}

struct Counter {
  explicit Counter(int* count) : count_(count) { ++*count_; }
  Counter(const Counter& other) : count_(other.count_) { ++*count_; }
  Counter& operator=(const Counter&) = delete;
  ~Counter() { --*count_; }
  int* count_;
};

Result<Counter> counted(int* count, bool works) {
  Counter counter(count);
  if (!works) return fail(ErrorCode::io_error, "no");
  return counter;
}

Status use_counted(int* count, bool works) {
  const Counter kept = TRY(counted(count, works));
  EXPECT_GE(*count, 1);
  return {};
}

TEST(Result, TryYieldsTheValue) {
  bool reached = false;
  const auto result = twice(21, &reached);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "42");
  EXPECT_TRUE(reached);
}

TEST(Result, TryReturnsTheWholeErrorAndRunsNothingAfterIt) {
  bool reached = false;
  const auto result = twice(-1, &reached);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::parse_error);
  EXPECT_EQ(result.error().message, "negative");
  EXPECT_EQ(result.error().hint, "give a positive one");
  EXPECT_FALSE(reached);
}

TEST(Result, TryIsAStatementToo) {
  bool reached = false;
  EXPECT_FALSE(check(-1, &reached));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(check(1, &reached));
  EXPECT_TRUE(reached);
}

TEST(Result, TryContextNamesWhatWasDone) {
  const auto failed = with_context(-1);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "line 7: negative");
  EXPECT_EQ(failed.error().hint, "give a positive one");
  EXPECT_EQ(with_context(4).value(), 5);
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  EXPECT_EQ(take_moved(true).value(), 5);
  EXPECT_EQ(take_moved(false).error().code, ErrorCode::no_space);
}

TEST(Result, TryLosesNoObject) {
  int count = 0;
  EXPECT_TRUE(use_counted(&count, true));
  EXPECT_EQ(count, 0);
  EXPECT_FALSE(use_counted(&count, false));
  EXPECT_EQ(count, 0);
}

TEST(Error, ContextsStackFromTheOutside) {
  const Error error = Error{ErrorCode::damaged, "bad byte", {}, 0}.with_context("record 3").with_context("ledger");
  EXPECT_EQ(error.message, "ledger: record 3: bad byte");
  EXPECT_EQ(error.code, ErrorCode::damaged);
}

TEST(Error, TheFirstHintStays) {
  const Error error = Error{}.with_hint("specific").with_hint("general");
  EXPECT_EQ(error.hint, "specific");
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  const int last = static_cast<int>(ErrorCode::internal);
  for (int code = 0; code <= last; ++code) {
    const std::string_view name = error_code_name(static_cast<ErrorCode>(code));
    EXPECT_TRUE(names.insert(name).second) << "named twice: " << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
  }
  // These are printed for scripts and must not change.
  EXPECT_EQ(error_code_name(ErrorCode::csr_signature), "csr_signature");
  EXPECT_EQ(error_code_name(ErrorCode::already_initialized), "already_initialized");
}

TEST(Error, OnlyUsageExitsWithTwo) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto value = static_cast<ErrorCode>(code);
    EXPECT_EQ(exit_status(value), value == ErrorCode::usage ? 2 : 1) << error_code_name(value);
  }
}

struct ErrnoCase {
  int value;
  ErrorCode code;
};

TEST(Error, ErrnoDecidesTheCode) {
  const ErrnoCase cases[] = {
      {ENOENT, ErrorCode::not_found},
      {EEXIST, ErrorCode::already_exists},
      {EACCES, ErrorCode::permission_denied},
      {EPERM, ErrorCode::permission_denied},
      {EROFS, ErrorCode::permission_denied},
      {ENOSPC, ErrorCode::no_space},
      {EDQUOT, ErrorCode::no_space},
      {EMFILE, ErrorCode::resource_exhausted},
      {ENFILE, ErrorCode::resource_exhausted},
      {ENOMEM, ErrorCode::resource_exhausted},
      {EIO, ErrorCode::io_error},
      {EXDEV, ErrorCode::io_error},
      {99999, ErrorCode::io_error},
  };
  for (const ErrnoCase& example : cases) {
    const Error error = system_error(example.value, "cannot open 'x'");
    EXPECT_EQ(error.code, example.code) << example.value;
    EXPECT_EQ(error.system_errno, example.value);
    EXPECT_EQ(error.message.rfind("cannot open 'x': ", 0), 0U) << error.message;
    EXPECT_GT(error.message.size(), std::string("cannot open 'x': ").size());
  }
  EXPECT_FALSE(system_error(ENOSPC, "x").hint.empty());
  EXPECT_TRUE(system_error(ENOENT, "x").hint.empty());
}

TEST(ErrorDeathTest, CheckNamesTheCondition) {
  EXPECT_DEATH(LOCKSTEP_CHECK(1 + 1 == 3), "internal check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace lockstep
