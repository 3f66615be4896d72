// recording_disk MOUNTPOINT MEGABYTES: a folder with one file, `disk`, to put a loop device on.
//
// It serves the file over FUSE from memory and takes orders on stdin, one a line, each answered by one line:
//
//   record                     begin a new recording with the disk as it is now
//   mark TEXT                  put a mark between the writes
//   stop                       end the recording; answers the number of events
//   events                     one line for each event ("W offset size", "F", "M text"), then "."
//   show PREFIX PIECE…         show a state: the first PREFIX events and pieces (EVENT or EVENT:BEGIN-END, in bytes);
//                              answers a number that is equal for equal contents
//   reset                      the state shown last, without what was written to it since
//   fail write|flush NTH once|on   the NTH write or flush from now fails with EIO: that one, or it and all that follow
//   heal                       nothing fails any more; answers how many requests failed
//   save FILE, load FILE       the recording as a file, and back
//
// The end of stdin ends it. Writes to the file `mark` beside the disk are marks as well: for a tracer that marks steps.
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

#include "disk_log.h"

namespace lockstep::crash {

namespace {

struct Server {
  std::mutex mutex;
  DiskLog log;
  char failing = ' ';  // w or f
  std::uint64_t until_failure = 0;
  bool lasting = false;
  std::uint64_t failed = 0;

  explicit Server(std::size_t size) : log(size) {}

