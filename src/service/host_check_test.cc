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

TEST(HostCheck, AProxyMayEndTls) {
  const HostCheck check({"own.example"}, {"Status.example.com.", "*.wild.example"});
  const auto origin = [&](const char* host, const char* from, bool tls = false) {
    return verdict(check, request("POST", host, from), tls);
  };
  for (const char* good :
       {"https://status.example.com", "http://status.example.com", "https://status.example.com:8443"}) {
    EXPECT_EQ(origin("status.example.com", good), "good") << good;
    EXPECT_EQ(origin("status.example.com:443", good), "good") << good;
  }
  EXPECT_EQ(origin("a.wild.example", "https://a.wild.example"), "good");
  for (const char* bad : {"https://evil.example", "https://a.status.example.com", "https://status.example.com.evil",
                          "https://status.example.com/x", "ftp://status.example.com", "https://", "null",
                          "https://own.example", "https://user@status.example.com"}) {
    EXPECT_EQ(origin("status.example.com", bad), "Forbidden origin") << bad;
  }
  EXPECT_EQ(origin("own.example", "https://own.example"), "Forbidden origin") << "no proxy has this name";
  EXPECT_EQ(origin("localhost:8443", "https://localhost:8443"), "Forbidden origin");
  EXPECT_EQ(origin("status.example.com", "http://status.example.com", true), "Forbidden origin");
  EXPECT_EQ(origin("status.example.com", "https://status.example.com:8443", true), "good");
}

TEST(HostCheck, NamesThatNoRequestCanHaveAreRefused) {
  for (const char* good : {"status.example.com", "Status.Example.COM", "status.example.com.", "*.example.com", "board",
                           "xn--mnchen-3ya.example", "192.0.2.1", "2001:db8::7", "[2001:db8::7]", "a_b.example"}) {
    EXPECT_TRUE(check_host_names({good})) << good;
  }
  const std::pair<const char*, const char*> kBad[] = {
      {"name:8443", "without a port"},
      {"https://name", "without https://"},
      {"https://name:1/x", "without https"},
      {"*", "no host name"},
      {"", "no host name"},
      {".", "no host name"},
      {"münchen.example", "xn--"},
      {"a..b", "no host name"},
      {"*.", "no host name"},
      {"a.*.example", "no host name"},
      {"two words", "no host name"},
      {"[::1]:8443", "without a port"},
      {"name/path", "no host name"},
      {".example.com", "no host name"},
  };
  for (const auto& [name, why] : kBad) {
    const Status checked = check_host_names({"good.example", name});
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::usage);
    EXPECT_NE(checked.error().message.find(why), std::string::npos) << checked.error().message;
    EXPECT_TRUE(checked.error().message.starts_with("--host '" + std::string(name) + "'"));
  }
}

TEST(HostCheck, LoopbackIsThisMachineAlone) {
  for (const char* name : {"localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "::1"})
    EXPECT_TRUE(is_loopback_name(name));
  for (const char* name : {"", "localhost.example", "127.example.com", "127.0.0.1.example", "::2"})
    EXPECT_FALSE(is_loopback_name(name)) << name;
}

TEST(HostCheck, ABrowserThatSaysSoIsBelievedToActForAnotherSite) {
  const HostCheck check({});
  EXPECT_EQ(verdict(check, request("DELETE", "localhost", "", "cross-site")), "Forbidden origin");
  EXPECT_EQ(verdict(check, request("DELETE", "localhost", "", "same-origin")), "good");
  EXPECT_EQ(verdict(check, request("GET", "localhost", "", "cross-site")), "good");  // a link to the page
}

TEST(HostCheck, NamesCanBeReplaced) {
  HostCheck check({"old.example"});
  check.replace({"new.example"}, {});
  EXPECT_EQ(verdict(check, request("GET", "old.example")), "Forbidden host");
  EXPECT_EQ(verdict(check, request("GET", "new.example")), "good");
}

}  // namespace
}  // namespace lockstep::service
