"""Breaks every command at every system call and proves: all-old or all-new, and a failed command left no trace.

For each scenario a recording run lists the calls that touch the working directory. Then, each time from the same
prepared directory, the command is killed before one of them, or one of them fails with one errno. Afterwards

  killed      what is read through the stable names is the complete old or the complete new state; nothing was delivered
              that is not committed; the next run succeeds, and then nothing is left over and `doctor` is content
  exit 0      the same, and the state is the new one; unless interrupted (EINTR), the call that failed was not one
              without which the new state would not be durable
  exit 1      the directory is byte for byte what it was: names, modes, owners, links and content; except for
              commit_uncertain and committed_not_delivered, which must leave a complete state (the latter the new one)

Anything else is a bad state, printed with what made it; the directory is kept. The control scenario, two plain copies,
must be found bad: a sweep that cannot go red proves nothing.

LOCKSTEP_DEEP=1 sweeps every point; otherwise each scenario is sampled (the seed is printed).
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import oracles
from injection import KILL, Call, Injected, NotFired, Point, essential, points_of, tracing_problem
from scenarios import NEW, OLD, SCENARIOS, Scenario
from support import Failure, binary, failure_code, lockstep, scratch, skip, tree_difference, tree_state

WORKERS = 2
SAMPLE = 24
MOST_MISSED = 0.05  # of a networked command's faults
UNCERTAIN, UNDELIVERED = "commit_uncertain", "committed_not_delivered"


@dataclass
class Bad:
    point: Point
    problem: Exception
    reason: str
    outcome: str
    kept: Path


@dataclass
class Report:
    scenario: Scenario
    calls: int = 0
    points: int = 0
    counts: Counter = field(default_factory=Counter)
    uncertain: Counter = field(default_factory=Counter)  # the calls whose failure was reported as commit_uncertain
    undelivered: Counter = field(default_factory=Counter)  # the same for committed_not_delivered
    tolerated: list[str] = field(default_factory=list)  # changing calls that failed without failing the command
    unexplained: Counter = field(default_factory=Counter)  # failed runs whose message does not name the errno
    bad: list[Bad] = field(default_factory=list)
    seconds: float = 0


def error_of(injected: Injected) -> tuple[str, str]:
    """The error's code and message; a broken stdout moves them to stderr, without the code."""
    try:
        error = json.loads(injected.stdout)["error"]
        return error["code"], error["message"]
    except (ValueError, KeyError, TypeError):
        code = UNDELIVERED if "could not be printed" in injected.stderr else failure_code(injected.stdout) or "unknown"
        return code, injected.stderr.strip() or injected.stdout.strip()


