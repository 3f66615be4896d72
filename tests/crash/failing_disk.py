"""Lets the disk itself fail under real file systems: EIO for a write or a flush, once or from then on.

For each file system and workload the command runs once to count its writes and flushes, and then again and again from
the same disk, each time with one of them failing. Then the power is cut, and what is on the disk is mounted:

  exit 0                   the new state, whole
  committed_not_delivered  the same, but for the copy that --out asked for
  commit_uncertain         the old or the new one, whole
  any other failure        the old one, whole, and the message says what failed

No run may fsync a file again whose fsync has failed: the kernel calls its pages clean, and the second fsync would lie.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from device import FILE_SYSTEMS, Device, FileSystem, missing_for, missing_for_devices, mount, opened_device, unmount, use_own_mounts
from judge import EITHER, ONLY_NEW, ONLY_OLD, Judge
from scenarios import NEW, OLD, Scenario
from support import Outcome, failure_code, run, scratch, skip
from workloads import WORKLOADS

SAMPLE = 4  # faults of each file system and workload in a plain run
DEEP = 120  # in the deep run

_ALLOWED = {"success": ONLY_NEW, "committed_not_delivered": ONLY_NEW, "commit_uncertain": EITHER}
_TRACED = [one for one in WORKLOADS if not one.control]  # a control promises nothing
_FSYNC = re.compile(r"(?:fsync|fdatasync|syncfs)\(\d+<(.*)>\)\s+= (\S+)(?: (\w+))?")


@dataclass
class Cell:
    kind: FileSystem
    workload: str
    possible: int = 0
    runs: int = 0
    hit: int = 0  # runs in which a request did fail
    said: Counter = field(default_factory=Counter)  # how they ended
    states: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def scenario(self) -> Scenario:
        return next(one for one in _TRACED if one.name == self.workload)


@dataclass(frozen=True)
class Fault:
    request: str  # write or flush
    number: int
    lasting: bool

    @property
    def order(self) -> str:
        return f"fail {self.request} {self.number} {'on' if self.lasting else 'once'}"


@contextmanager
def unreliable_mount(device: Device, where: Path, kind: FileSystem) -> Iterator[None]:
    """After a fault the file system may be dead: unmounting it may say so."""
    mount(device.path, where, kind)
    try:
        yield
    finally:
        try:
            unmount(where)
        except OSError as problem:
            print(f"note: {kind.name}: {problem}")
            raise


def error_code(done: Outcome) -> str:
    return failure_code(done.stdout) or "no code"


def repeated_fsyncs(trace: str) -> list[str]:
    """Files that were fsynced again after an fsync of them had failed. A path names one file within a run: temporary
    names are random."""
    failed: set[str] = set()
    again = []
    for line in trace.splitlines():
        if found := _FSYNC.search(line):
            path, result, _ = found.groups()
            if path in failed:
                again.append(path)
            if result == "-1":
                failed.add(path)
    return again


class FailingDisk:
    def __init__(self, base: Path, device: Device, cell: Cell) -> None:
        self._device = device
        self._cell = cell
        self._trace = base / "trace"
        self._judge = Judge(device, base, cell.kind, cell.scenario)

    def faults(self) -> list[Fault]:
        """Every write and flush of the command's run."""
        self._judge.prepare()
        _, events = self._judge.record(self._run)
        during = events[: events.index("M success")]
        return [
            Fault(request, number + 1, lasting)
            for request, letter in (("write", "W"), ("flush", "F"))
            for number in range(sum(event.startswith(letter) for event in during))
            for lasting in (False, True)
        ]

    def _run(self) -> Outcome:
        argv = list(map(str, self._cell.scenario.argv(self._judge.work)))
        return run(["strace", "-f", "-y", "-qq", "-s", "0", "-e", "trace=fsync,fdatasync,syncfs", "-o", self._trace, *argv],
                   cwd=self._judge.work)  # fmt: skip

    def one(self, fault: Fault, chance: random.Random) -> None:
        device, cell = self._device, self._cell
        device.show(0)
        self._judge.forget_made()
        with unreliable_mount(device, self._judge.mountpoint, cell.kind):
            device.order("record")
            device.order(fault.order)
            done = self._run()
            device.order("stop")  # the power goes now: what is written from here on is lost
            failed = int(device.order("heal"))
        cell.runs += 1
        cell.hit += failed > 0
        code = "success" if done.code == 0 else error_code(done)
        cell.said[code] += 1
        allowed = _ALLOWED.get(code, ONLY_OLD)
        if done.code not in (0, 1):
            cell.bad.append(f"{fault.order}: exit {done.code}: {done.text}")
        if done.code != 0 and "Input/output error" not in done.stdout and "Read-only file system" not in done.stdout:
            cell.bad.append(f"{fault.order}: the message does not say what failed: {done.text}")
        if again := repeated_fsyncs(self._trace.read_text()):
            cell.bad.append(f"{fault.order}: fsynced again after a failed fsync: {', '.join(again)}")
        self._look(fault, allowed, done, chance)

    def _look(self, fault: Fault, allowed: frozenset[str], done: Outcome, chance: random.Random) -> None:
        """The disk with nothing, all and some of what was written after the last flush."""
        events = self._device.events()
        flushed = max((number + 1 for number, event in enumerate(events) if event == "F"), default=0)
        pending = [str(number) for number in range(flushed, len(events)) if events[number].startswith("W")]
        some = [piece for piece in pending if chance.random() < 0.5]
        origin = len(events)
        for pieces in {tuple(choice) for choice in ([], pending, some)}:
            self._device.show(flushed, pieces)
            verdict = self._judge.judge(allowed)
            self._cell.states += 1
            if verdict not in (OLD, NEW):
                self._cell.bad.append(f"{fault.order}: {verdict}\n    it said: {done.text}\n    {flushed} of {origin} "
                                      f"events, and {' '.join(pieces) or 'nothing'}")  # fmt: skip


