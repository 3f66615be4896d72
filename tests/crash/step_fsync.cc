// step_fsync FILE MARKS COMMAND…: runs a command and, before each of its system calls that changes the file system on
// which FILE lies, overwrites FILE and fsyncs it. Each step's name is written to MARKS (a file, or "-" for none).
//
// An fsync of an unrelated file makes the kernel write out what other calls left pending, in the kernel's own order.
// A protocol that is right only because nothing was flushed in between is caught by that. Exit status: the command's;
// 128 + N when signal N ended it; 125 when tracing failed.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

namespace {

using SystemCallInfo = __ptrace_syscall_info;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "step_fsync: %s: %s\n", what, std::strerror(errno));
  std::exit(125);
}

// How a call says which file it is about.
enum class About { descriptor, path, opening };

struct Step {
  std::uint64_t number;
  const char* name;
  About about;
};

constexpr std::array kSteps = {
    Step{SYS_openat, "openat", About::opening},
    Step{SYS_mkdirat, "mkdirat", About::path},
    Step{SYS_symlinkat, "symlinkat", About::path},
    Step{SYS_linkat, "linkat", About::path},
    Step{SYS_renameat, "renameat", About::path},
    Step{SYS_renameat2, "renameat2", About::path},
    Step{SYS_unlinkat, "unlinkat", About::path},
    Step{SYS_fchmodat, "fchmodat", About::path},
    Step{SYS_fchownat, "fchownat", About::path},
    Step{SYS_truncate, "truncate", About::path},
    Step{SYS_write, "write", About::descriptor},
    Step{SYS_pwrite64, "pwrite64", About::descriptor},
    Step{SYS_writev, "writev", About::descriptor},
    Step{SYS_pwritev, "pwritev", About::descriptor},
    Step{SYS_fchmod, "fchmod", About::descriptor},
    Step{SYS_fchown, "fchown", About::descriptor},
    Step{SYS_ftruncate, "ftruncate", About::descriptor},
    Step{SYS_fallocate, "fallocate", About::descriptor},
    Step{SYS_fsetxattr, "fsetxattr", About::descriptor},
    Step{SYS_ioctl, "ioctl", About::descriptor},
    Step{SYS_fsync, "fsync", About::descriptor},
    Step{SYS_fdatasync, "fdatasync", About::descriptor},
    Step{SYS_syncfs, "syncfs", About::descriptor},
    Step{SYS_close, "close", About::descriptor},
#ifdef SYS_rename  // the calls without "at" exist on x86-64 only
    Step{SYS_open, "open", About::path},
    Step{SYS_creat, "creat", About::path},
    Step{SYS_mkdir, "mkdir", About::path},
    Step{SYS_symlink, "symlink", About::path},
    Step{SYS_link, "link", About::path},
    Step{SYS_rename, "rename", About::path},
    Step{SYS_unlink, "unlink", About::path},
    Step{SYS_rmdir, "rmdir", About::path},
    Step{SYS_chmod, "chmod", About::path},
#endif
};

// Whether the descriptor of the traced process lies on the device and can be written.
bool is_written_on(pid_t process, std::uint64_t descriptor, dev_t device) {
  const std::string link = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(static_cast<int>(descriptor));
  struct stat link_stat {};
  struct stat stat_of {};
  if (lstat(link.c_str(), &link_stat) != 0 || stat(link.c_str(), &stat_of) != 0 || stat_of.st_dev != device) {
    return false;
  }
  // A directory is opened for reading, and its fsync matters.
  return S_ISDIR(stat_of.st_mode) || (link_stat.st_mode & S_IWUSR) != 0;
}

class Stepper {
 public:
  Stepper(const char* file, const char* marks) : file_(open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    struct stat stat_of {};
    if (file_ < 0 || fstat(file_, &stat_of) != 0) die(file);
    device_ = stat_of.st_dev;
    if (std::strcmp(marks, "-") != 0) marks_ = open(marks, O_WRONLY | O_CLOEXEC);
  }

  void before(pid_t process, const SystemCallInfo& info) {
    const Step* step = std::find_if(kSteps.begin(), kSteps.end(),
                                    [&info](const Step& one) { return one.number == info.entry.nr; });
    if (step == kSteps.end() || !concerns(process, *step, info)) return;
    ++count_;
    const std::string text = std::to_string(count_) + " " + step->name;
    std::array<char, 512> content{};
    text.copy(content.data(), content.size());
    if (pwrite(file_, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) die("write");
    if (fsync(file_) != 0) die("fsync");
    if (marks_ >= 0 && write(marks_, text.data(), text.size()) < 0) die("mark");
  }

 private:
  [[nodiscard]] bool concerns(pid_t process, const Step& step, const SystemCallInfo& info) const {
    if (step.about == About::path) return true;
    if (step.about == About::opening) return (info.entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
    return is_written_on(process, info.entry.args[0], device_);
  }

  int file_;
  int marks_ = -1;
  dev_t device_ = 0;
  unsigned count_ = 0;
};

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Follows every process and thread of the command until its first process has ended and no other is left.
int follow(pid_t first, Stepper* stepper) {
  std::set<pid_t> fresh;  // threads whose first stop has been seen
  int result = 125;
  for (;;) {
    int status = 0;
    const pid_t process = waitpid(-1, &status, __WALL);
    if (process < 0) return result;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (process == first) result = exit_status(status);
      continue;
    }
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      SystemCallInfo info{};
      if (ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        stepper->before(process, info);
      }
      signal = 0;
    } else if (signal == SIGTRAP && (status >> 16) != 0) {
      signal = 0;  // a fork, a clone or an exec
    } else if (signal == SIGSTOP && process != first && fresh.insert(process).second) {
      signal = 0;  // how a new thread begins
    }
    ptrace(PTRACE_SYSCALL, process, nullptr, signal);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    std::fprintf(stderr, "usage: step_fsync FILE MARKS COMMAND...\n");
    return 125;
  }
  Stepper stepper(words[1], words[2]);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0 || raise(SIGSTOP) != 0) _exit(125);
    execvp(words[3], words + 3);
    std::perror(words[3]);
    _exit(127);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("waitpid");
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(static_cast<__ptrace_request>(PTRACE_SETOPTIONS), child, nullptr, kOptions) != 0) die("ptrace");
  ptrace(PTRACE_SYSCALL, child, nullptr, 0);
  return follow(child, &stepper);
}
