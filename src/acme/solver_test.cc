#include "acme/solver.h"

#include <gtest/gtest.h>

namespace lockstep::acme {
namespace {

// SHA-256 of "abc" (FIPS 180-2, appendix B.1) in base64url.
TEST(Solver, MakesTheValueOfTheRecord) {
  EXPECT_EQ(dns_record_value("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

}  // namespace
}  // namespace lockstep::acme
