// The monitor's threads: with a prober that does as it is told, and with the real one against real servers.
#include "service/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "base/system.h"
#include "http/server.h"
#include "testing/authority.h"
#include "testing/manual_clock.h"

namespace lockstep::service {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Keeps what it is asked until the test answers.
class ScriptedProber : public http::Prober {
 public:
  struct Asked {
    http::ProbeTarget target;
    std::function<void(http::ProbeResult)> done;
    std::weak_ptr<void> handle;
  };

  Handle probe(const http::ProbeTarget& target, std::function<void(http::ProbeResult)> done) override {
    const std::lock_guard lock(mutex_);
    auto handle = std::make_shared<int>();
    asked_.push_back({target, std::move(done), handle});
    wake_.notify_all();
    return handle;
  }

  // What was asked, once there are that many.
  std::vector<Asked> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds(30), [&] { return asked_.size() >= count; })) << asked_.size();
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Asked> asked_;
};

// What the listener is told, to be waited for.
class Told {
 public:
  MonitorListener listener() {
    return {.status_changed = [this](const ServerStatus& status) { add(status_, status); },
            .certificate_changed = [this](const ServerStatus& status) { add(certificate_, status); }};
  }
  std::vector<ServerStatus> statuses(std::size_t count) { return wait(status_, count); }
  std::vector<ServerStatus> certificates(std::size_t count) { return wait(certificate_, count); }

 private:
  void add(std::vector<ServerStatus>& list, const ServerStatus& status) {
    const std::lock_guard lock(mutex_);
    list.push_back(status);
    wake_.notify_all();
  }
  std::vector<ServerStatus> wait(std::vector<ServerStatus>& list, std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds(30), [&] { return list.size() >= count; })) << list.size();
    return list;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<ServerStatus> status_;
  std::vector<ServerStatus> certificate_;
};

Endpoint endpoint(const std::string& id, std::uint16_t port = 443) {
  return {.id = id, .name = id, .ip = "127.0.0.1", .port = port, .consecutive_successes = 1, .consecutive_failures = 1};
}

class Monitoring : public ::testing::Test {
 protected:
  std::unique_ptr<Monitor> start(MonitorOptions options = {}) {
    auto monitor = Monitor::start(prober_, clock_, random_, told_.listener(), options);
    EXPECT_TRUE(monitor);
    return std::move(*monitor);
  }
  // Time goes on, and the monitor notices.
  void pass(Monitor& monitor, std::int64_t for_seconds, const std::vector<Endpoint>& endpoints) {
    clock_.advance(for_seconds);
    monitor.apply(endpoints);
  }

  testing::ManualClock clock_;
  testing::SeededRandom random_;
  Told told_;
  ScriptedProber prober_;
};

TEST_F(Monitoring, TellsWhatChanged) {
  const auto monitor = start();
  const std::vector<Endpoint> watched{endpoint("a")};
  monitor->apply(watched);
  pass(*monitor, 5, watched);
  auto asked = prober_.wait_for(1);
  EXPECT_EQ(asked[0].target.host, "127.0.0.1");
  asked[0].done({.latency = std::chrono::milliseconds(4)});
  const auto told = told_.statuses(1);
  EXPECT_EQ(told[0].state, ServerState::online);
  EXPECT_EQ(monitor->status("a")->latency_ms, 4);
  EXPECT_EQ(monitor->summary().online, 1U);
  pass(*monitor, 60, watched);
  asked = prober_.wait_for(2);
  asked[1].done({.error = "connection refused"});
  EXPECT_EQ(told_.statuses(2)[1].state, ServerState::offline);
  EXPECT_EQ(monitor->statuses().front().error, "connection refused");
}

TEST_F(Monitoring, HasNoMoreUnderWayThanItMay) {
  const auto monitor = start({.concurrent = 2});
  const std::vector<Endpoint> watched{endpoint("a"), endpoint("b"), endpoint("c"), endpoint("d")};
  monitor->apply(watched);
  pass(*monitor, 5, watched);
  auto asked = prober_.wait_for(2);
  monitor->apply(watched);
  EXPECT_EQ(prober_.wait_for(2).size(), 2U);
  asked[0].done({});
  asked = prober_.wait_for(3);
  EXPECT_TRUE(asked[0].handle.expired()) << "what has ended is let go of";
  EXPECT_FALSE(asked[1].handle.expired());
  EXPECT_EQ(told_.statuses(1).size(), 1U);
  EXPECT_EQ(prober_.wait_for(3).size(), 3U);
}