class Bench:
    """Where one worker runs the command: always the same directory, because records may hold absolute paths."""

    def __init__(self, base: Path, scenario: Scenario) -> None:
        base.mkdir()
        self.work = base / "work"
        self.tracer = scenario.tracer(base, self.work)
        self._fixture = base / "fixture"
        self.work.mkdir()
        scenario.prepare(self.work)
        self.work.rename(self._fixture)
        self.restore()
        self.before = tree_state(self.work)

    def restore(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        subprocess.run(["cp", "-a", "--", self._fixture, self.work], check=True)


class Sweep:
    TRIES = 4  # of one fault, when the calls' order differs from the recording's

    def __init__(self, scenario: Scenario, base: Path, kept: Path) -> None:
        self.scenario = scenario
        self.report = Report(scenario)
        self._kept = kept
        self._lock = threading.Lock()
        self._essential: set[Call] = set()
        self._free = [Bench(base / f"w{number}", scenario) for number in range(WORKERS)]

    def record(self) -> list[Call]:
        """Proves that the command and what follows it work when nothing fails, and lists its calls."""
        bench = self._free[0]
        work = bench.work
        if self._state(work) != OLD:
            raise Failure("the prepared state is not the old one")
        bench.restore()
        calls = bench.tracer.record(self.scenario.argv(work))
        if self.scenario.networked:
            # A CA may spare it the proof of a name now and then (Pebble: once in a hundred times).
            bench.restore()
            self.scenario.rewind(work)
            calls = max(calls, bench.tracer.record(self.scenario.argv(work)), key=len)
        if self.scenario.state(work) != NEW:
            raise Failure("the command did not reach the new state")
        self._clean(work)
        self.scenario.follow(work, NEW)
        bench.restore()
        self.scenario.rewind(work)
        self.scenario.follow(work, OLD)
        self._clean(work)
        self.report.calls = len(calls)
        self._essential = essential(calls)
        for path in self.scenario.tidies:
            syncs = [call for call in calls if call.name == "fsync" and call.paths[-1] == path]
            self._essential -= set(syncs[-1:])
        return calls

    def run(self, points: Sequence[Point]) -> None:
        self.report.points = len(points)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._one, points))

    def _one(self, point: Point) -> None:
        with self._lock:
            bench = self._free.pop()
        outcome = ""
        try:
            injected = self._inject(bench, point)
            outcome = f"exit {injected.code}; stdout: {injected.stdout.strip()}; stderr: {injected.stderr.strip()}"
            with self._lock:
                self.report.counts["killed" if injected.killed else f"exit {injected.code}"] += 1
            self._judge(bench, point, injected)
        except NotFired as missed:
            if not self.scenario.networked:
                self._keep(bench, point, missed, outcome)
            with self._lock:
                self.report.counts["missed"] += 1
        except Exception as problem:  # every surprise is a finding: the sweep goes on and reports it
            self._keep(bench, point, problem, outcome)
        finally:
            with self._lock:
                self._free.append(bench)

    def _keep(self, bench: Bench, point: Point, problem: Exception, outcome: str) -> None:
        name = self.scenario.name.replace(",", "").replace(":", "").replace(" ", "-")
        directory = self._kept / f"{name}-{point.call.name}-{point.call.ordinal}-{point.action}"
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run(["cp", "-a", "--", bench.work, directory], check=False)
        reason = str(problem) if isinstance(problem, Failure) else f"{type(problem).__name__}: {problem}"
        with self._lock:
            self.report.bad.append(Bad(point, problem, reason, outcome, directory))

    def _inject(self, bench: Bench, point: Point) -> Injected:
        """One faulted run. Should the calls' order differ from the recording's, it is done again."""
        for _ in range(self.TRIES):
            bench.restore()
            injected = bench.tracer.inject(self.scenario.argv(bench.work), point)
            if not injected.drifted:
                return injected
        raise NotFired("the fault hits another path than in the recording: the command's calls are not repeatable")

    def _state(self, work: Path) -> str:
        if self.scenario.recover:
            lockstep("recover", ".", cwd=work)
        return self.scenario.state(work)

    def _judge(self, bench: Bench, point: Point, injected: Injected) -> None:
        if "PRIVATE KEY" in injected.stdout + injected.stderr:
            raise Failure("a private key was printed")
        after = tree_state(bench.work)
        if injected.killed or injected.code == 0:
            if injected.code == 0 and point.call in self._essential and point.action != "EINTR":
                raise Failure("success, although a call that makes the change durable failed")
            if injected.code == 0 and point.call.mutating:
                with self._lock:
                    self.report.tolerated.append(str(point))
            self._complete(bench, after, injected, None if injected.killed else NEW)
            return
        if injected.code != 1 and not self.scenario.control:
            raise Failure(f"exit {injected.code}")
        code, message = error_of(injected)
        if code == UNDELIVERED:
            with self._lock:
                self.report.undelivered[f"{point.call.name} {point.action}"] += 1
            self._complete(bench, after, injected, NEW)
        elif code == UNCERTAIN:
            with self._lock:
                self.report.uncertain[f"{point.call.name} {point.action}"] += 1
            self._complete(bench, after, injected, None)
        elif self.scenario.crashed or self.scenario.resumes:
            # What a crash left over may have been swept, or what the next run goes on with is kept; nothing else.
            self._complete(bench, after, injected, OLD)
        else:
            before = bench.before | {name: after[name] for name in self.scenario.may_change if name in after}
            if difference := tree_difference(before, after):
                raise Failure("a failed command left a trace:\n      " + "\n      ".join(difference))
            self._count(OLD)
        if not message:
            raise Failure("a failed command said nothing")
        if os.strerror(getattr(errno, point.action)) not in message:
            with self._lock:
                self.report.unexplained[f"{point}: {message}"] += 1

    def _complete(self, bench: Bench, after: dict[str, tuple], injected: Injected, wanted: str | None) -> None:
        """The state is old or new (or the wanted one), and the next run succeeds and leaves nothing over."""
        delivered = injected.stdout.strip() and '"error"' not in injected.stdout
        if injected.code == 1 and failure_code(injected.stdout) is None:
            delivered = False  # a doctor that could do nothing says what it found
        if after == bench.before:
            state = OLD  # the very bytes from which record() has shown that the next run succeeds
        else:
            state = self._state(bench.work)
        if wanted not in (None, state):
            raise Failure(f"exit {injected.code}, but the state is {state}")
        if delivered and state == OLD:
            raise Failure("the result was delivered, but the state is old")
        self._count(state)
        if after != bench.before:
            self.scenario.follow(bench.work, state)
            self._clean(bench.work)

    def _clean(self, work: Path) -> None:
        oracles.no_leftovers(work)

    def _count(self, state: str) -> None:
        with self._lock:
            self.report.counts[state] += 1


