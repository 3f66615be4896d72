// Streams of events, over plain TCP and over TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "http/loopback_fixture.h"
#include "http/server.h"
#include "http/tls_fixture.h"

namespace lockstep::http {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr milliseconds kLong{30'000};
constexpr const char* kAsk = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

EventStream::Frame frame(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// A server whose answers to /events are streams, handed to the test as they begin.
class Streams : public ::testing::Test {
 protected:
  void serve(const ServerLimits& limits = {.request = kLong}) {
    take(Server::listen_async(ListeningSocket::open("127.0.0.1:0").value(), handler(), limits));
  }
  void serve_tls(const ServerLimits& limits = {.request = kLong}) {
    TestPair pair = make_pair("localhost");
    take(Server::listen_tls(ListeningSocket::open("127.0.0.1:0").value(), {pair.certificate, std::move(pair.key)},
                            handler(), limits));
  }
  void TearDown() override { server_.reset(); }

  // Of the client that asked last.
  std::shared_ptr<EventStream> begun() {
    std::future<std::shared_ptr<EventStream>> next;
    {
      const std::lock_guard lock(mutex_);
      next = begun_.get_future();
    }
    EXPECT_EQ(next.wait_for(kLong), std::future_status::ready);
    auto stream = next.get();
    const std::lock_guard lock(mutex_);
    begun_ = {};
    return stream;
  }

  std::unique_ptr<Server> server_;

 private:
  AsyncHandler handler() {
    return [this](const ServerRequest& request, const Responder& respond) {
      ServerResponse answer{.body = "not a stream"};
      if (request.target == "/events") {
        answer.content_type = "text/event-stream";
        answer.stream = [this](std::shared_ptr<EventStream> stream) {
          const std::lock_guard lock(mutex_);
          begun_.set_value(std::move(stream));
        };
      }
      respond(answer);
      return answer;
    };
  }
  void take(Result<std::unique_ptr<Server>> server) {
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  std::mutex mutex_;
  std::promise<std::shared_ptr<EventStream>> begun_;
};

std::future<void> closing_of(EventStream& stream) {
  auto told = std::make_shared<std::promise<void>>();
  stream.on_closed([told] { told->set_value(); });
  return told->get_future();
}

TEST_F(Streams, SendsTheHeaderAtOnceAndFramesAsTheyCome) {
  serve();
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  const std::string header = client.read_until("\r\n\r\n");
  EXPECT_THAT(header, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(header, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(header, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(header, Not(HasSubstr("Content-Length")));
  const auto stream = begun();
  EXPECT_TRUE(stream->send(frame("data: 1\n\n")));
  EXPECT_EQ(client.read_until("\n\n"), "data: 1\n\n");
  std::thread other([&] {
    for (int i = 2; i < 200; ++i) EXPECT_TRUE(stream->send(frame(std::to_string(i) + " ")));
  });
  std::string expected;
  for (int i = 2; i < 200; ++i) expected += std::to_string(i) + " ";
  EXPECT_EQ(client.read_until(" 199 "), expected);
  other.join();
}

TEST_F(Streams, SpeaksTls) {
  serve_tls();
  const LoopbackTlsClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  const auto stream = begun();
  const std::string large(300'000, 'x');
  EXPECT_TRUE(stream->send(frame("a")));
  EXPECT_TRUE(stream->send(frame("")));
  EXPECT_TRUE(stream->send(frame(large)));
  EXPECT_TRUE(stream->send(frame("z")));
  EXPECT_EQ(client.read_until("z"), "a" + large + "z");
  auto closed = closing_of(*stream);
  stream->close();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(client.said_good_bye());
}

TEST_F(Streams, NoticesThatTheClientHasGone) {
  serve();
  auto client = std::make_unique<LoopbackClient>(server_->port());
  ASSERT_TRUE(client->send(kAsk));
  const auto stream = begun();
  auto closed = closing_of(*stream);
  // What the client says while it listens is not an end.
  ASSERT_TRUE(client->send("anything\r\n\r\n"));
  EXPECT_TRUE(stream->send(frame("x")));
  EXPECT_THAT(client->read_until("x"), EndsWith("\r\n\r\nx"));
  client.reset();
  ASSERT_EQ(closed.wait_for(kLong), std::future_status::ready);
  EXPECT_FALSE(stream->send(frame("y")));
  // Whoever asks late is told at once.
  EXPECT_EQ(closing_of(*stream).wait_for(milliseconds(0)), std::future_status::ready);
}

TEST_F(Streams, HasNoDeadlineOfItsOwn) {
  serve({.request = milliseconds(50)});
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  const auto stream = begun();
  // Two that say nothing are cut off meanwhile, one after the other.
  EXPECT_EQ(LoopbackClient(server_->port()).read_to_end(), "");
  EXPECT_EQ(LoopbackClient(server_->port()).read_to_end(), "");
  EXPECT_TRUE(stream->send(frame("still here")));
  EXPECT_THAT(client.read_until("still here"), EndsWith("still here"));
}

TEST_F(Streams, ClosesAClientForWhichTooMuchWaits) {
  serve({.request = kLong, .stream_bytes = 10'000});
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  const auto stream = begun();
  auto closed = closing_of(*stream);
  // The kernel takes some; then it waits here, and then that is enough.
  const auto piece = frame(std::string(10'000, 'x'));
  int taken = 0;
  while (stream->send(piece)) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 10'000);
  EXPECT_EQ(closed.wait_for(kLong), std::future_status::ready);
  EXPECT_FALSE(stream->send(frame("y")));
}

TEST_F(Streams, TakesOneFrameThatIsLargerThanAllThatMayWait) {
  serve({.request = kLong, .stream_bytes = 10});
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  const auto stream = begun();
  EXPECT_TRUE(stream->send(frame(std::string(2'000'000, 'x') + "end")));
  EXPECT_FALSE(stream->send(frame("one more")));
}

TEST_F(Streams, ClosesAClientThatDoesNotRead) {
  serve({.request = milliseconds(200)});
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(kAsk));
  const auto stream = begun();
  auto closed = closing_of(*stream);
  EXPECT_TRUE(stream->send(frame(std::string(30'000'000, 'x'))));  // more than any kernel keeps for it
  EXPECT_EQ(closed.wait_for(kLong), std::future_status::ready);
}

TEST_F(Streams, AreEndedByDrainingAndByTheServersEnd) {
  serve();
  const LoopbackClient first(server_->port());
  ASSERT_TRUE(first.send(kAsk));
  const auto drained = begun();
  EXPECT_TRUE(drained->send(frame("last words")));
  auto closed = closing_of(*drained);
  server_->drain(kLong);
  EXPECT_THAT(first.read_to_end(), EndsWith("last words"));
  EXPECT_FALSE(drained->send(frame("x")));

  serve();
  const LoopbackClient second(server_->port());
  ASSERT_TRUE(second.send(kAsk));
  const auto destroyed = begun();
  auto gone = closing_of(*destroyed);
  server_.reset();
  EXPECT_EQ(gone.wait_for(milliseconds(0)), std::future_status::ready);
  EXPECT_FALSE(destroyed->send(frame("x")));
  static_cast<void>(second.read_to_end());
}

TEST_F(Streams, KeepTheirPlaceAmongTheConnections) {
  serve({.connections_of_address = 2, .request = kLong});
  const LoopbackClient first(server_->port());
  ASSERT_TRUE(first.send(kAsk));
  const auto one = begun();
  auto second = std::make_unique<LoopbackClient>(server_->port());
  ASSERT_TRUE(second->send(kAsk));
  const auto two = begun();
  auto closed = closing_of(*two);
  EXPECT_EQ(LoopbackClient(server_->port()).read_to_end(), "");
  second.reset();
  ASSERT_EQ(closed.wait_for(kLong), std::future_status::ready);
  // The place is free when the connection's last work is done, which is in the server's thread after the notice.
  std::string answer;
  for (int tries = 0; answer.empty() && tries < 1000; ++tries) {
    const LoopbackClient third(server_->port());
    static_cast<void>(third.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    answer = third.read_to_end();
  }
  EXPECT_THAT(answer, EndsWith("not a stream"));
}

TEST_F(Streams, AnswersHeadWithoutOne) {
  serve();
  const LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace lockstep::http
