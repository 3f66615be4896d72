// A reader and a writer, each stopped once, at every pair of their calls and in both orders. What needs a rare moment
// on a real machine happens here every time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <iostream>
#include <semaphore>
#include <thread>

#include "durable/generation_store.h"
#include "durable/inspect.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"

namespace lockstep::durable {
namespace {

using lockstep::testing::Machine;
using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::Verdict;

constexpr const char* kStore = "/srv/store";
constexpr std::size_t kLimit = 1U << 20U;

constexpr std::chrono::milliseconds kNoWait{0};

// One open of the store for each step, as one command after another.
Status step(Runtime& runtime, const std::function<Status(StoreWriter&)>& act) {
  StoreWriter writer = TRY(StoreWriter::open(runtime, kStore, {.kind = "test", .keep = {2, 0}}));
  TRY(act(writer));
  return writer.collect();
}

Change version_change(const std::string& version) {
  Change change;
  change.put("cert", version).put("key", version);
  return change;
}

Status commit(Runtime& runtime, const std::string& version) {
  return step(runtime, [&](StoreWriter& writer) -> Status {
    TRY(writer.commit(version_change(version)));
    return {};
  });
}

// The second one's collection removes what was live at the beginning.
Status commit_twice(Runtime& runtime) {
  TRY(commit(runtime, "three"));
  return commit(runtime, "four");
}

Status go_back_and_on(Runtime& runtime) {
  TRY(step(runtime, [](StoreWriter& writer) -> Status {
    TRY(writer.roll_back({}));
    return {};
  }));
  TRY(commit(runtime, "three"));
  return commit(runtime, "four");
}

Status promote(Runtime& runtime) {
  for (const char* version : {"three", "four"}) {
    TRY(step(runtime, [&](StoreWriter& writer) -> Status {
      TRY(writer.stage_pending(version_change(version)));
      return {};
    }));
    TRY(step(runtime, [](StoreWriter& writer) -> Status {
      TRY(writer.promote_pending());
      return {};
    }));
  }
  return {};
}

enum class First {
  reader,  // it stops before its call; the writer goes on to its own; then the reader to its end, then the writer
  writer,  // it stops before its call; the reader goes on to its own; then the writer to its end, then the reader
  killed,  // the reader stops before its call; the writer is killed before its own; the reader goes on; another writes
};

class Schedule {
 public:
  Schedule(SimFileSystem& disk, First first, std::uint64_t reader_stop, std::uint64_t writer_stop)
      : disk_(disk), first_(first), reader_stop_(reader_stop), writer_stop_(writer_stop) {}

  void run(std::function<void()> read, const std::function<void()>& write) {
    read_ = std::move(read);
    disk_.set_hook([this](const Operation& operation) {
      if (std::this_thread::get_id() == writer_) return at_writer(operation);
      at_reader();
      return Verdict();
    });
    if (first_ != First::writer) start_reader();
    write();
    if (!reader_.joinable()) start_reader();
    go_on_.release();
    reader_.join();
    disk_.set_hook(nullptr);
  }

  [[nodiscard]] bool reader_was_stopped() const { return reader_calls_ > reader_stop_; }
  [[nodiscard]] bool writer_was_stopped() const { return writer_calls_ > writer_stop_; }

 private:
  // Returns when it has come to its stop, or to its end.
  void start_reader() {
    reader_ = std::thread([this] {
      read_();
      if (!reader_was_stopped()) stopped_.release();
      ended_.release();
    });
    stopped_.acquire();
  }
  void at_reader() {
    if (reader_calls_++ != reader_stop_) return;
    stopped_.release();
    go_on_.acquire();
  }
  Verdict at_writer(const Operation& operation) {
    // What was killed does nothing any more; its locks go as the program unwinds.
    if (dead_) return {Verdict::Action::fail, EIO};
    // To the reader all other moments are the same as the next of these.
    const bool matters = (operation.mutates && operation.kind != "fsync") || operation.kind == "flock";
    if (!matters || writer_calls_++ != writer_stop_) return {};
    if (first_ == First::killed) {
      dead_ = true;
      return {Verdict::Action::fail, EIO};
    }
    if (first_ == First::writer) {
      start_reader();
    } else {
      go_on_.release();
      ended_.acquire();
    }
    return {};
  }

