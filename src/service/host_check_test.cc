#include "service/host_check.h"

#include <gtest/gtest.h>

namespace lockstep::service {
namespace {

http::ServerRequest request(const std::string& method, const std::string& host, const std::string& origin = {},
                            const std::string& site = {}) {
  http::ServerRequest made;
  made.method = method;
  made.host = host;
  if (!origin.empty()) made.headers.emplace_back("origin", origin);
  if (!site.empty()) made.headers.emplace_back("sec-fetch-site", site);
  return made;
}

std::string verdict(const HostCheck& check, const http::ServerRequest& asked, bool tls = false) {
  const auto refused = check.check(asked, tls);
  return refused ? refused->error : "good";
}

TEST(HostCheck, TakesItsOwnNamesWithAnyPort) {
  const HostCheck check({"Status.example.com", "192.0.2.1", "*.wild.example"});
  for (const char* good : {"localhost", "LOCALHOST:8443", "127.0.0.1:1", "[::1]", "[::1]:8443", "status.example.com",
                           "status.example.com.", "192.0.2.1:443", "a.wild.example"}) {
    EXPECT_EQ(verdict(check, request("GET", good)), "good") << good;
  }
}

TEST(HostCheck, RefusesEveryOther) {
  const HostCheck check({"status.example.com", "*.wild.example"});
  for (const char* bad :
       {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "status.example.com.evil",
        "wild.example", "a.b.wild.example", ".wild.example", "localhost:x", "localhost:123456", "[::1", "[::1]x", "::1",
        "user@localhost", "localhost/", "local host", "0.0.0.0", "2130706433", "localhost\t"}) {
    EXPECT_EQ(verdict(check, request("GET", bad)), "Forbidden host") << bad;
  }
}

TEST(HostCheck, AnOriginMustBeThisServiceItself) {
  const HostCheck check({});
  const auto origin = [&](const char* method, const char* from, bool tls = false) {
    return verdict(check, request(method, "localhost:8443", from), tls);
  };
  EXPECT_EQ(origin("POST", "http://localhost:8443"), "good");
  EXPECT_EQ(origin("POST", "https://localhost:8443", true), "good");
  for (const char* bad : {"https://localhost:8443", "http://localhost", "http://127.0.0.1:8443", "http://evil.example",
                          "null", "http://localhost:8443.evil.example"}) {
    EXPECT_EQ(origin("POST", bad), "Forbidden origin") << bad;
    EXPECT_EQ(origin("GET", bad), "Forbidden origin") << bad;
  }
}

TEST(HostCheck, ABrowserThatSaysSoIsBelievedToActForAnotherSite) {
  const HostCheck check({});
  EXPECT_EQ(verdict(check, request("DELETE", "localhost", "", "cross-site")), "Forbidden origin");
  EXPECT_EQ(verdict(check, request("DELETE", "localhost", "", "same-origin")), "good");
  EXPECT_EQ(verdict(check, request("GET", "localhost", "", "cross-site")), "good");  // a link to the page
}

TEST(HostCheck, NamesCanBeReplaced) {
  HostCheck check({"old.example"});
  check.replace({"new.example"});
  EXPECT_EQ(verdict(check, request("GET", "old.example")), "Forbidden host");
  EXPECT_EQ(verdict(check, request("GET", "new.example")), "good");
}

}  // namespace
}  // namespace lockstep::service
