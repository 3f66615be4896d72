#include "http/alpn_responder.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <thread>
#include <vector>

#include "http/loopback_fixture.h"
#include "http/tls_fixture.h"

namespace lockstep::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{30'000};

// The common name of the certificate that a client gets; empty when the handshake is refused.
std::string handshake(std::uint16_t port, const std::string& name, const std::string& protocols,
                      int newest = TLS1_3_VERSION, int oldest = 0) {
  const LoopbackClient client(port);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, oldest);
  SSL_CTX_set_max_proto_version(context, newest);
  SSL* connection = SSL_new(context);
  SSL_set_fd(connection, client.descriptor());
  if (!name.empty()) SSL_set_tlsext_host_name(connection, name.c_str());
  if (!protocols.empty()) {
    SSL_set_alpn_protos(connection, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  std::string shown;
  if (SSL_connect(connection) == 1) {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(connection, &chosen, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "acme-tls/1");
    X509* certificate = SSL_get1_peer_certificate(connection);
    std::array<char, 100> common_name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name.data(),
                              static_cast<int>(common_name.size()));
    shown = common_name.data();
    X509_free(certificate);
    SSL_shutdown(connection);
  }
  SSL_free(connection);
  SSL_CTX_free(context);
  return shown;
}

const std::string kAcme =
    "\x0a"
    "acme-tls/1";
const std::string kHttp = "\x08http/1.1";

std::unique_ptr<AlpnResponder> respond(const ServerLimits& limits = {.request = kLong}) {
  auto responder = AlpnResponder::listen("127.0.0.1:0", limits);
  EXPECT_TRUE(responder) << responder.error().message;
  return std::move(*responder);
}

void add(AlpnResponder& responder, const std::string& name) {
  const TestPair pair = make_pair(name);
  EXPECT_TRUE(responder.add(name, pair.certificate, pair.key));
}

TEST(AlpnResponder, ShowsTheCertificateOfTheName) {
  const auto responder = respond();
  add(*responder, "a.example");
  add(*responder, "b.example");
  EXPECT_EQ(handshake(responder->port(), "a.example", kAcme), "a.example");
  EXPECT_EQ(handshake(responder->port(), "B.Example", kAcme), "b.example");
  EXPECT_EQ(handshake(responder->port(), "a.example", kHttp + kAcme), "a.example");
  EXPECT_EQ(handshake(responder->port(), "a.example", kAcme, TLS1_2_VERSION), "a.example");
  responder->remove("A.example");
  responder->remove("a.example");
  EXPECT_EQ(handshake(responder->port(), "a.example", kAcme), "");
  EXPECT_EQ(handshake(responder->port(), "b.example", kAcme), "b.example");
}

TEST(AlpnResponder, RefusesEverythingElse) {
  const auto responder = respond();
  add(*responder, "a.example");
  const std::uint16_t port = responder->port();
  EXPECT_EQ(handshake(port, "a.example", kHttp), "");
  EXPECT_EQ(handshake(port, "a.example", ""), "");
  EXPECT_EQ(handshake(port, "", kAcme), "");
  EXPECT_EQ(handshake(port, "c.example", kAcme), "");
  EXPECT_EQ(handshake(port, "a.example", kAcme, TLS1_1_VERSION, TLS1_VERSION), "");
  const LoopbackClient plain(port);
  ASSERT_TRUE(plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  static_cast<void>(plain.read_to_end());
  EXPECT_EQ(handshake(port, "a.example", kAcme), "a.example");
}

TEST(AlpnResponder, RefusesAPairThatIsNone) {
  const auto responder = respond();
  const TestPair one = make_pair("a.example");
  const TestPair two = make_pair("a.example");
  EXPECT_EQ(responder->add("a.example", one.certificate, two.key).error().code, ErrorCode::untrusted);
  EXPECT_EQ(responder->add("a.example", "x", one.key).error().code, ErrorCode::parse_error);
  EXPECT_EQ(responder->add("a.example", one.certificate, SecretBytes("x")).error().code, ErrorCode::parse_error);
  EXPECT_EQ(handshake(responder->port(), "a.example", kAcme), "");
}

TEST(AlpnResponder, CutsOffASilentClientAndServesTheNext) {
  const auto responder = respond({.connections = 1, .request = milliseconds(200)});
  add(*responder, "a.example");
  const LoopbackClient silent(responder->port());
  EXPECT_EQ(handshake(responder->port(), "a.example", kAcme), "a.example");
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST(AlpnResponder, StopsWithConnectionsOpen) {
  auto responder = respond();
  const LoopbackClient silent(responder->port());
  responder.reset();
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST(AlpnResponder, ServesWhileCertificatesComeAndGo) {
  const auto responder = respond();
  std::vector<std::jthread> orders;
  for (int order = 0; order < 3; ++order) {
    orders.emplace_back([&, order] {
      const std::string name = "n" + std::to_string(order) + ".example";
      for (int round = 0; round < 10; ++round) {
        add(*responder, name);
        EXPECT_EQ(handshake(responder->port(), name, kAcme), name);
        responder->remove(name);
        EXPECT_EQ(handshake(responder->port(), name, kAcme), "");
      }
    });
  }
}

TEST(AlpnResponder, SaysThatAPortIsTaken) {
  const auto responder = respond();
  const auto second = AlpnResponder::listen("127.0.0.1:" + std::to_string(responder->port()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
}

}  // namespace
}  // namespace lockstep::http