def sample(points: list[Point], count: int, chance: random.Random) -> list[Point]:
    """Kills before calls that change something make up half: between two of them the directory stays the same."""
    if len(points) <= count:
        return points
    kills = [point for point in points if point.action == KILL and point.call.mutating]
    chosen = set(chance.sample(kills, min(len(kills), count // 2)))
    rest = [point for point in points if point not in chosen]
    chosen.update(chance.sample(rest, count - len(chosen)))
    return [point for point in points if point in chosen]


def sweep(scenario: Scenario, count: int | None, chance: random.Random, kept: Path) -> Report:
    began = time.monotonic()
    with scratch("sweep", in_memory=True) as base:
        one = Sweep(scenario, base, kept)
        points = points_of(one.record())
        if count is not None and not scenario.control:
            points = sample(points, count, chance)
        one.run(points)
    one.report.seconds = time.monotonic() - began
    return one.report


def print_table(reports: list[Report]) -> None:
    heads = ("scenario", "calls", "points", "killed", "failed", "exit 0", "all-old", "all-new", "uncertain", "bad", "s")
    print(f"{heads[0]:24}" + "".join(f"{head:>10}" for head in heads[1:]))
    for report in reports:
        counts = report.counts
        cells = (report.calls, report.points, counts["killed"], counts["exit 1"], counts["exit 0"], counts[OLD],
                 counts[NEW], sum(report.uncertain.values()), len(report.bad), f"{report.seconds:.1f}")  # fmt: skip
        print(f"{report.scenario.name:24}" + "".join(f"{cell!s:>10}" for cell in cells))


def print_details(report: Report, tolerated: bool) -> None:
    name = report.scenario.name
    if report.uncertain:
        print(f"note: {name}: commit_uncertain after {dict(report.uncertain)}")
    if report.undelivered:
        print(f"note: {name}: committed_not_delivered after {dict(report.undelivered)}")
    for text in sorted(report.tolerated) if tolerated else ():
        print(f"note: {name}: succeeded in spite of {text}")
    for text, times in sorted(report.unexplained.items()):
        print(f"note: {name}: the message does not name the errno ({times}): {text}")
    for bad in report.bad:
        print(f"BAD STATE in {name}\n  fault: {bad.point}\n  wrong: {bad.reason}\n  said:  {bad.outcome}\n  kept:  {bad.kept}")


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", help="only this one", choices=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("--sample", type=int, metavar="K", help="random points per scenario; 0 means all",
                        default=0 if deep else SAMPLE)  # fmt: skip
    parser.add_argument("--tolerated", action="store_true", help="list the failed calls that did not fail the command")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    binary()
    if problem := tracing_problem():
        skip(problem)
    print(f"sweep: {'every point' if not options.sample else f'{options.sample} points a scenario'}, seed {options.seed}",
          flush=True)  # fmt: skip

    kept = Path(tempfile.mkdtemp(prefix="lockstep-sweep-bad-"))
    reports = []
    for scenario in SCENARIOS:
        if options.scenario in (None, scenario.name):
            # Each scenario has its own sequence, so that --scenario repeats what the whole sweep did.
            chance = random.Random(f"{options.seed} {scenario.name}")
            reports.append(sweep(scenario, options.sample or None, chance, kept))
            if not scenario.control:
                print_details(reports[-1], options.tolerated)
            sys.stdout.flush()
    print_table(reports)

    failed = any(report.bad for report in reports if not report.scenario.control)
    for report in reports:
        if missed := report.counts["missed"]:
            print(f"note: {report.scenario.name}: {missed} of {report.points} faults did not happen where they were wanted")
            failed = failed or missed > report.points * MOST_MISSED
    for report in reports:
        seen = {bad.point.action == KILL for bad in report.bad}
        if report.scenario.control and seen != {True, False}:
            print(f"FAILED: {report.scenario.name}: the sweep did not see what a kill and what a failed call do to it")
            failed = True
    if not failed:
        shutil.rmtree(kept, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