def fail(cell: Cell, limit: int | None, seed: str) -> Cell:
    began = time.monotonic()
    chance = random.Random(seed)
    with scratch("failing-disk", in_memory=True) as base, opened_device(base, cell.kind) as device:
        one = FailingDisk(base, device, cell)
        faults = one.faults()
        cell.possible = len(faults)
        for fault in faults if limit is None or len(faults) <= limit else chance.sample(faults, limit):
            one.one(fault, chance)
    cell.seconds = time.monotonic() - began
    return cell


def print_heads() -> None:
    heads = ("faults", "runs", "hit", "states", "bad", "s")
    print(f"{'file system':22}{'workload':26}" + "".join(f"{head:>8}" for head in heads) + "  what it said", flush=True)


def print_row(cell: Cell) -> None:
    row = (cell.possible, cell.runs, cell.hit, cell.states, len(cell.bad), f"{cell.seconds:.0f}")
    said = ", ".join(f"{code} {times}" for code, times in sorted(cell.said.items()))
    numbers = "".join(f"{value!s:>8}" for value in row)
    print(f"{cell.kind.name:22}{cell.workload:26}{numbers}  {said}", flush=True)


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file-system", choices=[kind.name for kind in FILE_SYSTEMS], help="only this one")
    parser.add_argument("--workload", choices=[one.name for one in _TRACED], help="only this one")
    parser.add_argument("--faults", type=int, metavar="N", default=DEEP if deep else SAMPLE,
                        help="faults of each file system and workload; 0 means all")  # fmt: skip
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    if problem := missing_for_devices():
        skip(problem)
    use_own_mounts()
    kinds = [kind for kind in FILE_SYSTEMS if options.file_system in (None, kind.name) and "," not in kind.name]
    for kind in kinds:
        if problem := missing_for(kind):
            skip(f"{kind.name}: {problem}")
    print(f"failing disk: {options.faults or 'all'} faults of each, seed {options.seed}", flush=True)
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:  # processes for the reason that power_cut.py gives
        jobs = [
            pool.submit(fail, Cell(kind, one.name), options.faults or None, f"{options.seed} {kind.name} {one.name}")
            for kind in kinds
            for one in _TRACED
            if options.workload in (None, one.name)
        ]
        print_heads()
        cells = []
        for job in jobs:
            cells.append(job.result())
            print_row(cells[-1])
    for cell in cells:
        for text in cell.bad[:5]:
            print(f"BAD: {cell.kind.name}: {cell.workload}: {text}")
    hit, bad = sum(cell.hit for cell in cells), sum(len(cell.bad) for cell in cells)
    print(f"{hit} failing requests, {sum(cell.states for cell in cells)} disks, {bad} bad; {time.monotonic() - began:.0f} s")
    if hit == 0:
        print("FAILED: no request failed: the rig is broken")
    return 1 if bad or hit == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
