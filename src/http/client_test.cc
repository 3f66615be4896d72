#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::http {
namespace {

TEST(Url, WhichMayBeUsed) {
  for (const char* url :
       {"https://acme.example/dir", "https://[::1]:14000/dir", "https://a.example:8443?x=1", "HTTPS://a"})
    EXPECT_TRUE(check_url(url, false).has_value()) << url;
  for (const char* url : {"http://acme.example/dir", "http://127.0.0.1/", "ftp://a/", "https://", "https://:443/",
                          "https:///x", "//a/b", "file:///etc/passwd", "https://user@a/", "https://a/#f", "https://a /",
                          "https://a\n/", "", "https", "https://a\\b/"})
    EXPECT_FALSE(check_url(url, false).has_value()) << url;
  EXPECT_FALSE(check_url("https://a/" + std::string(2000, 'x'), false).has_value());
}

TEST(Url, PlainHttpIsForThisMachineOnly) {
  for (const char* url : {"http://127.0.0.1:5002/x", "http://localhost/", "http://[::1]:80/", "http://127.9.9.9/"})
    EXPECT_TRUE(check_url(url, true).has_value()) << url;
  for (const char* url : {"http://127.0.0.1.example.com/", "http://localhost.example/", "http://10.0.0.1/",
                          "http://1270.0.0.1/", "http://127.0.1/", "http://localhost@evil.example/"})
    EXPECT_FALSE(check_url(url, true).has_value()) << url;
}

TEST(RetryAfter, SecondsAndDates) {
  const UnixSeconds now = unix_from_civil({1994, 11, 6, 8, 49, 7});
  EXPECT_EQ(parse_retry_after("120", now), 120);
  EXPECT_EQ(parse_retry_after(" 0 ", now), 0);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 30);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 1000), 0);
  for (const char* text : {"", "-1", "1.5", "soon", "9999999999999", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun, 66 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_retry_after(text, now), std::nullopt) << text;
}

TEST(Link, TargetsOfARelation) {
  Response response;
  response.headers = {{"link", "<https://a/dir>;rel=\"index\""},
                      {"link", R"(<https://a/alt/1>; rel="alternate", <https://a/alt/2,x>;title="a, b";rel=alternate)"},
                      {"other", "<https://a/no>;rel=\"alternate\""},
                      {"link", "<https://a/both>; REL=\"up Alternate\""},
                      {"link", "<unfinished; rel=alternate"},
                      {"link", ""}};
  EXPECT_THAT(links(response, "alternate"),
              ::testing::ElementsAre("https://a/alt/1", "https://a/alt/2,x", "https://a/both"));
  EXPECT_THAT(links(response, "index"), ::testing::ElementsAre("https://a/dir"));
  EXPECT_EQ(response.header("other"), "<https://a/no>;rel=\"alternate\"");
  EXPECT_EQ(response.header("missing"), "");
}

}  // namespace
}  // namespace lockstep::http
