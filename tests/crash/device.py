"""A block device that records what a file system does to it and shows any state a power cut could have left.

It proves nothing by itself; power_cut.py and failing_disk.py use it. recording_disk serves one file over FUSE, a loop
device lies on that file, and a real file system of the running kernel lies on the loop device.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import TIMEOUT, Failure, binary, environment, run

_BLKFLSBUF = 0x1261
_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 1 << 14 | 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class FileSystem:
    name: str
    type: str
    make: tuple[str, ...]  # the command that makes it; the device is added
    options: str = ""
    megabytes: int = 48


# Small, but otherwise as an administrator gets them: 4 KiB blocks, a journal, no work left for after the first mount.
_EXT4 = ("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard")
_XFS = ("mkfs.xfs", "-q", "-f", "-K")
_BTRFS = ("mkfs.btrfs", "-q", "-f", "-K")

FILE_SYSTEMS = (
    FileSystem("ext4", "ext4", _EXT4),
    FileSystem("ext4, noauto_da_alloc", "ext4", _EXT4, "noauto_da_alloc"),
    FileSystem("ext4, data=writeback", "ext4", _EXT4, "data=writeback"),
    FileSystem("xfs", "xfs", _XFS, megabytes=300),  # the least that mkfs.xfs accepts
    FileSystem("btrfs", "btrfs", _BTRFS, megabytes=128),
)


def missing_for_devices() -> str | None:
    """Why recording disks cannot be used here, or None."""
    if os.geteuid() != 0:
        return "the rig mounts file systems: it needs root"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    return None


def missing_for(kind: FileSystem) -> str | None:
    if shutil.which(kind.make[0]) is None:
        return f"{kind.make[0]} is not installed"
    known = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
    return None if kind.type in known else f"the kernel has no {kind.type}"


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def use_own_mounts() -> None:
    """What is mounted from here on is seen by this process and its children only, and gone when they are.

    A program that copies the mounts meanwhile (unshare, a container) would hold a file system's old state alive.
    """
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None), "mount --make-rprivate /")


def mount(device: str, where: Path, kind: FileSystem) -> None:
    data = kind.options.encode() or None
    _check(_libc.mount(device.encode(), os.fspath(where).encode(), kind.type.encode(), 0, data), f"mount {device}")


def unmount(where: Path) -> None:
    _check(_libc.umount2(os.fspath(where).encode(), 0), f"umount {where}")


def sync_file_system(where: Path) -> None:
    descriptor = os.open(where, os.O_RDONLY)
    try:
        _check(_libc.syncfs(descriptor), f"syncfs {where}")
    finally:
        os.close(descriptor)


@contextmanager
def alone_with_loops() -> Iterator[None]:
    """Two that look for a free loop device can be told the same one. The slower one claims it for a moment, and in that
    moment mkfs of the faster one finds it in use."""
    with open("/dev/loop-control", "rb") as control:
        fcntl.flock(control, fcntl.LOCK_EX)
        yield


class Device:
    """A recording disk with a loop device on it. `path` is the block device, `marks` takes a tracer's marks."""

    def __init__(self, base: Path, program: Path, kind: FileSystem) -> None:
        self._folder = base / "fuse"
        self._folder.mkdir()
        self.marks = self._folder / "mark"
        self._server = subprocess.Popen(
            [program, self._folder, str(kind.megabytes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.path = ""
        try:
            if (said := self._line()) != "ready":
                raise Failure(f"{program.name}: {said or 'ended at once'}")
            with alone_with_loops():
                made = run(["losetup", "--find", "--show", self._folder / "disk"])
            if made.code != 0:
                raise Failure(f"losetup: {made.text}")
            self.path = made.stdout.strip()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.path:
            run(["losetup", "--detach", self.path])
        self._server.stdin.close()
        try:
            self._server.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def _line(self) -> str:
        return self._server.stdout.readline().rstrip("\n")

    def order(self, text: str) -> str:
        self._server.stdin.write(text + "\n")
        self._server.stdin.flush()
        answer = self._line()
        if not answer or answer.startswith("error"):
            raise Failure(f"recording_disk: {text.split()[0]}: {answer or 'it ended'}")
        return answer

    def events(self) -> list[str]:
        lines = [self.order("events")]
        while lines[-1] != ".":
            lines.append(self._line())
        return lines[:-1]

    def show(self, prefix: int, pieces: Sequence[str] = ()) -> str:
        """Shows a state, and makes the kernel forget what it knew of the device."""
        digest = self.order(" ".join(["show", str(prefix), *pieces]))
        self.forget()
        return digest

    def forget(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _BLKFLSBUF)
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
        finally:
            os.close(descriptor)

    def format(self, kind: FileSystem) -> None:
        with alone_with_loops():
            made = run([*kind.make, self.path], env=environment(PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        if made.code != 0:
            raise Failure(f"{kind.make[0]}: {made.text}")


@contextmanager
def mounted(device: Device, where: Path, kind: FileSystem) -> Iterator[Path]:
    mount(device.path, where, kind)
    try:
        yield where
    finally:
        unmount(where)


@contextmanager
def opened_device(base: Path, kind: FileSystem) -> Iterator[Device]:
    device = Device(base, program("recording_disk"), kind)
    try:
        yield device
    finally:
        device.close()


def program(name: str) -> Path:
    """One of the rig's own programs, from the build that the binary under test is of."""
    path = Path(os.environ.get("LOCKSTEP_CRASH_PROGRAMS") or Path(binary()).parent) / name
    if not os.access(path, os.X_OK):
        raise SystemExit(f"Error: {path} is missing; build it with scripts/build --tests, or set LOCKSTEP_CRASH_PROGRAMS")
    return path
