#include "fs/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include "fs/posix_descriptor.h"

namespace lockstep::fs {

using posix::Descriptor;
using posix::uninterrupted;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kGrace{5'000};  // between SIGTERM and SIGKILL

// Pointers into strings, as exec wants them.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// This process's variables with those of the call in their place.
std::vector<std::string> environment_of(const ProgramCall& call) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : call.environment) variables[name] = value;
  std::vector<std::string> out;
  out.reserve(variables.size());
  for (const auto& [name, value] : variables) out.push_back(std::string(name).append("=").append(value));
  return out;
}

Status check_call(const ProgramCall& call) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  bool bad = call.arguments.empty() || call.arguments.front().empty() || std::ranges::any_of(call.arguments, has_nul);
  for (const auto& [name, value] : call.environment) {
    bad = bad || name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value);
  }
  if (!bad) return {};
  return fail(ErrorCode::invalid_argument, "a program to run has no name, or an argument or variable with a NUL");
}

Error cannot_run(int why, const std::string& program) {
  Error error = system_error(why, "cannot run '" + program + "'");
  if (why == ENOENT) error.hint = "give the path of a program that exists, and in a script that of its interpreter";
  if (why == EACCES) error.hint = "make it executable: chmod +x " + program;
  if (why == ENOEXEC) error.hint = "a script begins with a line like #!/bin/sh";
  return error;
}

// 0, or why the file cannot be run.
int executable_problem(const std::string& path) {
  struct ::stat info{};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// As execvp(3) looks for it.
int search_problem(const std::string& program) {
  std::string_view places = "/bin:/usr/bin";
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("PATH=")) places = text.substr(5);
  }
  int problem = ENOENT;
  for (;;) {
    const std::size_t colon = places.find(':');
    const std::string place(places.substr(0, colon));
    const int here = executable_problem((place.empty() ? "." : place) + "/" + program);
    if (here == 0) return 0;
    if (here == EACCES) problem = EACCES;
    if (colon == std::string_view::npos) return problem;
    places.remove_prefix(colon + 1);
  }
}