  // Whether this request is one that fails. The caller holds the mutex.
  bool fails(char kind) {
    if (failing != kind || until_failure == 0) return false;
    if (until_failure > 1) {
      --until_failure;
      return false;
    }
    if (!lasting) until_failure = 0;
    ++failed;
    return true;
  }
};

Server* server = nullptr;  // libfuse's callbacks have no other way to it

bool is_disk(const char* path) { return std::strcmp(path, "/disk") == 0; }
bool is_mark(const char* path) { return std::strcmp(path, "/mark") == 0; }

int get_attributes(const char* path, struct stat* stat, fuse_file_info*) {
  *stat = {};
  if (std::strcmp(path, "/") == 0) {
    stat->st_mode = S_IFDIR | 0700;
    stat->st_nlink = 2;
    return 0;
  }
  if (!is_disk(path) && !is_mark(path)) return -ENOENT;
  stat->st_mode = S_IFREG | 0600;
  stat->st_nlink = 1;
  stat->st_size = is_disk(path) ? static_cast<off_t>(server->log.size()) : 0;
  return 0;
}

int open_file(const char*, fuse_file_info* info) {
  // Without the page cache: every request of the loop device reaches the log, in its order.
  info->direct_io = 1;
  return 0;
}

int truncate_file(const char* path, off_t, fuse_file_info*) { return is_mark(path) ? 0 : -EINVAL; }

int read_file(const char* path, char* to, size_t count, off_t offset, fuse_file_info*) {
  if (!is_disk(path)) return 0;
  const std::lock_guard lock(server->mutex);
  const std::size_t begin = static_cast<std::size_t>(offset);
  if (begin >= server->log.size()) return 0;
  count = std::min(count, server->log.size() - begin);
  server->log.read(begin, count, to);
  return static_cast<int>(count);
}

int write_file(const char* path, const char* from, size_t count, off_t offset, fuse_file_info*) {
  const std::lock_guard lock(server->mutex);
  const std::size_t begin = static_cast<std::size_t>(offset);
  if (is_mark(path)) {
    server->log.mark(std::string(from, count));
  } else {
    if (begin + count > server->log.size() || begin % kSectorSize != 0 || count % kSectorSize != 0) return -EINVAL;
    if (server->fails('w')) return -EIO;
    server->log.write(begin, {from, count});
  }
  return static_cast<int>(count);
}

int sync_file(const char* path, int, fuse_file_info*) {
  const std::lock_guard lock(server->mutex);
  if (!is_disk(path)) return 0;
  if (server->fails('f')) return -EIO;
  server->log.flush();
  return 0;
}

bool parse_piece(const std::string& word, Piece* piece) {
  const auto& events = server->log.events();
  std::istringstream in(word);
  char colon = 0;
  char dash = 0;
  if (!(in >> piece->event) || piece->event >= events.size()) return false;
  const std::size_t size = events[piece->event].data.size();
  *piece = {piece->event, 0, size};
  if (in >> colon && !(in >> piece->begin >> dash >> piece->end)) return false;
  return events[piece->event].kind == EventKind::write && piece->begin < piece->end && piece->end <= size;
}

std::string show(std::istringstream& words) {
  std::size_t prefix = 0;
  if (!(words >> prefix)) return "error: no prefix";
  std::vector<Piece> pieces;
  for (std::string word; words >> word;) {
    Piece piece{};
    if (!parse_piece(word, &piece)) return "error: no such piece: " + word;
    pieces.push_back(piece);
  }
  return std::to_string(server->log.show(prefix, pieces));
}

std::string list_events() {
  std::ostringstream out;
  for (const Event& event : server->log.events()) {
    out << static_cast<char>(event.kind);
    if (event.kind == EventKind::write) out << ' ' << event.offset << ' ' << event.data.size();
    if (event.kind == EventKind::mark) out << ' ' << event.data;
    out << '\n';
  }
  return out.str() + ".";
}

std::string fail_later(std::istringstream& words) {
  std::string kind;
  std::string how;
  std::uint64_t nth = 0;
  if (!(words >> kind >> nth >> how) || nth == 0 || (kind != "write" && kind != "flush") ||
      (how != "once" && how != "on")) {
    return "error: fail write|flush NTH once|on";
  }
  server->failing = kind.front();
  server->until_failure = nth;
  server->lasting = how == "on";
  server->failed = 0;
  return "ok";
}

std::string rest_of(std::istringstream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

std::string obey(const std::string& line) {
  std::istringstream words(line);
  std::string order;
  words >> order;
  const std::lock_guard lock(server->mutex);
  DiskLog& log = server->log;
  if (order == "record") return log.record(), "ok";
  if (order == "mark") return log.mark(rest_of(words)), "ok";
  if (order == "stop") return log.stop(), std::to_string(log.events().size());
  if (order == "events") return list_events();
  if (order == "show") return show(words);
  if (order == "reset") return log.reset(), "ok";
  if (order == "fail") return fail_later(words);
  if (order == "heal") return server->failing = ' ', std::to_string(server->failed);
  if (order == "save") return log.save(rest_of(words)) ? "ok" : "error: cannot write the recording";
  if (order == "load") return log.load(rest_of(words)) ? "ok" : "error: cannot read the recording";
  return "error: unknown order: " + order;
}

int serve(const char* mountpoint) {
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_file;
  operations.truncate = truncate_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = sync_file;
  char name[] = "recording_disk";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  fuse* handle = fuse_new(&args, &operations, sizeof operations, nullptr);
  if (handle == nullptr || fuse_mount(handle, mountpoint) != 0) {
    std::cout << "error: cannot mount " << mountpoint << std::endl;
    return 1;
  }
  std::thread([handle] { fuse_loop(handle); }).detach();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << obey(line) << std::endl;
  umount2(mountpoint, MNT_DETACH);
  // Whoever still uses the disk gets an error: waiting for them could last for ever.
  std::cout.flush();
  _exit(0);
}

}  // namespace

}  // namespace lockstep::crash

int main(int count, char** words) {
  const long megabytes = count == 3 ? std::strtol(words[2], nullptr, 10) : 0;
  if (megabytes <= 0 || megabytes > 4096) {
    std::cerr << "usage: recording_disk MOUNTPOINT MEGABYTES\n";
    return 2;
  }
  lockstep::crash::Server one(static_cast<std::size_t>(megabytes) << 20U);
  lockstep::crash::server = &one;
  return lockstep::crash::serve(words[1]);
}
