// bench_commit DIR ROUNDS [KEPT]: the latency of one commit of three members of 1 KB, opening the store included,
// beside the floor of any protocol that never shows half a change: the same bytes in one new file, fsync, rename, fsync
// of the directory. Interleaved, so that both see the same disk. KEPT (2 unless told) generations lie in the store: a
// folder that is replaced often keeps a day of them. Prints one line of JSON with microseconds.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/system.h"
#include "durable/generation_store.h"
#include "fs/posix_file_system.h"

namespace {

using namespace lockstep;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kMembers = 3;
constexpr std::size_t kMemberBytes = 1024;

bool floor_round(const std::string& directory) {
  const std::string content(kMembers * kMemberBytes, 'x');
  const std::string temporary = directory + "/new";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool good = write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  good = fsync(file) == 0 && good;
  close(file);
  good = good && rename(temporary.c_str(), (directory + "/live").c_str()) == 0;
  const int names = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  good = names >= 0 && fsync(names) == 0 && good;
  if (names >= 0) close(names);
  return good;
}

durable::Change round_change(char fill) {
  durable::Change change;
  for (std::size_t i = 0; i < kMembers; ++i) change.put("member" + std::to_string(i), std::string(kMemberBytes, fill));
  return change;
}

durable::StoreOptions bench_options(std::size_t kept) { return {.kind = "bench", .keep = {kept, 0}}; }

Status fill_store(durable::Runtime& runtime, const std::string& directory, std::size_t kept) {
  auto writer = TRY(durable::StoreWriter::open(runtime, directory, bench_options(kept)));
  while (writer.history().size() < kept) TRY(writer.commit(round_change('0')));
  return {};
}

Status commit_round(durable::Runtime& runtime, const std::string& directory, std::size_t kept, char fill) {
  auto writer = TRY(durable::StoreWriter::open(runtime, directory, bench_options(kept)));
  TRY(writer.commit(round_change(fill)));
  return writer.collect();
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double microseconds(Steady::time_point from, Steady::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc == 3 || argc == 4 ? std::atoi(argv[2]) : 0;
  const int kept = argc == 4 ? std::atoi(argv[3]) : 2;
  if (rounds <= 0 || kept < 2) {
    std::fputs("usage: bench_commit DIR ROUNDS [KEPT]\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  durable::Runtime runtime{files, clock, random};
  const std::string store = directory + "/store";
  const Status filled = fill_store(runtime, store, static_cast<std::size_t>(kept));
  if (!filled) {
    std::fprintf(stderr, "Error: %s\n", filled.error().message.c_str());
    return 1;
  }
  std::vector<double> floors;
  std::vector<double> commits;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Steady::now();
    if (!floor_round(directory)) {
      std::perror("floor");
      return 1;
    }
    const auto middle = Steady::now();
    const auto status = commit_round(runtime, store, static_cast<std::size_t>(kept), static_cast<char>('a' + i % 26));
    const auto end = Steady::now();
    if (!status) {
      std::fprintf(stderr, "Error: %s\n", status.error().message.c_str());
      return 1;
    }
    floors.push_back(microseconds(begin, middle));
    commits.push_back(microseconds(middle, end));
  }
  std::printf("{\"floor\": %.1f, \"commit\": %.1f, \"kept\": %d, \"rounds\": %d}\n", median(floors), median(commits),
              kept, rounds);
  return 0;
}
