#include "service/event_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "testing/manual_clock.h"

namespace lockstep::service {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

// A client that remembers, and reads as much as the test lets it.
class Client : public http::EventStream {
 public:
  bool send(Frame frame) override {
    const std::lock_guard lock(mutex_);
    if (closed_ || frames_.size() >= most_) return false;
    frames_.push_back(std::move(frame));
    wake_.notify_all();
    return true;
  }
  void close() override {
    std::function<void()> told;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      told = std::exchange(told_, {});
    }
    if (told) told();
  }
  void on_closed(std::function<void()> told) override {
    const std::lock_guard lock(mutex_);
    told_ = std::move(told);
  }

  void read_only(std::size_t frames) { most_ = frames; }
  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::vector<Frame> frames(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds(30), [&] { return frames_.size() >= count; })) << frames_.size();
    return frames_;
  }
  // "type" of each event, with its "n" where it has one.
  std::vector<std::string> types(std::size_t count) {
    std::vector<std::string> types;
    for (const Frame& frame : frames(count)) {
      const json event = event_in(*frame);
      types.push_back(event["type"].get<std::string>() + (event.contains("n") ? event["n"].dump() : ""));
    }
    return types;
  }
  // The id that a client would send when it comes back.
  std::string last_id() {
    std::string id;
    for (const Frame& frame : frames(0)) {
      if (frame->starts_with("id: ")) id = frame->substr(4, frame->find('\n') - 4);
    }
    return id;
  }

  static json event_in(const std::string& frame) {
    EXPECT_TRUE(frame.ends_with("\n\n"));
    const std::size_t data = frame.find("data: ");
    const std::string line = frame.substr(data + 6, frame.size() - data - 8);
    EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
    return json::parse(line);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Frame> frames_;
  std::size_t most_ = 1'000'000;
  bool closed_ = false;
  std::function<void()> told_;
};

class Hub : public ::testing::Test {
 protected:
  std::unique_ptr<EventHub> start(const EventHubOptions& options = {}) {
    auto hub = EventHub::start(
        clock_, random_,
        [this] {
          ++made_;
          return json{{"servers", json::array()}, {"n", state_.load()}};
        },
        options);
    EXPECT_TRUE(hub);
    return std::move(*hub);
  }
  // As the program does: the state first, then the event.
  void happen(EventHub& hub) {
    const int n = ++state_;
    hub.publish("statusChange", {{"n", n}});
  }
  static std::shared_ptr<Client> attach(EventHub& hub, const std::string& last = "") {
    auto client = std::make_shared<Client>();
    hub.attach(client, last);
    return client;
  }

  testing::ManualClock clock_;
  testing::SeededRandom random_;
  std::atomic<int> state_ = 0;
  std::atomic<int> made_ = 0;
};

using Types = std::vector<std::string>;

TEST_F(Hub, GivesANewClientEverythingAndThenWhatHappens) {
  const auto hub = start();
  happen(*hub);
  const auto client = attach(*hub);
  happen(*hub);
  happen(*hub);
  EXPECT_EQ(client->types(4), (Types{"connected", "initial1", "statusChange2", "statusChange3"}));
  EXPECT_THAT(*client->frames(4)[2], ::testing::MatchesRegex("id: [a-z0-9]+-2\ndata: .*\n\n"));
  EXPECT_EQ(Client::event_in(*client->frames(4)[0])["timestamp"], "2026-03-01T12:00:00Z");
}

TEST_F(Hub, GivesAClientThatComesBackWhatItMissed) {
  const auto hub = start();
  const auto first = attach(*hub);
  happen(*hub);
  happen(*hub);
  const std::string last = first->last_id();
  first->close();
  EXPECT_EQ(hub->clients(), 0U);
  happen(*hub);
  happen(*hub);
  const auto again = attach(*hub, last);
  EXPECT_EQ(again->types(3), (Types{"connected", "statusChange3", "statusChange4"}));
  EXPECT_EQ(attach(*hub, again->last_id())->types(1), (Types{"connected"}));
  // One that goes before it got anything is where it was.
  const auto brief = std::make_shared<Client>();
  brief->read_only(1);
  hub->attach(brief, last);
  EXPECT_EQ(brief->last_id(), last);
  EXPECT_TRUE(brief->closed());
}

TEST_F(Hub, BeginsAnewWhereItCannotGoOn) {
  const auto hub = start({.kept = 4});
  const auto client = attach(*hub);
  happen(*hub);
  const std::string early = client->last_id();
  const std::string epoch = early.substr(0, early.find('-'));
  for (int i = 0; i < 10; ++i) happen(*hub);
  for (const std::string& id : {std::string("other-3"), epoch + "-99", epoch + "-", epoch, epoch + "-x", epoch + "--1",
                                epoch + "-1x", std::string("x\ny"), epoch + "-99999999999999999999999", early}) {
    const auto types = attach(*hub, id)->types(2);
    EXPECT_EQ(types[1].substr(0, 7), "initial") << id;
  }
  EXPECT_EQ(attach(*hub, client->last_id())->types(1), (Types{"connected"}));
}

