"""Records the system calls of a command and repeats it with one of them killed or failing, by strace.

It proves nothing by itself; sweep.py uses it. A call is named by its system call and its ordinal among the calls of
that name, which is how strace's `when=` counts (per thread, so the commands run with one). Only calls that touch the
working directory or deliver the result are injected into, never the loader's.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import Failure, environment

KILL = "SIGKILL"
TIMEOUT = 45.0

# What each call may fail with. Calls that cannot fail in the kernel once their arguments are right (F_SETFD) are left out.
_MAKES_A_NAME = ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES")
_READS_NAMES = ("EIO", "EACCES")
_ERRORS: dict[str, tuple[str, ...]] = {
    "openat": ("EIO", "EACCES", "EMFILE", "EINTR"),
    "mkdirat": _MAKES_A_NAME,
    "symlinkat": _MAKES_A_NAME,
    "linkat": _MAKES_A_NAME,
    "renameat": _MAKES_A_NAME,
    "renameat2": _MAKES_A_NAME,
    "unlinkat": ("EIO", "EROFS", "EACCES"),
    "write": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "pwrite64": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "copy_file_range": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "ftruncate": ("EIO", "ENOSPC", "EROFS", "EINTR"),
    "fallocate": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"),
    "syncfs": ("EIO", "ENOSPC", "EDQUOT"),
    "fchmod": ("EIO", "EROFS", "EACCES"),
    "fchown": ("EIO", "EROFS", "EDQUOT", "EACCES"),
    "fsetxattr": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"),
    "fgetxattr": ("EIO", "EACCES"),
    "flistxattr": ("EIO", "EACCES"),
    "flock": ("EIO", "EINTR"),
    "fcntl": (),
    "ioctl": (),
    "read": ("EIO", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "close": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "newfstatat": _READS_NAMES,
    "fstat": ("EIO",),
    "statx": _READS_NAMES,
    "readlink": _READS_NAMES,
    "readlinkat": _READS_NAMES,
    "getdents64": ("EIO",),
    # The forms without a directory: other people's programs use them.
    "mkdir": _MAKES_A_NAME,
    "symlink": _MAKES_A_NAME,
    "link": _MAKES_A_NAME,
    "rename": _MAKES_A_NAME,
    "unlink": ("EIO", "EROFS", "EACCES"),
    "rmdir": ("EIO", "EROFS", "EACCES"),
    "chmod": ("EIO", "EROFS", "EACCES"),
    "chown": ("EIO", "EROFS", "EDQUOT", "EACCES"),
    "truncate": ("EIO", "ENOSPC", "EROFS", "EINTR"),
    "sendfile": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "writev": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "access": _READS_NAMES,
}  # fmt: skip
_CREATING_OPEN = ("ENOSPC", "EDQUOT", "EROFS")
_MUTATING = frozenset("mkdirat symlinkat linkat renameat renameat2 unlinkat write pwrite64 copy_file_range ftruncate "
                      "fallocate fsync fdatasync syncfs fchmod fchown fsetxattr mkdir symlink link rename unlink rmdir "
                      "chmod chown truncate sendfile writev".split())  # fmt: skip
_NAMES_AFTER_FD = frozenset("openat mkdirat symlinkat linkat renameat renameat2 unlinkat newfstatat statx "
                            "readlinkat".split())  # fmt: skip

_CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>[a-z_0-9]+)\((?P<rest>.*)$")
_DESCRIPTOR = re.compile(r'(?P<number>AT_FDCWD|\d+)<(?P<path>/[^>]*)>(?P<then>, "(?P<name>(?:[^"\\]|\\.)*)")?')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RANDOM = re.compile(r"\.[a-z0-9]{6}\.tmp")
_TOKEN = re.compile(r"(/acme-challenge/\.?)[A-Za-z0-9_-]{16,}")


class Hang(Failure):
    """The command did not end."""


class NotFired(Failure):
    """The fault did not happen where it was wanted: nothing can be said of the command."""


@dataclass(frozen=True)
class Call:
    name: str
    ordinal: int
    paths: tuple[str, ...]  # below the working directory "./…"; the random part of temporary names is replaced
    arguments: str
    result: str

    @property
    def mutating(self) -> bool:
        changing = "O_CREAT" in self.arguments or "O_TRUNC" in self.arguments
        return self.name in _MUTATING or (self.name == "openat" and changing)

    @property
    def errors(self) -> tuple[str, ...]:
        errors = _ERRORS[self.name]
        if self.name == "openat" and "O_CREAT" in self.arguments:
            errors += _CREATING_OPEN
        if self.name == "close" and self.paths[-1].endswith(("/.lockstep/lock", "/service", "/service/.lock")):
            # A close that fails in the kernel has closed; one that strace lets fail has not, and keeps the lock.
            errors = ()
        if self.name == "fcntl" and "F_DUPFD" in self.arguments:
            errors = ("EMFILE",)
        if self.name == "fcntl" and "F_SETLK" in self.arguments:
            errors = ("EINTR", "EIO")
        if self.name == "ioctl" and "FICLONE" in self.arguments:
            errors = ("EIO", "ENOSPC", "EDQUOT")
        return errors


@dataclass(frozen=True)
class Point:
    call: Call
    action: str  # KILL or the name of an errno

    def __str__(self) -> str:
        where = " -> ".join(self.call.paths)
        return f"{self.action} at {self.call.name} #{self.call.ordinal} on {where}"


@dataclass(frozen=True)
class Injected:
    killed: bool
    code: int
    stdout: str
    stderr: str
    drifted: bool  # the call was the right one by number, but on another path than in the recording


def _paths(name: str, arguments: str) -> tuple[str, ...]:
    found = []
    for match in _DESCRIPTOR.finditer(arguments):
        path = match["path"]
        if match["number"] == "AT_FDCWD" and match["name"] == "":
            break  # no name at all: it touches nothing
        if match["then"] and name in _NAMES_AFTER_FD and match["name"]:
            path = os.path.join(path, match["name"])
        found.append(path)
        if name not in _NAMES_AFTER_FD:
            break  # what follows is the data that is read or written
    if not found and arguments.startswith('"'):
        plain = _QUOTED.findall(arguments)
        if name in ("rename", "link"):
            found = plain[:2]
        else:
            found = plain[1:2] if name == "symlink" else plain[:1]  # what a link says is no path that the call touches
    return tuple(_TOKEN.sub(r"\1TOKEN", _RANDOM.sub(".*.tmp", path)) for path in found)


@dataclass(frozen=True)
class Entry:
    """One line of a trace: a call as it began, and its result unless another thread's call came between."""

    thread: str
    name: str
    paths: tuple[str, ...]
    arguments: str
    result: str


