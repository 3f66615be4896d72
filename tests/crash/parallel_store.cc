// parallel_store PROCESSES [SEED]: one generation store under writers, rollbacks, promotions, collectors, readers that
// pin, readers by a descriptor, and inspection, all at once in PROCESSES processes with a thread for each role.
//
// Proves: every pinned read is whole and of one version however often it is superseded, no number that was live is
// given again, what a writer makes live under its lock is what is live, inspection never speaks ill of a healthy store,
// and nothing stays behind. Runs for LOCKSTEP_PARALLEL_SECONDS (5 unless set); a kind of work that was never done is a
// failure.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "base/system.h"
#include "durable/inspect.h"
#include "fs/posix_file_system.h"
#include "parallel_roles.h"
#include "testing/command.h"

namespace lockstep::parallel {
namespace {

constexpr int kDefaultSeconds = 5;
constexpr std::chrono::milliseconds kLockTimeout{120'000};

struct NamedRole {
  const char* name;
  Role run;
  int threads;  // in all processes together, at least one in each
};
constexpr NamedRole kRoles[] = {
    {"writer", write_versions, 4},  {"collector", collect_often, 1},           {"pinned reader", read_pinned, 4},
    {"name reader", read_names, 1}, {"descriptor reader", read_descriptor, 4}, {"inspector", inspect_often, 2},
};

// The runtime of one thread: nothing of ours is shared between threads but the kernel's files.
struct OwnRuntime {
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  durable::Runtime runtime{files, clock, random, kLockTimeout};
};

void run_role(const NamedRole& role, const std::string& path, Tally& tally, std::uint64_t seed) {
  OwnRuntime own;
  const Status done = role.run({own.runtime, path, tally}, seed);
  if (done) return;
  ++tally.failures;
  std::fprintf(stderr, "FAILED: %s (seed %llu): %s\n", role.name, static_cast<unsigned long long>(seed),
               done.error().message.c_str());
  tally.end();
}

void run_process(int process, int processes, const std::string& path, Tally& tally, std::uint64_t seed) {
  std::vector<std::thread> threads;
  for (const NamedRole& role : kRoles) {
    for (int i = 0; i < std::max(1, role.threads / processes); ++i) {
      threads.emplace_back(run_role, role, path, std::ref(tally),
                           seed + 1000 * static_cast<unsigned>(process) + threads.size());
    }
  }
  for (std::thread& thread : threads) thread.join();
}

// Ends everybody after the time, or at once when something failed.
void end_after(std::chrono::seconds duration, Tally& tally) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (!tally.stop && std::chrono::steady_clock::now() < end) tally.await_swaps(tally.swaps, 1);
  tally.end();
}

Status prepare(const std::string& path, Tally& tally, std::uint64_t seed) {
  OwnRuntime own;
  auto store = TRY(durable::StoreWriter::open(own.runtime, path, store_options()));
  const durable::Generation first = TRY(store.commit(version_change("start", seed)));
  tally.was_live[first] = true;
  return {};
}

// When all have gone: everything is whole, and what nobody needs can be removed to the last piece.
Status check_rest(const std::string& path) {
  OwnRuntime own;
  {
    auto store = TRY(durable::StoreWriter::open(own.runtime, path, store_options()));
    TRY(store.discard_pending());
    TRY(store.collect());
    const std::vector<durable::Generation> left = TRY(store.generations_on_disk());
    if (left.size() != store.history().size()) {
      return fail(ErrorCode::damaged, std::to_string(left.size()) + " generations are left, the store knows of " +
                                          std::to_string(store.history().size()));
    }
    // The newest two, and what the last rollback made live where that is older.
    for (std::size_t i = 2; i < left.size(); ++i) {
      if (left[i] == store.live()) continue;
      return fail(ErrorCode::damaged, "generation " + std::to_string(left[i]) + " is left: it is neither live nor one " +
                                          "of the newest two");
    }
    TRY(check_snapshot(*store.current()));
  }
  const durable::StoreReport report = TRY(durable::inspect_store(own.runtime, path));
  if (report.findings.empty()) return {};
  return fail(ErrorCode::damaged, report.findings.front().path + ": " + report.findings.front().what);
}

// True when nothing was left out.
bool print_counts(const Tally& tally) {
  const struct {
    const char* what;
    std::uint64_t count;
    bool needed;
  } lines[] = {
      {"commits", tally.commits, true},
      {"rollbacks", tally.rollbacks, true},
      {"staged", tally.stagings, true},
      {"promoted", tally.promotions, true},
      {"discarded", tally.discards, true},
      {"collections", tally.collections, true},
      {"pinned reads", tally.pinned_reads, true},
      {"locked descriptor reads", tally.locked_reads, true},
      {"unlocked descriptor reads", tally.unlocked_reads, true},
      {"  collected meanwhile", tally.vanished, false},
      {"reads by two names", tally.name_reads, true},
      {"  of two generations", tally.straddled, false},
      {"inspections", tally.inspections, true},
      {"failures", tally.failures, false},
  };
  bool all = true;
  for (const auto& line : lines) {
    std::printf("  %-26s %8llu\n", line.what, static_cast<unsigned long long>(line.count));
    if (line.needed && line.count == 0) {
      std::fprintf(stderr, "FAILED: no %s: this run shows nothing about them\n", line.what);
      all = false;
    }
  }
  return all;
}

int run(int processes, std::uint64_t seed) {
  const char* wish = std::getenv("LOCKSTEP_PARALLEL_SECONDS");
  const std::chrono::seconds duration(wish != nullptr ? std::atoi(wish) : kDefaultSeconds);
  void* memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    return 1;
  }
  Tally& tally = *new (memory) Tally();
  const testing::TemporaryDirectory directory;
  const std::string path = directory.path("store");
  std::printf("%d processes for %lld s, seed %llu\n", processes, static_cast<long long>(duration.count()),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Status good = prepare(path, tally, seed);
  std::vector<pid_t> children;
  for (int process = 1; good && process < processes; ++process) {
    const pid_t child = ::fork();  // before there are threads
    if (child == 0) {
      run_process(process, processes, path, tally, seed);
      std::exit(0);  // the sanitizers' last checks run here
    }
    if (child < 0) good = fail(ErrorCode::io_error, "fork failed");
    children.push_back(child);
  }
  bool ended = static_cast<bool>(good);
  if (good) {
    std::thread timer(end_after, duration, std::ref(tally));
    run_process(0, processes, path, tally, seed);
    timer.join();
  }
  tally.end();
  for (const pid_t child : children) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) {
      std::fprintf(stderr, "FAILED: process %d ended with status %d\n", child, status);
      ended = false;
    }
  }
  if (good) good = check_rest(path);
  if (!good) std::fprintf(stderr, "FAILED: %s\n", good.error().message.c_str());
  const bool counted = print_counts(tally);
  return good && ended && counted && tally.failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lockstep::parallel

int main(int count, char** words) {
  const int processes = count == 2 || count == 3 ? std::atoi(words[1]) : 0;
  if (processes <= 0) {
    std::fputs("usage: parallel_store PROCESSES [SEED]\n", stderr);
    return 2;
  }
  // It is not about the disk: in memory there are more swaps in the same time.
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  const std::uint64_t seed = count == 3 ? std::strtoull(words[2], nullptr, 10) : std::random_device()();
  return lockstep::parallel::run(processes, seed);
}
