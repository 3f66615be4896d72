// The intent record: only what a publish could have written is acted on.
#include "durable/intent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::durable {
namespace {

using ::testing::HasSubstr;

const std::string kOld(64, 'a');
const std::string kNew(64, 'b');

Intent two_targets() {
  return {.state = IntentState::commit,
          .targets = {{.directory = "/etc/app",
                       .name = "app.key",
                       .temporary = ".app.key.aaaaaa.tmp",
                       .backup = ".app.key.bbbbbb.tmp",
                       .old_sha256 = kOld,
                       .new_sha256 = kNew},
                      {.directory = "/etc/app",
                       .name = "app.crt",
                       .temporary = ".app.crt.aaaaaa.tmp",
                       .backup = {},
                       .old_sha256 = {},
                       .new_sha256 = kNew}}};
}

std::string refusal(const Intent& intent) {
  const auto parsed = parse_intent(encode_intent(intent), "input");
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Intent, WhatWasWrittenReadsBack) {
  const std::string text = encode_intent(two_targets());
  const auto parsed = parse_intent(text, "input");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(encode_intent(*parsed), text);
}

TEST(Intent, ItSaysWhetherNamesWereExchanged) {
  Intent intent = two_targets();
  EXPECT_THAT(encode_intent(intent), ::testing::Not(HasSubstr("keep_edits")));
  EXPECT_FALSE(parse_intent(encode_intent(intent), "input").value().keep_edits);
  intent.keep_edits = true;
  EXPECT_TRUE(parse_intent(encode_intent(intent), "input").value().keep_edits);
}

TEST(Intent, OneNameInTwoDirectoriesIsTwoFiles) {
  Intent intent = two_targets();
  intent.targets[1] = intent.targets[0];
  intent.targets[1].directory = "/etc/other";
  EXPECT_EQ(refusal(intent), "accepted");
}

TEST(Intent, ATargetThatStandsTwiceIsRefused) {
  Intent intent = two_targets();
  intent.targets[1] = intent.targets[0];
  EXPECT_THAT(refusal(intent), HasSubstr("a name that stands for two files"));
}

TEST(Intent, ATemporaryThatIsTheBackupAsWellIsRefused) {
  Intent intent = two_targets();
  intent.targets[0].backup = intent.targets[0].temporary;
  EXPECT_THAT(refusal(intent), HasSubstr("a name that stands for two files"));
}

TEST(Intent, ATemporaryOfAnotherFileIsRefused) {
  Intent intent = two_targets();
  intent.targets[1].temporary = ".app.key.cccccc.tmp";
  EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written"));
}

TEST(Intent, ABackupOfAnotherFileIsRefused) {
  Intent intent = two_targets();
  intent.targets[0].backup = ".app.crt.cccccc.tmp";
  EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written"));
}

TEST(Intent, WhatIsNoChecksumIsRefused) {
  // An empty text in particular: it is what anything but a regular file was compared as.
  for (const std::string& sum : {std::string(), std::string(63, 'a'), std::string(64, 'A'), std::string(65, 'a')}) {
    Intent intent = two_targets();
    intent.targets[0].new_sha256 = sum;
    EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written")) << sum;
    intent = two_targets();
    intent.targets[0].old_sha256 = sum;
    EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written")) << sum;
  }
}

TEST(Intent, ADirectoryThatIsNotResolvedIsRefused) {
  for (const char* directory : {"/etc/app/../keys", "/etc/./app", "/etc//app", "/etc/app/", "etc/app", "", "//"}) {
    Intent intent = two_targets();
    intent.targets[1].directory = directory;
    EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written")) << directory;
  }
  Intent intent = two_targets();
  intent.targets[1].directory = "/";
  EXPECT_EQ(refusal(intent), "accepted");
}

TEST(Intent, PathsOutsideOfTheDirectoryAreRefused) {
  for (const char* name : {"..", ".", "", "a/b", "../app.key", "/etc/passwd"}) {
    Intent intent = two_targets();
    intent.targets[0].name = name;
    EXPECT_THAT(refusal(intent), HasSubstr("a name or checksum that no publish would have written")) << name;
  }
}

}  // namespace
}  // namespace lockstep::durable
