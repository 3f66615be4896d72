#include "durable/piece_fan_out.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace lockstep::durable {

namespace {

constexpr std::size_t kPieceBytes = 256U * 1024U;
constexpr std::size_t kPieces = 8;

// A ring of pieces. Slots are filled in order; a slot is free again when every consumer is past it.
class Ring {
 public:
  explicit Ring(std::size_t consumers) : consumed_(consumers, 0), errors_(consumers) {
    for (auto& piece : pieces_) piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  }

  // The slot to fill next, or nothing when a consumer has failed.
  std::span<char> acquire() {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return stopped_ || filled_ < *std::min_element(consumed_.begin(), consumed_.end()) + kPieces; });
    if (stopped_) return {};
    return {pieces_[filled_ % kPieces].get(), kPieceBytes};
  }

  std::string_view publish(std::size_t length) {
    const std::lock_guard lock(mutex_);
    const std::size_t slot = filled_++ % kPieces;
    lengths_[slot] = length;
    changed_.notify_all();
    return {pieces_[slot].get(), length};
  }

  // No more pieces: consumers end when they have seen all, or at once when `abandon`.
  void end(bool abandon) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    stopped_ = stopped_ || abandon;
    changed_.notify_all();
  }

  void consume(std::size_t consumer, const PieceConsumer& consume) {
    for (;;) {
      std::string_view piece;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || ended_ || consumed_[consumer] < filled_; });
        if (stopped_ || consumed_[consumer] == filled_) return;
        const std::size_t slot = consumed_[consumer] % kPieces;
        piece = {pieces_[slot].get(), lengths_[slot]};
      }
      Status status = consume(piece);
      const std::lock_guard lock(mutex_);
      ++consumed_[consumer];
      changed_.notify_all();
      if (status) continue;
      errors_[consumer] = std::move(status);
      stopped_ = true;
      return;
    }
  }

  // After all threads have ended.
  Status first_error() {
    for (Status& status : errors_) {
      if (!status) return std::move(status);
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::unique_ptr<char[]>, kPieces> pieces_;
  std::array<std::size_t, kPieces> lengths_{};
  std::size_t filled_ = 0;
  std::vector<std::size_t> consumed_;
  std::vector<Status> errors_;
  bool ended_ = false;
  bool stopped_ = false;
};

Status produce(fs::File& source, Ring& ring, const PieceConsumer& here) {
  for (;;) {
    const std::span<char> slot = ring.acquire();
    if (slot.empty()) return {};
    const std::size_t count = TRY(source.read(slot));
    if (count == 0) return {};
    TRY(here(ring.publish(count)));
  }
}

}  // namespace

Status fan_out_pieces(fs::File& source, const PieceConsumer& here, const std::vector<PieceConsumer>& beside) {
  Ring ring(beside.size());
  Status produced;
  {
    std::vector<std::jthread> threads;
    try {
      for (std::size_t i = 0; i < beside.size(); ++i) {
        threads.emplace_back([&ring, &beside, i] { ring.consume(i, beside[i]); });
      }
      produced = produce(source, ring, here);
    } catch (const std::system_error& error) {
      produced = fail(ErrorCode::resource_exhausted, std::string("cannot start a thread: ") + error.what());
    }
    ring.end(!produced);
  }
  return produced ? ring.first_error() : produced;
}

}  // namespace lockstep::durable
