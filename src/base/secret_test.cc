// Secrets: what is left of them in memory after their use.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/random.h"

namespace lockstep {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>, "a copy would be another thing to wipe");
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>, "reveal() is to be seen in the code");

bool all_zero(const char* bytes, std::size_t count) {
  return std::all_of(bytes, bytes + count, [](char c) { return c == 0; });
}

TEST(Secret, WipeClearsTheBufferAndNotOnlyTheLength) {
  std::string bytes(100, 'k');
  const char* buffer = bytes.data();
  const std::size_t capacity = bytes.capacity();
  wipe(bytes);
  EXPECT_TRUE(bytes.empty());
  ASSERT_EQ(bytes.data(), buffer);
  EXPECT_TRUE(all_zero(buffer, capacity));
}

TEST(Secret, WipeClearsWhatALongerContentLeft) {
  std::string bytes(100, 'k');
  const char* buffer = bytes.data();
  bytes.resize(3);
  wipe(bytes);
  ASSERT_EQ(bytes.data(), buffer);
  EXPECT_TRUE(all_zero(buffer, 100));
}

TEST(Secret, WipeClearsAShortString) {
  std::string bytes = "short";
  const char* buffer = bytes.data();
  wipe(bytes);
  EXPECT_TRUE(all_zero(buffer, 5));
}

TEST(Secret, RevealsWhatItWasGiven) {
  const SecretBytes secret(std::string("a\0b", 3));
  EXPECT_EQ(secret.reveal(), std::string_view("a\0b", 3));
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(SecretBytes().empty());
}

TEST(Secret, AMoveLeavesNothingBehind) {
  for (const std::size_t length : {std::size_t{5}, std::size_t{200}}) {
    SecretBytes from(std::string(length, 'k'));
    const char* buffer = from.reveal().data();
    const SecretBytes to(std::move(from));
    EXPECT_EQ(to.reveal(), std::string(length, 'k'));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is left is the question
    EXPECT_TRUE(all_zero(buffer, length));
  }
}

TEST(Secret, AnAssignmentWipesBothSides) {
  for (const std::size_t length : {std::size_t{5}, std::size_t{200}}) {
    SecretBytes from(std::string(length, 'n'));
    SecretBytes to(std::string(length, 'o'));
    const char* buffer = from.reveal().data();
    to = std::move(from);
    EXPECT_EQ(to.reveal(), std::string(length, 'n'));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(all_zero(buffer, length));
  }
}

TEST(Secret, AssigningToItselfKeepsTheSecret) {
  SecretBytes secret(std::string(50, 'k'));
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), std::string(50, 'k'));
}

class CountingRandom : public Random {
 public:
  void fill(std::span<unsigned char> out) override {
    for (unsigned char& byte : out) byte = next_++;
  }

 private:
  unsigned char next_ = 0;
};

TEST(RandomName, HasTheLengthAndOnlyPlainCharacters) {
  CountingRandom random;
  const std::string name = random_name(random, 256);
  EXPECT_EQ(name.size(), 256U);
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789")) {
    EXPECT_NE(name.find(c), std::string::npos) << "never used: " << c;
  }
  EXPECT_EQ(random_name(random, 0), "");
}

}  // namespace
}  // namespace lockstep