def entry_of(line: str, shorten: Callable[[str], str]) -> Entry | None:
    match = _CALL.match(line)
    if not match:
        return None
    arguments, _, result = match["rest"].rpartition(" = ")
    paths = tuple(map(shorten, _paths(match["name"], arguments or match["rest"])))
    return Entry(match["pid"], match["name"], paths, arguments or match["rest"], result)


def _parse(trace: Path, shorten: Callable[[str], str]) -> list[Call]:
    calls: list[Call] = []
    counts: dict[str, int] = {}
    threads = set()
    for line in trace.read_text(errors="replace").splitlines():
        if (entry := entry_of(line, shorten)) is None:
            continue
        threads.add(entry.thread)
        counts[entry.name] = counts.get(entry.name, 0) + 1
        calls.append(Call(entry.name, counts[entry.name], entry.paths, entry.arguments, entry.result))
    if len(threads) > 1:
        raise Failure("the command has more than one thread: strace counts calls per thread, so points would be missed")
    return calls


class Tracer:
    """Runs one command in one working directory; the directory's path is the same in every run."""

    def __init__(self, base: Path, work: Path) -> None:
        self._work = work
        self._trace = base / "trace"
        self._stdout = base / "stdout"
        self._stderr = base / "stderr"

    def _run(self, argv: Sequence[str], options: Sequence[str]) -> tuple[int, str, str]:
        command = ["strace", "-f", "-y", "-s", "8", "-o", str(self._trace), *options, "--", *argv]
        with open(self._stdout, "wb") as out, open(self._stderr, "wb") as err:
            tracing = subprocess.Popen(command, cwd=self._work, env=environment(), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, process_group=0)  # fmt: skip
            try:
                code = tracing.wait(TIMEOUT)
            except BaseException as problem:
                os.killpg(tracing.pid, signal.SIGKILL)  # what is traced as well: it would go on untraced
                tracing.wait()
                if isinstance(problem, subprocess.TimeoutExpired):
                    raise Hang(f"the command hangs: no end after {TIMEOUT} s") from problem
                raise
        return code, self._stdout.read_text(errors="replace"), self._stderr.read_text(errors="replace")

    def _shorten(self, path: str) -> str:
        top = str(self._work)
        if path == str(self._stdout):
            return "./(stdout)"
        if not path.startswith("/"):
            return "./" + path  # the command runs in the working directory
        return "." + path.removeprefix(top) if path == top or path.startswith(top + "/") else path

    def _record(self, argv: Sequence[str]) -> None:
        names = ",".join("?" + name for name in _ERRORS)
        code, out, err = self._run(argv, ["-e", f"trace={names}"])
        if code != 0:
            raise Failure(f"the recording run failed: exit {code}\nstdout: {out}\nstderr: {err}")

    def record(self, argv: Sequence[str]) -> list[Call]:
        """A run without a fault: the calls that can be injected into."""
        self._record(argv)
        calls = [call for call in _parse(self._trace, self._shorten)
                 if any(path.startswith(".") for path in call.paths)]
        if not any(call.mutating for call in calls):
            raise Failure("the recording shows no call that changes the working directory")
        return calls

    def inject(self, argv: Sequence[str], point: Point) -> Injected:
        """One run with one fault. That the fault fired is asserted, not hoped."""
        call = point.call
        what = f"signal={KILL}" if point.action == KILL else f"error={point.action}"
        options = ["-e", f"trace={call.name}", "-e", f"inject={call.name}:{what}:when={call.ordinal}"]
        code, out, err = self._run(argv, options)
        seen = _parse(self._trace, self._shorten)
        text = self._trace.read_text(errors="replace")
        killed = code == -9
        fired = "killed by SIGKILL" in text and killed if point.action == KILL else "(INJECTED)" in text
        if not fired or len(seen) < call.ordinal:
            raise NotFired(f"the injection did not fire: exit {code}\n{text[-600:]}\nstderr: {err}")
        return Injected(killed, code, out, err, seen[call.ordinal - 1].paths != call.paths)


