"""Breaks our commands and other people's at every system call, in one run and by one judge, and prints one table.

The faults are those of tests/sweep.py: a kill before each call that touches the working directory, and each call failing
with each errno. The judge is milder than the one our own sweep has, and the same for all:

  killed      what is read by the usual names is the complete old or the complete new state, and the next run works
  exit 0      the state is the new one, and the next run works
  exit > 0    as after a kill: the tool may have changed everything or nothing, and may leave temporaries

What is bad is counted by kind, after which the next run is done nevertheless: `stays` counts those that it did not put
right. Before anything is broken, each scenario must pass its own judge without a fault; the control, two plain copies,
must be found bad. Ours must have no bad state; that others have is the finding, not a failure of this test. Points are
sampled and the seed is printed; --all breaks every one. A fault that does not happen is an error, never a pass.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # so that `sweep` is tests/sweep.py

import argparse
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence

from injection import KILL, Call, Hang, Injected, NotFired, Point, points_of, tracing_problem
from scenarios import NEW, OLD, Scenario
from support import Failure, binary, scratch, skip, tree_state
from sweep import Bench, Report, Sweep, sample

from peers.scenarios import CONTROL, OURS, PEERS, TOOLS, problem, version
from peers.verdict import HANG, KINDS, LOSS, NEXT, Bad, kind_of

SAMPLE = 24
BAD = "bad"


class FairSweep(Sweep):
    """The faults of our own sweep with the judge that is told above."""

    TRIES = 30  # of a point in a program whose threads race

    def record(self) -> list[Call]:
        aside = self.scenario.aside
        calls = [call for call in super().record()
                 if not any(path == top or path.startswith(f"{top}/") for path in call.paths for top in aside)]  # fmt: skip
        self.report.calls = len(calls)
        return calls

    def _clean(self, work: Path) -> None:
        """What is left over is not held against anybody; the next run has to work in spite of it."""

    def _inject(self, bench: Bench, point: Point) -> Injected:
        try:
            return super()._inject(bench, point)
        except Hang as hang:
            raise Bad(HANG, str(hang)) from hang

    def _judge(self, bench: Bench, point: Point, injected: Injected) -> None:
        if not injected.killed and injected.code != 0:
            self._count("failed")
        if self._elsewhere(tree_state(bench.work)) == self._elsewhere(bench.before):
            if injected.code == 0:
                raise Bad(LOSS, "exit 0, and nothing has changed")
            self._count(OLD)  # the very bytes from which record() has shown that the next run works
            return
        try:
            state = self._state(bench.work)
            if injected.code == 0 and state == OLD:
                raise Bad(LOSS, "exit 0, and the state is the old one")
        except Exception as first:
            self._count(self._after_bad(bench.work))
            raise first if isinstance(first, Failure) else Bad(kind_of(first), f"{type(first).__name__}: {first}") from first
        self._count(state)
        try:
            self.scenario.follow(bench.work, state)
        except Exception as later:
            self._count("stays")
            raise Bad(kind_of(later) if isinstance(later, Bad) else NEXT, f"in the next run: {later}") from later

    def _elsewhere(self, tree: dict[str, tuple]) -> dict[str, tuple]:
        """Without logs and the like, which no run looks at."""
        aside = tuple(top.removeprefix("./") for top in self.scenario.aside)
        return {name: what for name, what in tree.items() if not name.startswith(aside)} if aside else tree

    def _after_bad(self, work: Path) -> str:
        """Whether the next run puts it right."""
        try:
            self.scenario.follow(work, BAD)
            self._state(work)
            return "healed"
        except Exception:
            return "stays"  # what is counted is that it did not work, in whatever way


def faults(calls: Sequence[Call]) -> list[Point]:
    """Every fault, but of the kills that find the same files only the last: certbot asks 232 times what its stdout is."""
    changing = {call for call in calls if call.mutating}
    last = max(at for at, call in enumerate(calls) if call.mutating)
    changing.update(calls[last + 1 : last + 2])  # the kill after everything
    return [point for point in points_of(calls) if point.action != KILL or point.call in changing]


def sweep(scenario: Scenario, count: int | None, chance: random.Random, kept: Path) -> Report:
    began = time.monotonic()
    with scratch("peers", in_memory=True) as base:
        one = FairSweep(scenario, base, kept)
        points = faults(one.record())
        if count is not None and not scenario.control:
            points = sample(points, count, chance)
        one.run(points)
    one.report.seconds = time.monotonic() - began
    return one.report


def kinds_of(report: Report) -> Counter[str]:
    return Counter(kind_of(bad.problem) for bad in report.bad if not isinstance(bad.problem, NotFired))


def not_fired(report: Report) -> int:
    return sum(isinstance(bad.problem, NotFired) for bad in report.bad)


def explained(report: Report) -> str:
    kinds = kinds_of(report)
    text = ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS if kinds[kind])
    stays = report.counts["stays"]
    return f"{text}; the next run leaves {stays} of them" if kinds else "-"


def print_heads() -> None:
    heads = ("calls", "points", "killed", "failed", "exit 0", "old", "new", "bad", "of kills", "s")
    print(f"{'tool':12}{'scenario':22}" + "".join(f"{head:>9}" for head in heads) + "  what is bad", flush=True)


def print_row(report: Report) -> None:
    counts = report.counts
    real = [bad for bad in report.bad if not isinstance(bad.problem, NotFired)]
    cells = (report.calls, report.points, counts["killed"], counts["failed"], counts["exit 0"], counts[OLD], counts[NEW],
             len(real), sum(bad.point.action == KILL for bad in real), f"{report.seconds:.0f}")  # fmt: skip
    print(f"{report.scenario.tool:12}{report.scenario.name:22}" + "".join(f"{cell!s:>9}" for cell in cells) +
          f"  {explained(report)}", flush=True)  # fmt: skip


def print_details(report: Report, every: bool) -> None:
    for bad in report.bad:
        if every and not report.scenario.control or report.scenario.tool == "lockstep" or isinstance(bad.problem, NotFired):
            print(f"BAD STATE in {report.scenario.tool}, {report.scenario.name}\n  fault: {bad.point}\n  wrong: {bad.reason}\n"
                  f"  said:  {bad.outcome[-600:]}\n  kept:  {bad.kept}")  # fmt: skip


def failures(reports: Sequence[Report]) -> list[str]:
    """What makes this test fail: ours bad, a blind control, faults that did not happen."""
    found = []
    for report in reports:
        name = f"{report.scenario.tool}, {report.scenario.name}"
        if missed := not_fired(report):
            found.append(f"{name}: {missed} faults did not happen, so nothing can be said of those points")
        if report.scenario.control:
            if {bad.point.action == KILL for bad in report.bad} != {True, False}:
                found.append(f"{name}: the sweep did not see what a kill and what a failed call do to it")
        elif report.scenario.tool == "lockstep" and kinds_of(report):
            found.append(f"{name}: {explained(report)}")
    return found


def chosen(options: argparse.Namespace) -> list[Scenario]:
    wanted = []
    for tool in TOOLS:
        if options.tool and tool not in options.tool:
            continue
        if reason := problem(tool):
            print("=" * 78 + f"\nSKIPPED: {tool}: {reason}\n" + "=" * 78)
            continue
        wanted += [one for one in (*OURS, *PEERS) if one.tool == tool and options.scenario in (None, one.name)]
    return [*wanted, CONTROL]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this one; may be given several times")
    parser.add_argument("--scenario", help="only those of this name")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="K", help=f"random points per scenario; default {SAMPLE}")
    parser.add_argument("--all", action="store_true", help="every point; takes an hour and more")
    parser.add_argument("--details", action="store_true", help="each bad state, and keep its directory")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    binary()
    if reason := tracing_problem():
        skip(reason)
    count = None if options.all else options.sample
    print(f"peers: {'every point' if count is None else f'{count} points a scenario'}, seed {options.seed}")
    for tool in options.tool or TOOLS:
        print(f"  {tool}: {version(tool)}", flush=True)

    kept = Path(tempfile.mkdtemp(prefix="lockstep-peers-bad-"))
    scenarios = chosen(options)
    print_heads()
    reports = []
    for scenario in scenarios:
        chance = random.Random(f"{options.seed} {scenario.tool} {scenario.name}")
        reports.append(sweep(scenario, count, chance, kept))
        print_row(reports[-1])
    for report in reports:
        print_details(report, options.details)
    found = failures(reports)
    for text in found:
        print(f"FAILED: {text}")
    if not found and not options.details:
        shutil.rmtree(kept, ignore_errors=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
