// A disk in memory that keeps a log of what was done to it, and shows any state that a power cut could have left.
//
// While it records, each write, flush and mark is one event. A state is a prefix of the events, all of them applied,
// and a choice among the later ones: the pieces of writes that reached the platters although no flush asked for it.
// What a mounted file system writes to a state afterwards is scratch: the next state begins without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::crash {

inline constexpr std::size_t kSectorSize = 512;

enum class EventKind : char { write = 'W', flush = 'F', mark = 'M' };

struct Event {
  EventKind kind;
  std::uint64_t offset;  // of a write, bytes
  std::string data;      // of a write; the text of a mark
};

// Part of a write's bytes, or all of them.
struct Piece {
  std::size_t event;
  std::size_t begin;  // bytes into the write, a multiple of the sector's size
  std::size_t end;
};

class DiskLog {
 public:
  explicit DiskLog(std::size_t size);
  ~DiskLog();
  DiskLog(const DiskLog&) = delete;
  DiskLog& operator=(const DiskLog&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }

  void read(std::uint64_t offset, std::size_t count, char* to) const;
  void write(std::uint64_t offset, std::string_view data);
  void flush();
  void mark(std::string text);

  // What the disk holds now is the beginning of a new log.
  void record();
  // From here on writes are scratch.
  void stop();
  // Shows a state. Returns a number that is equal for equal contents. `prefix` counts events.
  std::uint64_t show(std::size_t prefix, const std::vector<Piece>& pieces);
  // The state shown last, without what was written to it since.
  void reset();

  // The recording as a file, and back; the states stay the same.
  bool save(const std::string& path) const;
  bool load(const std::string& path);

 private:
  void map_prefix();
  void advance(std::size_t prefix);
  [[nodiscard]] std::uint64_t sector_hash(std::uint64_t sector, const char* bytes) const;

  std::size_t size_;
  int origin_ = -1;  // memory file: the disk when recording began
  int prefix_ = -1;  // memory file: the same with the events of the prefix
  std::size_t prefix_events_ = 0;
  std::uint64_t prefix_hash_ = 0;
  char* live_ = nullptr;                                // private mapping of prefix_: what is seen and written now
  std::map<std::uint64_t, std::uint64_t> sector_hash_;  // of the sectors that differ from the origin, in the prefix
  std::vector<bool> changed_pages_;                     // of live_, against prefix_
  std::vector<Piece> shown_;
  std::vector<Event> events_;
  bool recording_ = false;
};

}  // namespace lockstep::crash