TEST_F(Monitoring, GivesUpWhatIsGone) {
  const auto monitor = start();
  std::vector<Endpoint> watched{endpoint("a"), endpoint("b")};
  monitor->apply(watched);
  pass(*monitor, 5, watched);
  auto asked = prober_.wait_for(2);
  const bool first_is_a = asked[0].target.port == 443 && monitor->status("a").has_value();
  EXPECT_TRUE(first_is_a);
  monitor->apply({});
  EXPECT_TRUE(asked[0].handle.expired());
  EXPECT_TRUE(asked[1].handle.expired());
  EXPECT_FALSE(monitor->status("a"));
  // Results that were on their way are nobody's, also when the same id is there again.
  watched = {endpoint("a", 444)};
  monitor->apply(watched);
  asked[0].done({});
  asked[1].done({});
  pass(*monitor, 5, watched);
  asked = prober_.wait_for(3);
  EXPECT_EQ(asked[2].target.port, 444);
  asked[2].done({.error = "x"});
  const auto told = told_.statuses(1);
  EXPECT_EQ(told[0].state, ServerState::offline);
}

TEST_F(Monitoring, EndsWithChecksUnderWay) {
  auto monitor = start();
  const std::vector<Endpoint> watched{endpoint("a")};
  monitor->apply(watched);
  pass(*monitor, 5, watched);
  const auto asked = prober_.wait_for(1);
  monitor.reset();
  EXPECT_TRUE(asked[0].handle.expired());
  asked[0].done({});  // too late, and harmless
}

// Servers of every kind, and what is found of each.
class RealServers : public ::testing::Test {
 protected:
  std::unique_ptr<http::Server> serve(const testing::Authority& issuer, const std::string& name, std::int64_t days) {
    const crypto::PrivateKey key = testing::make_key();
    x509::CertificateFields fields = testing::make_fields("CN=" + name, key, issuer);
    fields.not_before = clock_.now() - 50 * testing::kDay;
    fields.not_after = clock_.now() + days * testing::kDay;
    fields.alternative_names_der = *x509::encode_alternative_names({*x509::parse_alternative_name("DNS:" + name)});
    const x509::Certificate certificate = testing::sign(fields, issuer.key);
    auto server = http::Server::listen_tls(http::ListeningSocket::open("127.0.0.1:0").value(),
                                           {x509::to_pem(certificate), *key.to_pem()},
                                           [](const http::ServerRequest&, const http::Responder& respond) {
                                             respond({.body = "x"});
                                             return http::ServerResponse{};
                                           });
    EXPECT_TRUE(server) << server.error().message;
    return std::move(*server);
  }
  Endpoint at(const std::string& id, const http::Server& server, const std::string& name = "good.example") {
    Endpoint made = endpoint(id, server.port());
    made.server_name = name;
    return made;
  }

  SystemClock clock_;
  testing::SeededRandom random_;
  Told told_;
};

TEST_F(RealServers, AreFoundToBeWhatTheyAre) {
  testing::Authority root = testing::make_root("CN=Root of the test");
  const testing::Authority stranger = testing::make_root("CN=Stranger");
  const auto good = serve(root, "good.example", 90);
  const auto ending = serve(root, "good.example", 10);
  const auto ended = serve(root, "good.example", -1);
  const auto foreign = serve(stranger, "good.example", 90);
  const auto plain =
      http::Server::listen("127.0.0.1:0", [](const http::ServerRequest&) { return http::ServerResponse{.body = "x"}; });
  std::vector<Endpoint> watched{at("good", *good),
                                at("ending", *ending),
                                at("ended", *ended),
                                at("foreign", *foreign),
                                at("named", *good, "bad.example"),
                                at("plain", **plain),
                                endpoint("tcp", (*plain)->port()),
                                endpoint("nobody", 1),
                                at("https", *good)};
  watched[6].protocol = "tcp";
  watched[8].protocol = "https";
  auto prober = http::Prober::start(clock_);
  ASSERT_TRUE(prober);
  auto monitor =
      Monitor::start(**prober, clock_, random_, told_.listener(), {.system_roots = x509::to_pem(root.certificate)});
  ASSERT_TRUE(monitor);
  (*monitor)->apply(watched);
  std::map<std::string, ServerStatus> found;
  for (const ServerStatus& status : told_.statuses(watched.size())) found[status.endpoint.id] = status;
  EXPECT_EQ(found["good"].state, ServerState::online) << found["good"].error;
  EXPECT_EQ(found["ending"].state, ServerState::expiring);
  EXPECT_EQ(found["ended"].state, ServerState::expired);
  EXPECT_EQ(found["foreign"].state, ServerState::untrusted);
  EXPECT_EQ(found["named"].state, ServerState::mismatched_name);
  EXPECT_EQ(found["plain"].state, ServerState::offline);
  EXPECT_THAT(found["plain"].error, HasSubstr("TLS: "));
  EXPECT_EQ(found["tcp"].state, ServerState::online);
  EXPECT_FALSE(found["tcp"].certificate);
  EXPECT_EQ(found["nobody"].state, ServerState::offline);
  EXPECT_EQ(found["nobody"].error, "connection refused");
  EXPECT_EQ(found["https"].state, ServerState::online) << found["https"].error;
  EXPECT_EQ(found["good"].certificate->subject, "CN=good.example");
  EXPECT_EQ(found["good"].certificate->tls_version, "TLSv1.3");
  EXPECT_EQ(told_.certificates(6).size(), 6U);
}

}  // namespace
}  // namespace lockstep::service
