#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/challenge_fixture.h"
#include "acme/reverse_name.h"
#include "acme/solvers.h"
#include "fs/posix_file_system.h"
#include "testing/command.h"

namespace lockstep::acme {
namespace {

using ::testing::HasSubstr;

struct Responder {
  Responder() {
    auto made = make_tls_alpn("127.0.0.1:" + port, machine.runtime);
    EXPECT_TRUE(made) << made.error().message;
    solver = std::move(*made);
  }
  // What a judge of another make sees in a handshake.
  [[nodiscard]] std::string handshake(const std::string& name) const {
    return lockstep::testing::run_command({"openssl", "s_client", "-connect", "127.0.0.1:" + port, "-servername", name,
                                           "-alpn", "acme-tls/1", "-showcerts"})
        .output;
  }
  // The certificate that was shown, in words.
  [[nodiscard]] std::string shown(const std::string& name) const {
    const std::string session = handshake(name);
    const std::size_t start = session.find("-----BEGIN CERTIFICATE-----");
    if (start == std::string::npos) return "";
    const std::string path = top.write("shown.pem", session.substr(start));
    return lockstep::testing::run_command({"openssl", "x509", "-in", path, "-noout", "-text"}).output;
  }

  fs::PosixFileSystem files;
  Machine machine{files};
  lockstep::testing::TemporaryDirectory top;
  std::string port = free_port();
  std::unique_ptr<ChallengeSolver> solver;
};

TEST(TlsAlpn, ShowsTheProofForAsLongAsItIsThere) {
  const Responder responder;
  EXPECT_EQ(responder.solver->challenge_type(), "tls-alpn-01");
  const ChallengeTask task = make_task();
  EXPECT_EQ(responder.shown("example.com"), "");
  ASSERT_TRUE(responder.solver->present(task));
  EXPECT_THAT(responder.handshake("example.com"), HasSubstr("ALPN protocol: acme-tls/1"));
  EXPECT_THAT(responder.shown("example.com"), HasSubstr("DNS:example.com"));
  EXPECT_THAT(responder.shown("example.com"), HasSubstr("1.3.6.1.5.5.7.1.31: critical"));
  EXPECT_EQ(responder.shown("other.example.com"), "");
  ASSERT_TRUE(responder.solver->clean_up(task));
  ASSERT_TRUE(responder.solver->clean_up(task));
  EXPECT_EQ(responder.shown("example.com"), "");
}

TEST(TlsAlpn, ShowsAnAddressUnderItsReverseName) {
  const Responder responder;
  ChallengeTask task = make_task();
  task.type = IdentifierType::ip;
  task.identifier = "192.0.2.7";
  ASSERT_TRUE(responder.solver->present(task));
  EXPECT_THAT(responder.shown("7.2.0.192.in-addr.arpa"), HasSubstr("IP Address:192.0.2.7"));
}

TEST(TlsAlpn, KeepsTheProofOfAnotherOrderForTheName) {
  const Responder responder;
  ASSERT_TRUE(responder.solver->present(make_task("first")));
  const std::string first = responder.shown("example.com");
  ASSERT_TRUE(responder.solver->present(make_task("second")));
  EXPECT_NE(responder.shown("example.com"), first);
  ASSERT_TRUE(responder.solver->clean_up(make_task("second")));
  EXPECT_EQ(responder.shown("example.com"), first);
  ASSERT_TRUE(responder.solver->clean_up(make_task("first")));
  EXPECT_EQ(responder.shown("example.com"), "");
}

TEST(TlsAlpn, SaysBeforeAnyOrderThatThePortIsTaken) {
  Responder responder;
  const auto second = make_tls_alpn("127.0.0.1:" + responder.port, responder.machine.runtime);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
  EXPECT_THAT(second.error().hint, HasSubstr("--tls-alpn="));
}

TEST(ReverseName, OfBothFamilies) {
  EXPECT_EQ(*reverse_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
  // The example of RFC 3596 section 2.5.
  EXPECT_EQ(*reverse_name("4321:0:1:2:3:4:567:89ab"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
  for (const char* bad : {"", "example.com", "1.2.3", "::g", "[::1]"}) EXPECT_FALSE(reverse_name(bad)) << bad;
}

}  // namespace
}  // namespace lockstep::acme
