#include "http/header_scan.h"

#include <gtest/gtest.h>

namespace lockstep::http {
namespace {

using State = HeaderScan::State;

State look(const std::string& bytes) { return HeaderScan().look(bytes); }

TEST(HeaderScan, FindsTheEndHoweverTheBytesCome) {
  const std::string header = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
  HeaderScan scan;
  for (std::size_t length = 0; length < header.size(); ++length)
    EXPECT_EQ(scan.look(header.substr(0, length)), State::incomplete) << length;
  EXPECT_EQ(scan.look(header + "body"), State::complete);
  EXPECT_EQ(scan.length(), header.size());
}

TEST(HeaderScan, RefusesWhatParsersReadInDifferentWays) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(look(start + "\r\n"), State::complete);
  EXPECT_EQ(look(start + "Via: x\r\nVia: y\r\n\r\n"), State::complete);
  for (const char* line : {" folded\r\n", "\tfolded\r\n", " X: folded\r\n", "X: y\n", "X: y\r z\r\n", "no colon\r\n",
                           ": no name\r\n", "X : y\r\n", "host: b\r\n", "HOST: b\r\n", "X: \x01\r\n", "X: \x7f\r\n"}) {
    EXPECT_EQ(look(start + line + "\r\n"), State::malformed) << line;
  }
  for (const char* name : {"Content-Length", "content-type", "Authorization", "Transfer-Encoding", "Expect"}) {
    const std::string field = std::string(name) + (std::string(name).starts_with("T") ? ": chunked\r\n" : ": 1\r\n");
    EXPECT_EQ(look(start + field + "\r\n"), State::complete) << name;
    EXPECT_EQ(look(start + field + field + "\r\n"), State::malformed) << name;
  }
  EXPECT_EQ(look(std::string("GET / HTTP/1.1\r\nX: \0\r\n\r\n", 24)), State::malformed);
  HeaderScan folded;
  EXPECT_EQ(folded.look(start + " X: y\r\n\r\n"), State::malformed);
  EXPECT_EQ(folded.reason(), "a header field is folded");
  EXPECT_EQ(look("\x16\x03\x01"), State::malformed);
  EXPECT_EQ(look("\r\nGET / HTTP/1.1\r\n\r\n"), State::malformed);
}

TEST(HeaderScan, TakesNoOtherTransferEncodingThanChunked) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:";
  for (const char* good : {" chunked", "chunked", "\tChunked "})
    EXPECT_EQ(look(start + good + "\r\n\r\n"), State::complete) << good;
  for (const char* bad :
       {" xchunked", " chunked, identity", " gzip, chunked", " identity", "", " chunked,", " \"chunked\""})
    EXPECT_EQ(look(start + bad + "\r\n\r\n"), State::malformed) << bad;
  EXPECT_EQ(look("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), State::malformed);
}

TEST(HeaderScan, KnowsWhatAFieldMayHold) {
  EXPECT_TRUE(is_field_value("a\tb \xc3\xa4"));
  EXPECT_FALSE(is_field_value("a\r\nSet-Cookie: x"));
  EXPECT_FALSE(is_field_value(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace lockstep::http
