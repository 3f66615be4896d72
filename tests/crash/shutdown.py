"""Takes a live file system away under the running kernel, some time after success, and looks for what was reported.

EXT4_IOC_SHUTDOWN (and xfs's call of the same number) with "no log flush" is a power cut as the kernel can do it: what
is not on the disk at that moment is gone. Every command runs in a directory of its own on one file system; 0, 1 and 7
seconds after the last success that is shut down, mounted again, and everything that was reported must be there.

The control writes two files without fsync: at 0 seconds they must be gone, or the shutdown did not cut anything.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import struct
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import oracles
from device import FILE_SYSTEMS, FileSystem, missing_for, missing_for_devices, mount, mounted, opened_device
from device import sync_file_system, unmount, use_own_mounts
from scenarios import NEW
from support import Failure, run, scratch, skip, tree_state
from workloads import WORKLOADS

_SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125  # _IOR('X', 125, uint32_t)
_NO_LOG_FLUSH = 2
_TRACED = [one for one in WORKLOADS if not one.control]
_DELAYS = (0, 1, 7)


@dataclass
class Cell:
    kind: FileSystem
    delay: int
    commands: int = 0
    control_lost: bool = False
    bad: list[str] = field(default_factory=list)


def shut_down(where: Path) -> None:
    descriptor = os.open(where, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    finally:
        os.close(descriptor)


def write_control(folder: Path) -> None:
    folder.mkdir()
    for name in ("server.crt", "server.key"):
        (folder / name).write_bytes(b"x" * 1000)


def control_is_whole(folder: Path) -> bool:
    files = [folder / name for name in ("server.crt", "server.key")]
    return all(file.exists() and file.read_bytes() == b"x" * 1000 for file in files)


def cut(kind: FileSystem, delay: int) -> Cell:
    cell = Cell(kind, delay)
    with scratch("shutdown", in_memory=True) as base, opened_device(base, kind) as device:
        where = base / "mnt"
        where.mkdir()
        device.format(kind)
        mount(device.path, where, kind)
        try:
            for number, scenario in enumerate(_TRACED):
                (where / str(number) / "work").mkdir(parents=True)
                scenario.prepare(where / str(number) / "work")
            sync_file_system(where)
            write_control(where / "control")
            made = []
            for number, scenario in enumerate(_TRACED):
                work = where / str(number) / "work"
                done = run(list(map(str, scenario.argv(work))), cwd=work)
                if done.code != 0:
                    raise Failure(f"{scenario.name}: {done.text}")
                made.append(tree_state(work))
            # The delay is what is tested: dirty data that the kernel writes by itself after some seconds.
            time.sleep(delay)
            shut_down(where)
        finally:
            unmount(where)
        device.forget()
        with mounted(device, where, kind):
            cell.control_lost = not control_is_whole(where / "control")
            for number, scenario in enumerate(_TRACED):
                cell.commands += 1
                try:
                    _check(scenario, where / str(number) / "work", made[number])
                except Exception as problem:  # whatever cannot be read or parsed is a bad state too
                    cell.bad.append(f"{scenario.name}: {problem}")
    return cell


def _check(scenario, work: Path, made: dict[str, tuple]) -> None:
    tree = tree_state(work)
    if lost := [name for name, what in made.items() if tree.get(name) != what]:
        raise Failure(f"lost or changed: {', '.join(lost[:4])}")
    if scenario.state(work) != NEW:
        raise Failure("the state is old")
    scenario.follow(work, NEW)
    oracles.no_leftovers(work)


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delays", type=int, nargs="+", default=_DELAYS if deep else _DELAYS[:1], help="seconds")
    options = parser.parse_args()
    if problem := missing_for_devices():
        skip(problem)
    use_own_mounts()
    kinds = [kind for kind in FILE_SYSTEMS if kind.type in ("ext4", "xfs")]  # btrfs has no such call
    for kind in kinds:
        if problem := missing_for(kind):
            skip(f"{kind.name}: {problem}")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(cut, kind, delay) for delay in options.delays for kind in kinds]
        cells = [job.result() for job in jobs]
    failed = False
    print(f"{'file system':22}{'seconds':>9}{'commands':>10}{'lost':>6}  the control, two files without fsync")
    for cell in cells:
        control = "gone or empty" if cell.control_lost else "there"
        print(f"{cell.kind.name:22}{cell.delay:>9}{cell.commands:>10}{len(cell.bad):>6}  {control}")
        for text in cell.bad:
            print(f"LOST: {cell.kind.name}, {cell.delay} s: {text}")
        failed = failed or bool(cell.bad)
        if cell.delay == 0 and not cell.control_lost:
            print(f"FAILED: {cell.kind.name}: the shutdown lost nothing of the control: it cut nothing")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
