// Digests against the examples of FIPS 180-4 and RFC 6234.
#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "base/hex.h"

namespace lockstep::crypto {
namespace {

struct Vector {
  std::string text;
  const char* sha256;
  const char* sha1;
};

const Vector kVectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
     "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
};

TEST(Digest, KnownVectors) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(sha256_hex(vector.text), vector.sha256);
    EXPECT_EQ(hex_encode(sha1(vector.text)), vector.sha1);
  }
}

TEST(Digest, PiecesMakeTheSameAsTheWhole) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string bytes(random() % 1000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() & 0xffU);
    Sha256 digest;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const std::size_t count = 1 + random() % 130;
      digest.update(rest.substr(0, count));
      rest.remove_prefix(std::min<std::size_t>(count, rest.size()));
    }
    EXPECT_EQ(digest.finish_hex(), sha256_hex(bytes));
  }
}

TEST(Digest, ACopyGoesItsOwnWay) {
  Sha256 common;
  common.update("a");
  Sha256 copy(common);
  Sha256 assigned;
  assigned.update("other");
  assigned = common;
  common.update("bc");
  copy.update("xy");
  assigned.update("bc");
  EXPECT_EQ(common.finish_hex(), sha256_hex("abc"));
  EXPECT_EQ(copy.finish_hex(), sha256_hex("axy"));
  EXPECT_EQ(assigned.finish_hex(), sha256_hex("abc"));
}

TEST(Digest, AMoveKeepsWhatWasHashed) {
  Sha256 first;
  first.update("ab");
  Sha256 second(std::move(first));
  second.update("c");
  Sha256 third;
  third = std::move(second);
  EXPECT_EQ(hex_encode(third.finish_raw()), sha256_hex("abc"));
}

}  // namespace
}  // namespace lockstep::crypto