struct Pipe {
  Descriptor reading;
  Descriptor writing;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(system_error(errno, "cannot make a pipe"));
  Descriptor reading(ends[0]);
  const Descriptor low(ends[1]);
  // Above the three standard ones, which the child is about to replace one after another.
  Descriptor writing(::fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (writing.get() < 0 || ::fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) {
    return fail(system_error(errno, "cannot set up a pipe"));
  }
  return Pipe{std::move(reading), std::move(writing)};
}

// What is to be done between fork and exec.
class SpawnPlan {
 public:
  explicit SpawnPlan(int output) {
    // These only fail for lack of memory, and then the spawn that uses them does too.
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    // Close-on-exec may be missing on a descriptor of a library; a lock of ours must not live on in a hook.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    // A session of its own is a process group too, and has no terminal that a program could wait at for a person.
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  Result<pid_t> spawn(const ProgramCall& call) const {
    std::vector<std::string> words = call.arguments;
    std::vector<std::string> variables = environment_of(call);
    pid_t child = -1;
    const int why = ::posix_spawnp(&child, words.front().c_str(), &actions_, &attributes_, pointers(words).data(),
                                   pointers(variables).data());
    if (why == 0) return child;
    return fail(cannot_run(why, call.arguments.front()));
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// The last bytes of what a program writes.
class Tail {
 public:
  explicit Tail(std::size_t limit) : limit_(limit) {}

  void append(std::string_view bytes) {
    text_.append(bytes);
    // Cut now and then only: moving the rest for each piece would cost more than the reading.
    if (text_.size() > 2 * limit_ + kSlack) text_.erase(0, text_.size() - limit_);
  }

  std::string take() {
    if (text_.size() > limit_) text_.erase(0, text_.size() - limit_);
    return std::move(text_);
  }

 private:
  static constexpr std::size_t kSlack = 64U * 1024U;
  std::size_t limit_;
  std::string text_;
};

// A descriptor that can be read from when the process has ended; close-on-exec by itself.
int open_process(pid_t process) {
  // The wrapper of glibc 2.36 cannot be called from C++: its header does not say that it is C.
  return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

// A started program until it has ended.
class Running {
 public:
  Running(Clock& clock, const ProgramCall& call, pid_t child, Descriptor output)
      : clock_(clock),
        started_(clock.monotonic()),
        deadline_(started_ + call.timeout),
        child_(child),
        output_(std::move(output)),
        ended_(open_process(child)),
        tail_(call.output_limit) {}

  Result<ProgramResult> wait() {
    const Status ended = ended_.get() < 0 ? Status(fail(system_error(errno, "cannot watch a program"))) : watch();
    // Its number is its own until it is reaped. Nothing of a program that was out of time, or is not watched, stays.
    if (result_.timed_out || !ended) kill(SIGKILL);
    siginfo_t info{};
    const int reaped = uninterrupted([&] { return ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED); });
    if (!ended) return fail(ended.error());
    if (reaped != 0) return fail(system_error(errno, "cannot learn how a program ended"));
    if (info.si_code == CLD_EXITED) {
      result_.exit_status = info.si_status;
    } else {
      result_.signal = info.si_status;
    }
    drain();
    result_.output = tail_.take();
    result_.duration = clock_.monotonic() - started_;
    return std::move(result_);
  }

 private:
  Status watch() {
    for (;;) {
      const milliseconds left = deadline_ - clock_.monotonic();
      if (left.count() <= 0) {
        run_out();
        continue;
      }
      constexpr milliseconds kLongest{60'000};
      std::array<pollfd, 2> watched{{{ended_.get(), POLLIN, 0}, {reading_ ? output_.get() : -1, POLLIN, 0}}};
      const int count = ::poll(watched.data(), watched.size(), static_cast<int>(std::min(left, kLongest).count()));
      if (count < 0 && errno != EINTR) return fail(system_error(errno, "cannot wait for a program"));
      if (count <= 0) continue;
      if (watched[0].revents != 0) return {};
      read_once();
    }
  }

  // First politely; then there is no choice.
  void run_out() {
    kill(result_.timed_out ? SIGKILL : SIGTERM);
    result_.timed_out = true;
    deadline_ = clock_.monotonic() + kGrace;
  }

  void kill(int signal) const {
    // That the group is gone already is no problem, and no other failure is possible for a child of ours.
    static_cast<void>(::kill(-child_, signal));
  }

  // False when there is nothing to read now.
  bool read_once() {
    std::array<char, 16U * 1024U> piece{};
    const ssize_t count = uninterrupted([&] { return ::read(output_.get(), piece.data(), piece.size()); });
    if (count > 0) {
      tail_.append({piece.data(), static_cast<std::size_t>(count)});
      return true;
    }
    if (count == 0 || errno != EAGAIN) reading_ = false;
    return false;
  }

  // What the program wrote before it ended. A child that it left behind may hold the pipe, and write for ever.
  void drain() {
    constexpr int kPieces = 256;
    for (int piece = 0; piece < kPieces && reading_ && read_once(); ++piece) {
    }
  }

  Clock& clock_;
  milliseconds started_;
  milliseconds deadline_;
  pid_t child_;
  Descriptor output_;
  Descriptor ended_;
  Tail tail_;
  bool reading_ = true;
  ProgramResult result_;
};

}  // namespace

std::string ProgramResult::describe() const {
  if (timed_out) {
    const auto seconds = duration.count() / 1000;
    return "was ended after " +
           (seconds > 0 ? std::to_string(seconds) + " s" : std::to_string(duration.count()) + " ms");
  }
  if (signal != 0) return "was ended by signal " + std::to_string(signal);
  return "exited with " + std::to_string(exit_status);
}

Status PosixProgramRunner::check(const std::string& program) {
  TRY(check_call({.arguments = {program}}));
  const bool is_path = program.find('/') != std::string::npos;
  const int problem = is_path ? executable_problem(program) : search_problem(program);
  if (problem == 0) return {};
  return fail(cannot_run(problem, program));
}

Result<ProgramResult> PosixProgramRunner::run(const ProgramCall& call) {
  TRY(check_call(call));
  Pipe pipe = TRY(make_pipe());
  pid_t child = -1;
  {
    const Descriptor writing = std::move(pipe.writing);  // closed here once the child has it
    child = TRY(SpawnPlan(writing.get()).spawn(call));
  }
  return Running(clock_, call, child, std::move(pipe.reading)).wait();
}

}  // namespace lockstep::fs