  SimFileSystem& disk_;
  const First first_;
  const std::uint64_t reader_stop_;
  const std::uint64_t writer_stop_;
  const std::thread::id writer_ = std::this_thread::get_id();
  std::function<void()> read_;
  std::thread reader_;
  std::uint64_t reader_calls_ = 0;  // the reader's thread's, and everybody's when it is stopped
  std::uint64_t writer_calls_ = 0;  // that the reader can notice
  bool dead_ = false;
  std::counting_semaphore<> stopped_{0};
  std::counting_semaphore<> go_on_{0};
  std::counting_semaphore<> ended_{0};
};

using Writing = Status (*)(Runtime&);
using Reading = std::function<void(Runtime&)>;

struct Trial {
  std::vector<First> orders;
  bool committed = true;  // two generations are there at the beginning
  Writing write = nullptr;
  Reading read;
  // Looks at what was read, and how the writing ended, when both have.
  std::function<void(const Status& written)> check;
};

// One schedule; gives back whether each of the two was stopped.
std::pair<bool, bool> try_schedule(const lockstep::testing::SimImage& image, const Trial& trial, First first,
                                   std::uint64_t reader_stop, std::uint64_t writer_stop) {
  SimFileSystem disk(image);
  Machine reader(disk, kNoWait);
  Machine writer(disk, kNoWait);
  Schedule schedule(disk, first, reader_stop, writer_stop);
  Status written;
  schedule.run([&] { trial.read(reader.runtime); }, [&] { written = trial.write(writer.runtime); });
  if (first == First::killed && !written) {
    Machine next(disk, kNoWait);
    written = commit(next.runtime, "next");
  }
  SCOPED_TRACE("order " + std::to_string(static_cast<int>(first)) + ", reader stopped before its call " +
               std::to_string(reader_stop) + ", writer before " + std::to_string(writer_stop));
  trial.check(written);
  return {schedule.reader_was_stopped(), schedule.writer_was_stopped()};
}

void every_schedule(const Trial& trial) {
  SimFileSystem prepared;
  prepared.make_directories("/srv");
  Machine before(prepared, kNoWait);
  if (trial.committed) {
    ASSERT_TRUE(commit(before.runtime, "one"));
    ASSERT_TRUE(commit(before.runtime, "two"));
  }
  const auto image = prepared.image();
  std::uint64_t schedules = 0;
  for (const First first : trial.orders) {
    // Who begins is the same in all of the inner loop.
    for (std::uint64_t outer = 0;; ++outer) {
      bool outer_stopped = true;
      for (std::uint64_t inner = 0;; ++inner) {
        const bool reader_first = first != First::writer;
        const auto [reader, writer] =
            try_schedule(image, trial, first, reader_first ? outer : inner, reader_first ? inner : outer);
        ++schedules;
        if (::testing::Test::HasFailure()) return;
        outer_stopped = reader_first ? reader : writer;
        if (!(reader_first ? writer : reader)) break;
      }
      if (!outer_stopped) break;
    }
  }
  std::cout << schedules << " schedules\n";
}

// A reader that pins: it never meets damage, and what it pinned stays whole whatever the writer does afterwards.
void pinned_reads(bool committed, Writing write) {
  Result<Snapshot> pinned = fail(ErrorCode::internal, "not opened");
  const auto read = [&](Runtime& runtime) { pinned = Snapshot::open(runtime.files, kStore); };
  const auto check = [&](const Status& written) {
    ASSERT_TRUE(written) << written.error().message;
    if (!pinned) {
      EXPECT_FALSE(committed) << pinned.error().message;
      EXPECT_EQ(pinned.error().code, ErrorCode::not_found) << pinned.error().message;
      return;
    }
    const auto certificate = pinned->read("cert", kLimit);
    ASSERT_TRUE(certificate) << certificate.error().message;
    const auto key = pinned->read("key", kLimit);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(*certificate, *key);
  };
  every_schedule({{First::reader, First::writer, First::killed}, committed, write, read, check});
}

TEST(Moments, APinHoldsThroughCommitsWithCollection) { pinned_reads(true, commit_twice); }

TEST(Moments, APinHoldsThroughARollbackAndWhatFollows) { pinned_reads(true, go_back_and_on); }

TEST(Moments, APinHoldsThroughPromotions) { pinned_reads(true, promote); }

TEST(Moments, AReaderOfTheFirstCommitSeesNothingOrAllOfIt) { pinned_reads(false, commit_twice); }

// Doctor beside a writer: nothing is said of a healthy store. Each may find that the other has the lock.
void inspections(bool committed, Writing write) {
  Result<StoreReport> report = fail(ErrorCode::internal, "not inspected");
  const auto read = [&](Runtime& runtime) { report = inspect_store(runtime, kStore); };
  const auto check = [&](const Status& written) {
    EXPECT_TRUE(written || written.error().code == ErrorCode::lock_timeout) << written.error().message;
    if (!report) {
      const bool none_yet = !committed && report.error().system_errno == ENOENT;
      EXPECT_TRUE(none_yet || report.error().code == ErrorCode::lock_timeout) << report.error().message;
      return;
    }
    for (const Finding& finding : report->findings) ADD_FAILURE() << finding.path << ": " << finding.what;
  };
  every_schedule({{First::reader, First::writer}, committed, write, read, check});
}

TEST(Moments, DoctorBesideCommits) { inspections(true, commit_twice); }

TEST(Moments, DoctorBesideTheFirstCommit) { inspections(false, commit_twice); }

}  // namespace
}  // namespace lockstep::durable