_KEPT_ONLY_IF = frozenset("openat mkdirat symlinkat linkat renameat renameat2 write pwrite64 copy_file_range ftruncate "
                          "fallocate fsync fdatasync syncfs fchmod fchown fsetxattr close".split())  # fmt: skip


def essential(calls: Sequence[Call]) -> set[Call]:
    """The calls without which the new state is not durable, so that the command cannot succeed when one fails.

    These are all that write, name or sync something, and the close of what was created; but removing does not count,
    nor what a store keeps for itself (under .lockstep) once its pointer was renamed and synced.
    """
    swaps = [at for at, call in enumerate(calls) if call.name == "renameat" and call.paths[-1].endswith("/.lockstep/current")]
    committed = len(calls)
    if swaps:
        committed = next(at for at in range(swaps[-1], len(calls)) if calls[at].name == "fsync")
    created: set[str] = set()
    found = set()
    for at, call in enumerate(calls):
        path = call.paths[-1]
        if call.name == "openat" and "O_EXCL" in call.arguments:
            created.add(path)
        if call.name.startswith("renameat") and len(call.paths) > 1:
            created.discard(call.paths[-2])  # under that name is something else from here on, or nothing
        if call.name not in _KEPT_ONLY_IF or (call.name == "openat" and "O_EXCL" not in call.arguments):
            continue
        if call.name == "close":
            if path not in created:
                continue
            created.remove(path)  # a later close is a reader's
        if call.name.startswith("renameat") and path.endswith(".tmp"):
            continue  # puts a left-over aside to remove it
        if call.name == "mkdirat" and "EEXIST" in call.result:
            continue
        if at <= committed or "/.lockstep" not in path:
            found.add(call)
    return found


def points_of(calls: Sequence[Call]) -> list[Point]:
    """Every fault: a kill before each call, and each errno that the call may return."""
    return [Point(call, action) for call in calls for action in (KILL, *call.errors)]


def tracing_problem() -> str | None:
    """Why strace cannot inject here; None when it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", "inject=exit_group:signal=SIGKILL:when=1",
                           "sh", "-c", ":"], capture_output=True)  # fmt: skip
    if done.returncode != -9:
        said = done.stderr.decode(errors="replace").strip()
        return f"strace cannot trace processes and inject into them here: exit {done.returncode} {said}"
    return None