TEST_F(Hub, ReplaysHalfOfWhatIsKeptOnceThatIsAllItCanKeep) {
  const auto hub = start({.kept = 4});
  const auto client = attach(*hub);
  const auto missing = [&](int events) {
    const std::string id = client->last_id();
    for (int i = 0; i < events; ++i) happen(*hub);
    return attach(*hub, id)->types(2)[1].substr(0, 7);
  };
  happen(*hub);
  EXPECT_EQ(missing(2), "statusC");  // three of four: all that ever happened is there
  EXPECT_EQ(missing(2), "statusC");  // full
  EXPECT_EQ(missing(3), "initial");
  EXPECT_EQ(missing(2), "statusC");
}

TEST_F(Hub, SharesWhatManyBeginWith) {
  const auto hub = start();
  std::vector<std::shared_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(attach(*hub));
    happen(*hub);
  }
  EXPECT_EQ(made_, 1);
  // All end up with the same state: the shared beginning, and everything since.
  for (const auto& client : clients) {
    EXPECT_EQ(client->types(52).back(), "statusChange50");
    EXPECT_EQ(client->frames(52).size(), 52U);
    EXPECT_EQ(client->frames(52)[1].get(), clients[0]->frames(52)[1].get());
    EXPECT_EQ(client->frames(52).back().get(), clients[0]->frames(52).back().get());
  }
  clock_.advance(2);
  EXPECT_EQ(attach(*hub)->types(2), (Types{"connected", "initial50"}));
  EXPECT_EQ(made_, 2);
}

TEST_F(Hub, LetsGoOfClientsThatDoNotKeepUp) {
  const auto hub = start();
  const auto slow = attach(*hub);
  const auto fast = attach(*hub);
  slow->read_only(5);
  for (int i = 0; i < 10; ++i) happen(*hub);
  EXPECT_EQ(hub->clients(), 1U);
  EXPECT_EQ(fast->types(12).size(), 12U);
  EXPECT_THAT(hub->metrics(), HasSubstr("lockstep_service_event_clients_dropped_total 1\n"));
}

TEST_F(Hub, TakesOnlySoMany) {
  const auto hub = start({.clients = 2});
  const auto one = attach(*hub);
  EXPECT_TRUE(hub->admits());
  const auto two = attach(*hub);
  EXPECT_FALSE(hub->admits());
  EXPECT_TRUE(attach(*hub)->closed());
  one->close();
  EXPECT_TRUE(hub->admits());
  EXPECT_FALSE(attach(*hub)->closed());
}

TEST_F(Hub, BeatsAndEnds) {
  auto hub = start({.heartbeat = milliseconds(10)});
  happen(*hub);
  const auto client = attach(*hub);
  const auto types = client->types(4);
  EXPECT_EQ(types[2], "heartbeat");
  EXPECT_EQ(types[3], "heartbeat");
  EXPECT_TRUE(client->last_id().ends_with("-1"));
  hub.reset();
  EXPECT_TRUE(client->closed());
  const std::weak_ptr<Client> gone = client;
}

TEST_F(Hub, MakesFramesOfWhateverText) {
  const auto hub = start();
  const auto client = attach(*hub);
  hub->publish("configError", {{"message", "line\nbreak \xff end"}});
  EXPECT_EQ(Client::event_in(*client->frames(3)[2])["message"], "line\nbreak \xEF\xBF\xBD end");
}

// Whatever comes when, every client ends up with every event after its beginning, once and in order.
TEST_F(Hub, LosesNothingBetweenThreads) {
  const auto hub = start({.kept = 100'000});
  constexpr int kEvents = 3000;
  std::thread publisher([&] {
    for (int i = 0; i < kEvents; ++i) happen(*hub);
  });
  std::vector<std::shared_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(attach(*hub));
  publisher.join();
  for (const auto& client : clients) {
    int at = -1;
    for (const auto& frame : client->frames(2)) {
      const json event = Client::event_in(*frame);
      if (event["type"] == "connected") continue;
      const int n = event["n"].get<int>();
      if (event["type"] == "initial") {
        EXPECT_EQ(at, -1);
        at = n;
        continue;
      }
      // Of what is in the beginning already some may be told again.
      EXPECT_LE(n, at + 1);
      at = std::max(at, n);
    }
    EXPECT_EQ(at, kEvents);
  }
}

}  // namespace
}  // namespace lockstep::service
