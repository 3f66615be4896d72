#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace lockstep::crypto {
namespace {

// RFC 4231 section 4.3.
TEST(HmacSha2, GivesThePublishedValues) {
  const auto of = [](HmacDigest digest) { return hex_encode(*hmac(digest, "Jefe", "what do ya want for nothing?")); };
  EXPECT_EQ(of(HmacDigest::sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(of(HmacDigest::sha384),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(of(HmacDigest::sha512),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
            "caeab1a34d4a6b4b636e070a38bce737");
}

TEST(HmacSha2, ComparesSecrets) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_TRUE(equal_secrets("", ""));
  EXPECT_FALSE(equal_secrets("abc", "abd"));
  EXPECT_FALSE(equal_secrets("abc", "ab"));
}

}  // namespace
}  // namespace lockstep::crypto
