// A disk in memory that keeps a log of what was done to it, and shows any state that a power cut could have left.
#include "disk_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>

namespace lockstep::crash {

namespace {

constexpr std::size_t kPageSize = 4096;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int memory_file(std::size_t size) {
  const int file = memfd_create("disk", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(size)) != 0) die("memfd_create");
  return file;
}

void write_at(int file, std::uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const ssize_t done = pwrite(file, data.data(), data.size(), static_cast<off_t>(offset));
    if (done <= 0) die("pwrite");
    data.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void read_at(int file, std::uint64_t offset, char* to, std::size_t count) {
  while (count > 0) {
    const ssize_t done = pread(file, to, count, static_cast<off_t>(offset));
    if (done <= 0) die("pread");
    to += done;
    count -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
}

// Visits the parts of a sparse file that are not holes.
void for_each_extent(int file, std::size_t size, const std::function<void(std::uint64_t, std::size_t)>& visit) {
  off_t begin = 0;
  while ((begin = lseek(file, begin, SEEK_DATA)) >= 0) {
    const off_t end = lseek(file, begin, SEEK_HOLE);
    if (end < 0) die("lseek");
    visit(static_cast<std::uint64_t>(begin), static_cast<std::size_t>(end - begin));
    begin = end;
    if (static_cast<std::size_t>(begin) >= size) break;
  }
}

void copy_sparse(int from, int to, std::size_t size) {
  if (ftruncate(to, 0) != 0 || ftruncate(to, static_cast<off_t>(size)) != 0) die("ftruncate");
  std::string buffer;
  for_each_extent(from, size, [&](std::uint64_t begin, std::size_t count) {
    buffer.resize(count);
    read_at(from, begin, buffer.data(), count);
    write_at(to, begin, buffer);
  });
}

}  // namespace

DiskLog::DiskLog(std::size_t size) : size_(size), origin_(memory_file(size)), prefix_(memory_file(size)), changed_pages_(size / kPageSize) {
  map_prefix();
}

DiskLog::~DiskLog() {
  munmap(live_, size_);
  close(origin_);
  close(prefix_);
}

void DiskLog::map_prefix() {
  void* mapped = mmap(live_, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | (live_ ? MAP_FIXED : 0),
                      prefix_, 0);
  if (mapped == MAP_FAILED) die("mmap");
  live_ = static_cast<char*>(mapped);
}

void DiskLog::read(std::uint64_t offset, std::size_t count, char* to) const {
  std::memcpy(to, live_ + offset, count);
}

void DiskLog::write(std::uint64_t offset, std::string_view data) {
  std::memcpy(live_ + offset, data.data(), data.size());
  for (std::size_t page = offset / kPageSize; page * kPageSize < offset + data.size(); ++page) {
    changed_pages_[page] = true;
  }
  if (recording_) events_.push_back({EventKind::write, offset, std::string(data)});
}

void DiskLog::flush() {
  if (recording_) events_.push_back({EventKind::flush, 0, {}});
}

void DiskLog::mark(std::string text) {
  if (recording_) events_.push_back({EventKind::mark, 0, std::move(text)});
}

void DiskLog::record() {
  for (std::size_t page = 0; page < changed_pages_.size(); ++page) {
    if (changed_pages_[page]) write_at(prefix_, page * kPageSize, {live_ + page * kPageSize, kPageSize});
  }
  copy_sparse(prefix_, origin_, size_);
  map_prefix();
  changed_pages_.assign(size_ / kPageSize, false);
  events_.clear();
  shown_.clear();
  sector_hash_.clear();
  prefix_events_ = 0;
  prefix_hash_ = 0;
  recording_ = true;
}

void DiskLog::stop() { recording_ = false; }

std::uint64_t DiskLog::sector_hash(std::uint64_t sector, const char* bytes) const {
  // What is as it was at the beginning counts as nothing, so that a sector written back is no difference.
  char origin[kSectorSize];
  read_at(origin_, sector * kSectorSize, origin, kSectorSize);
  if (std::memcmp(origin, bytes, kSectorSize) == 0) return 0;
  const std::uint64_t content = std::hash<std::string_view>()({bytes, kSectorSize});
  const std::uint64_t place = (sector + 1) * 0x9e3779b97f4a7c15U;
  std::string key(16, '\0');
  std::memcpy(key.data(), &content, 8);
  std::memcpy(key.data() + 8, &place, 8);
  return std::hash<std::string_view>()(key);
}

void DiskLog::advance(std::size_t prefix) {
  if (prefix < prefix_events_) {
    copy_sparse(origin_, prefix_, size_);
    prefix_events_ = 0;
    prefix_hash_ = 0;
    sector_hash_.clear();
  }
  for (; prefix_events_ < prefix; ++prefix_events_) {
    const Event& event = events_[prefix_events_];
    if (event.kind != EventKind::write) continue;
    write_at(prefix_, event.offset, event.data);
    for (std::size_t at = 0; at < event.data.size(); at += kSectorSize) {
      const std::uint64_t sector = (event.offset + at) / kSectorSize;
      std::uint64_t& known = sector_hash_[sector];
      prefix_hash_ ^= known;
      known = sector_hash(sector, event.data.data() + at);
      prefix_hash_ ^= known;
    }
  }
}

std::uint64_t DiskLog::show(std::size_t prefix, const std::vector<Piece>& pieces) {
  stop();
  advance(std::min(prefix, events_.size()));
  shown_ = pieces;
  reset();
  std::uint64_t hash = prefix_hash_;
  std::map<std::uint64_t, bool> seen;
  for (const Piece& piece : pieces) {
    for (std::size_t at = piece.begin; at < piece.end; at += kSectorSize) {
      const std::uint64_t sector = (events_[piece.event].offset + at) / kSectorSize;
      if (!seen.emplace(sector, true).second) continue;
      const auto known = sector_hash_.find(sector);
      if (known != sector_hash_.end()) hash ^= known->second;
      hash ^= sector_hash(sector, live_ + sector * kSectorSize);
    }
  }
  return hash;
}

void DiskLog::reset() {
  if (madvise(live_, size_, MADV_DONTNEED) != 0) die("madvise");
  changed_pages_.assign(changed_pages_.size(), false);
  for (const Piece& piece : shown_) {
    const Event& event = events_[piece.event];
    std::memcpy(live_ + event.offset + piece.begin, event.data.data() + piece.begin, piece.end - piece.begin);
  }
}

bool DiskLog::save(const std::string& path) const {
  std::ofstream out(path, std::ios::binary);
  const auto number = [&out](std::uint64_t value) { out.write(reinterpret_cast<const char*>(&value), sizeof value); };
  number(size_);
  std::vector<std::pair<std::uint64_t, std::size_t>> extents;
  for_each_extent(origin_, size_, [&](std::uint64_t begin, std::size_t count) { extents.emplace_back(begin, count); });
  number(extents.size());
  std::string buffer;
  for (const auto& [begin, count] : extents) {
    buffer.resize(count);
    read_at(origin_, begin, buffer.data(), count);
    number(begin);
    number(count);
    out << buffer;
  }
  number(events_.size());
  for (const Event& event : events_) {
    number(static_cast<std::uint64_t>(event.kind));
    number(event.offset);
    number(event.data.size());
    out << event.data;
  }
  return static_cast<bool>(out.flush());
}

bool DiskLog::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const auto number = [&in] {
    std::uint64_t value = 0;
    in.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  };
  if (number() != size_) return false;
  if (ftruncate(origin_, 0) != 0 || ftruncate(origin_, static_cast<off_t>(size_)) != 0) die("ftruncate");
  std::string buffer;
  for (std::uint64_t extents = number(); in && extents > 0; --extents) {
    const std::uint64_t begin = number();
    buffer.resize(number());
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    write_at(origin_, begin, buffer);
  }
  events_.clear();
  for (std::uint64_t events = number(); in && events > 0; --events) {
    Event event{static_cast<EventKind>(number()), number(), {}};
    event.data.resize(number());
    in.read(event.data.data(), static_cast<std::streamsize>(event.data.size()));
    events_.push_back(std::move(event));
  }
  prefix_events_ = events_.size() + 1;  // makes advance() begin anew
  recording_ = false;
  return static_cast<bool>(in);
}

}  // namespace lockstep::crash
