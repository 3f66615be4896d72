"""Cuts the power under real file systems: every command, on ext4, xfs and btrfs, and looks at what is left.

For each file system and workload the real command runs on a recording block device: once as it is, and once with an
unrelated file fsynced before each of its steps. Each recording is cut at every flush; the writes between two flushes arrive in every
combination (up to seven of them; beyond that and for parts of writes, in a seeded sample). Each such disk is mounted
by the running kernel, and what is read through the stable names must be the complete old or the complete new state;
after the command's success only the new one, with everything that the command had made. Then the next run must succeed.

The controls, a pair replaced file by file and a swap without fsyncs, must show bad states on every file system.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from device import FILE_SYSTEMS, FileSystem, missing_for, missing_for_devices, opened_device, program, use_own_mounts
from judge import EITHER, ONLY_NEW, Judge
from peers.scenarios import PEERS, problem
from scenarios import NEW, OLD, Scenario
from states import Recording, choose, enumerate_states
from support import run, scratch, skip
from workloads import WORKLOADS

SAMPLE = 10  # states of each cell in a plain run
DEEP = 600  # in the deep run
CONTROL = 60  # of a control at least: it must be found wrong


def label(scenario: Scenario) -> str:
    return scenario.name if scenario.tool in ("lockstep", "cp") else f"{scenario.tool}: {scenario.name}"


@dataclass
class Cell:
    kind: FileSystem
    workload: str
    writes: int = 0
    flushes: int = 0
    possible: int = 0
    exhaustive: bool = True
    tried: int = 0  # disks mounted, all different
    trees: int = 0  # different directory trees on them
    old: int = 0
    new: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def scenario(self) -> Scenario:
        """Looked up, because it cannot travel between processes."""
        return next(one for one in (*WORKLOADS, *PEERS) if label(one) == self.workload)

    @property
    def control(self) -> bool:
        return self.scenario.control

    @property
    def ours(self) -> bool:
        return self.scenario.tool == "lockstep" and not self.control


def record(one: Judge, scenario: Scenario, steps: bool) -> list[str]:
    """The events of the command's run; with `steps`, the unrelated file is fsynced before each of them."""
    one.prepare()
    argv = list(map(str, scenario.argv(one.work)))
    if steps:
        argv = [str(program("step_fsync")), str(one.unrelated), str(one.device.marks), *argv]
    return one.record(lambda: run(argv, cwd=one.work))[1]


def judge_recording(cell: Cell, one: Judge, recording: Recording, limit: int | None, seed: str) -> list[str]:
    """Adds to the cell what the chosen states of one recording show; returns the bad ones."""
    cell.writes += recording.writes
    cell.flushes += recording.flushes
    cell.possible += len(recording.states)
    cell.exhaustive = cell.exhaustive and recording.exhaustive
    bad = []
    seen: set[str] = set()
    for state in choose(recording.states, limit, seed):
        digest = one.device.show(state.prefix, state.pieces) + str(state.after_success)
        if digest in seen:
            continue  # the same bytes again
        seen.add(digest)
        verdict = one.judge(ONLY_NEW if state.after_success else EITHER)
        cell.tried += 1
        cell.old += verdict == OLD
        cell.new += verdict == NEW
        if verdict not in (OLD, NEW):
            when = "after success" if state.after_success else f"in step {state.step}"
            bad.append(f"{when}: {verdict}\n    state: {state.text}")
    cell.bad += bad
    return bad


def cut(cell: Cell, limit: int | None, seed: str, kept: Path) -> Cell:
    """Records one cell and judges its states."""
    began = time.monotonic()
    with scratch("power-cut", in_memory=True) as base, opened_device(base, cell.kind) as device:
        one = Judge(device, base, cell.kind, cell.scenario)
        if limit is not None:
            limit = max(limit, 0 if cell.ours else CONTROL) // 2  # of each of the two recordings
        for steps in (True, False):
            bad = judge_recording(cell, one, enumerate_states(record(one, cell.scenario, steps), f"{seed} {steps}"), limit, seed)
            if bad and cell.ours:
                kept.mkdir(parents=True, exist_ok=True)
                device.order(f"save {kept / recording_name(cell, steps)}")
        cell.trees = one.trees
    cell.seconds = time.monotonic() - began
    return cell


def repeat(kind: FileSystem, scenario: Scenario, recording: Path, text: str) -> int:
    """Judges one state of a kept recording again."""
    prefix, *pieces = text.split()
    with scratch("power-cut", in_memory=True) as base, opened_device(base, kind) as device:
        one = Judge(device, base, kind, scenario)
        events = one.load(recording)
        after = "M success" in events[: max([int(prefix), *(int(piece.split(":")[0]) for piece in pieces)])]
        device.show(int(prefix), pieces)
        verdict = one.judge(ONLY_NEW if after else EITHER)
    print(verdict)
    return 0 if verdict in (OLD, NEW) else 1


