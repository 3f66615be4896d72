#include "http/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <thread>

#include "base/system.h"
#include "http/listening_socket.h"
#include "http/server.h"
#include "http/tls_fixture.h"

namespace lockstep::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr milliseconds kLong{30'000};
constexpr milliseconds kShort{200};

ServerResponse hello(const ServerRequest&) { return {.body = "hello"}; }

class Probes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // of OpenSSL's own sockets in the servers here
    auto prober = Prober::start(clock_);
    ASSERT_TRUE(prober) << prober.error().message;
    prober_ = std::move(*prober);
  }

  // A TLS server with a certificate of its own making; `handler` answers whatever it is asked.
  std::unique_ptr<Server> serve_tls(Handler handler, const ServerLimits& limits = {.request = kLong}) {
    TestPair pair = make_pair("test.example");
    auto server = Server::listen_tls(
        ListeningSocket::open("127.0.0.1:0").value(), {pair.certificate, std::move(pair.key)},
        [handler = std::move(handler)](const ServerRequest& request, const Responder& respond) {
          ServerResponse answer = handler(request);
          if (answer.status != 0) respond(answer);
          return answer;
        },
        limits);
    EXPECT_TRUE(server) << server.error().message;
    return std::move(*server);
  }

  ProbeResult probe(ProbeKind kind, std::uint16_t port, milliseconds deadline = kLong,
                    const std::string& host = "127.0.0.1", const std::string& server_name = "") {
    std::promise<ProbeResult> told;
    const auto handle =
        prober_->probe({.kind = kind, .host = host, .port = port, .server_name = server_name, .deadline = deadline},
                       [&](ProbeResult result) { told.set_value(std::move(result)); });
    return told.get_future().get();
  }

  SystemClock clock_;
  std::unique_ptr<Prober> prober_;
};

std::uint16_t free_port() { return ListeningSocket::open("127.0.0.1:0")->port(); }

TEST_F(Probes, ConnectsToATcpPort) {
  const auto server = Server::listen("127.0.0.1:0", hello);
  const ProbeResult result = probe(ProbeKind::tcp, (*server)->port());
  EXPECT_EQ(result.error, "");
  EXPECT_LT(result.latency, kLong);
  EXPECT_THAT(result.peer_chain, IsEmpty());
}

TEST_F(Probes, SaysThatAConnectionIsRefused) {
  for (const ProbeKind kind : {ProbeKind::tcp, ProbeKind::tls, ProbeKind::https})
    EXPECT_EQ(probe(kind, free_port()).error, "connection refused");
}

TEST_F(Probes, ReportsWhatATlsServerShows) {
  const auto server = serve_tls(hello);
  const ProbeResult result = probe(ProbeKind::tls, server->port());
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.tls_version, "TLSv1.3");
  ASSERT_THAT(result.peer_chain, SizeIs(1));
  EXPECT_THAT(result.peer_chain.front(), HasSubstr("test.example"));
}

TEST_F(Probes, AsksForTheNameThatItIsGiven) {
  std::string host;
  const auto server = serve_tls([&](const ServerRequest& request) {
    host = request.method + " " + request.host;
    return ServerResponse{};
  });
  const ProbeResult result = probe(ProbeKind::https, server->port(), kLong, "127.0.0.1", "www.example");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(host, "GET www.example:" + std::to_string(server->port()));
}

TEST_F(Probes, JudgesAnAnswerByItsStatus) {
  int status = 200;
  const auto server = serve_tls([&](const ServerRequest&) { return ServerResponse{.status = status}; });
  for (const int fine : {200, 204, 301, 404, 405, 499}) {
    status = fine;
    const ProbeResult result = probe(ProbeKind::https, server->port());
    EXPECT_EQ(result.error, "") << fine;
    EXPECT_EQ(result.status, fine);
    EXPECT_THAT(result.peer_chain, SizeIs(1));
  }
  for (const int bad : {500, 501, 502, 503, 599}) {
    status = bad;
    const ProbeResult result = probe(ProbeKind::https, server->port());
    EXPECT_EQ(result.error, "HTTP status " + std::to_string(bad));
    EXPECT_THAT(result.peer_chain, SizeIs(1)) << "the certificate was shown all the same";
  }
}

TEST_F(Probes, SaysThatAServerSpeaksNoTls) {
  const auto server = Server::listen("127.0.0.1:0", hello);
  EXPECT_EQ(probe(ProbeKind::tls, (*server)->port()).error, "TLS: wrong version number");
}

