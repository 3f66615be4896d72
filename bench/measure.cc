// bench_measure COMMAND...: runs it and prints "MICROSECONDS KILOBYTES" (wall time, peak resident size); its exit code.
// A program of its own because a process inherits the peak of the one that starts it: a small one must.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // What the command prints goes to standard error, so that the figures stand alone.
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (posix_spawnp(&child, argv[1], &actions, nullptr, argv + 1, environ) != 0) {
    std::perror(argv[1]);
    return 2;
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) return 2;
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  std::printf("%lld %ld\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()),
              usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