def recording_name(cell: Cell, steps: bool) -> str:
    words = f"{cell.kind.name} {cell.workload} {'with steps' if steps else 'as it is'}"
    return "-".join("".join(letter if letter.isalnum() else " " for letter in words).split())


def print_heads() -> None:
    heads = ("writes", "flushes", "states", "mounted", "trees", "old", "new", "bad", "s")
    print(f"{'file system':22}{'workload':26}" + "".join(f"{head:>9}" for head in heads), flush=True)


def print_row(cell: Cell) -> None:
    states = f"{cell.possible}{'' if cell.exhaustive else '+'}"
    row = (cell.writes, cell.flushes, states, cell.tried, cell.trees, cell.old, cell.new, len(cell.bad),
           f"{cell.seconds:.0f}")  # fmt: skip
    print(f"{cell.kind.name:22}{cell.workload:26}" + "".join(f"{value!s:>9}" for value in row), flush=True)


def print_kinds(cell: Cell) -> None:
    """What is wrong with somebody else's states: each kind of it once, with how many there were."""
    kinds = Counter(text.split("\n")[0].split(": ", 1)[1][:150] for text in cell.bad)
    late = sum(text.startswith("after success") for text in cell.bad)
    print(f"{cell.kind.name}: {cell.workload}: {len(cell.bad)} bad of {cell.tried}, {late} of them after success")
    for text, times in kinds.most_common(4):
        print(f"  {times:>4} {text}")


def peers() -> list[Scenario]:
    """The tools that are installed; says which are not."""
    for tool in dict.fromkeys(one.tool for one in PEERS):
        if said := problem(tool):
            print(f"SKIPPED: {tool}: {said}")
    return [one for one in PEERS if problem(one.tool) is None]


def print_bad(cell: Cell, kept: Path) -> None:
    for text in cell.bad[:5]:
        print(f"BAD STATE: {cell.kind.name}: {cell.workload}: {text}")
    print(f"  {len(cell.bad)} bad of {cell.tried}; the recording is kept in {kept}; the one with steps or"
          " as it is. Repeat one with\n  power_cut.py"
          f" --file-system '{cell.kind.name}' --workload '{cell.workload}' --recording FILE --state '…'")  # fmt: skip


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file-system", choices=[kind.name for kind in FILE_SYSTEMS], help="only this one")
    parser.add_argument("--workload", help="only this one, named as in the table")
    parser.add_argument("--peers", action="store_true", help="other people's commands instead of ours")
    parser.add_argument("--states", type=int, metavar="N", default=DEEP if deep else SAMPLE,
                        help="states of each file system and workload; 0 means all")  # fmt: skip
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--recording", type=Path, help="a kept recording: judge one --state of it again")
    parser.add_argument("--state", help="as a bad state was printed")
    parser.add_argument("--kept", type=Path, default=Path("power-cut-bad"), help="where recordings of bad states go")
    options = parser.parse_args()
    if problem := missing_for_devices():
        skip(problem)
    use_own_mounts()
    kinds = [kind for kind in FILE_SYSTEMS if options.file_system == kind.name]
    if not options.file_system:
        # The other ways of mounting ext4 are for the deep run; "," tells them.
        kinds = [kind for kind in FILE_SYSTEMS if deep or "," not in kind.name]
    scenarios = [one for one in (peers() if options.peers else WORKLOADS) if options.workload in (None, label(one))]
    if options.recording:
        return repeat(kinds[0], scenarios[0], options.recording, options.state)
    for kind in kinds:
        if problem := missing_for(kind):
            skip(f"{kind.name}: {problem}")
    print(f"power cut: {options.states or 'all'} states of each, seed {options.seed}", flush=True)
    began = time.monotonic()
    # Processes, not threads: a command that one thread starts holds the other's files open until its exec, and a file
    # system with open files cannot be unmounted.
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(cut, Cell(kind, label(scenario)), options.states or None,
                        f"{options.seed} {kind.name} {label(scenario)}", options.kept)
            for kind in kinds
            for scenario in scenarios
        ]  # fmt: skip
        print_heads()
        cells = []
        for job in jobs:
            cells.append(job.result())
            print_row(cells[-1])
    failed = False
    for cell in cells:
        if cell.control and not cell.bad:
            print(f"FAILED: {cell.kind.name}: {cell.workload}: the rig did not see that it is wrong")
            failed = True
        if cell.bad and cell.ours:
            print_bad(cell, options.kept)
            failed = True
        if not cell.ours and not cell.control:
            print_kinds(cell)
    ours, others = [cell for cell in cells if cell.ours], [cell for cell in cells if not cell.ours]
    print(f"ours: {sum(len(cell.bad) for cell in ours)} bad of {sum(cell.tried for cell in ours)} disks; the others:"
          f" {sum(len(cell.bad) for cell in others)} bad of {sum(cell.tried for cell in others)};"
          f" {time.monotonic() - began:.0f} s")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