TEST_F(Probes, SaysThatAServerHangsUp) {
  // Its limit on connections of an address closes every second one without a word.
  const auto server = Server::listen("127.0.0.1:0", hello, {.connections_of_address = 1, .request = kLong});
  const LoopbackClient first((*server)->port());
  ASSERT_TRUE(first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(first.read_until("hello"), StartsWith("HTTP"));
  EXPECT_THAT(probe(ProbeKind::tls, (*server)->port()).error,
              AnyOf("TLS: the connection was closed", "TLS: connection reset"));
}

TEST_F(Probes, GivesUpOnWhoSaysNothing) {
  const auto silent = ListeningSocket::open("127.0.0.1:0");
  EXPECT_EQ(probe(ProbeKind::tcp, silent->port()).error, "");
  EXPECT_EQ(probe(ProbeKind::tls, silent->port(), kShort).error, "no TLS handshake within 200 ms");
  const auto never = serve_tls([](const ServerRequest&) { return ServerResponse{.status = 0}; });
  EXPECT_EQ(probe(ProbeKind::https, never->port(), milliseconds(1000)).error, "no answer to the request within 1 s");
}

// Each byte comes in time, the header never ends.
TEST_F(Probes, GivesUpOnWhoDripsItsAnswer) {
  const TestPair pair = make_pair("slow.example");
  const auto listening = ListeningSocket::open("127.0.0.1:0");
  std::thread slow([&] {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    BIO* certificate_text = BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size()));
    BIO* key_text = BIO_new_mem_buf(pair.key.reveal().data(), static_cast<int>(pair.key.reveal().size()));
    X509* certificate = PEM_read_bio_X509(certificate_text, nullptr, nullptr, nullptr);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    int client = -1;
    while (client < 0) client = ::accept(listening->descriptor(), nullptr, nullptr);
    SSL* connection = SSL_new(context);
    SSL_set_fd(connection, client);
    if (SSL_accept(connection) == 1) {
      std::string head = "HTTP/1.1 200 OK\r\nX: ";
      while (SSL_write(connection, head.data(), static_cast<int>(head.size())) > 0) {
        head = "x";
        std::this_thread::yield();
      }
    }
    SSL_free(connection);
    ::close(client);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_text);
    BIO_free(key_text);
    SSL_CTX_free(context);
  });
  // By its deadline or, on a fast machine, by the header's size.
  EXPECT_THAT(probe(ProbeKind::https, listening->port(), milliseconds(500)).error,
              AnyOf("no answer to the request within 500 ms", "the answer is not HTTP/1.1"));
  slow.join();
}

TEST_F(Probes, ResolvesNames) {
  // Where the name has an IPv6 address too, that one refuses and the next is tried.
  const auto server = serve_tls(hello);
  EXPECT_EQ(probe(ProbeKind::tls, server->port(), kLong, "localhost").error, "");
  EXPECT_THAT(probe(ProbeKind::tls, 443, kLong, "nothing.invalid").error,
              AnyOf("the name is not known", "no name server answers", "no address for the name within 30 s"));
}

TEST_F(Probes, HasManyUnderWayAtOnce) {
  const auto silent = ListeningSocket::open("127.0.0.1:0");
  constexpr int kMany = 300;
  std::atomic<int> ended = 0;
  std::promise<void> all;
  std::vector<Prober::Handle> handles;
  // One after the other they would take a minute, and the deadlines would be passed by far.
  for (int i = 0; i < kMany; ++i) {
    handles.push_back(
        prober_->probe({.kind = ProbeKind::tls, .host = "127.0.0.1", .port = silent->port(), .deadline = kShort},
                       [&](const ProbeResult& result) {
                         EXPECT_THAT(result.error, StartsWith("no ")) << result.error;
                         if (++ended == kMany) all.set_value();
                       }));
  }
  EXPECT_EQ(all.get_future().wait_for(kLong), std::future_status::ready);
}

TEST_F(Probes, TellsNothingOnceGivenUp) {
  const auto silent = ListeningSocket::open("127.0.0.1:0");
  std::atomic<bool> told = false;
  auto handle = prober_->probe({.host = "127.0.0.1", .port = silent->port(), .deadline = milliseconds(300)},
                               [&](const ProbeResult&) { told = true; });
  // It is under way, and gives its connection back.
  int client = -1;
  while (client < 0) client = ::accept(silent->descriptor(), nullptr, nullptr);
  handle.reset();
  std::array<char, 4096> bytes{};
  while (::recv(client, bytes.data(), bytes.size(), 0) > 0) {
  }
  ::close(client);
  EXPECT_EQ(probe(ProbeKind::tls, silent->port(), milliseconds(400)).error, "no TLS handshake within 400 ms");
  EXPECT_FALSE(told);
  // Nor when the prober ends.
  handle = prober_->probe({.host = "127.0.0.1", .port = silent->port(), .deadline = kLong},
                          [&](const ProbeResult&) { told = true; });
  prober_.reset();
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace lockstep::http
