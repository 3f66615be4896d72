"""Runs one workload on a recording disk, and says of any state of that disk whether it is whole.

It proves nothing by itself; power_cut.py and failing_disk.py use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import oracles
from device import Device, FileSystem, mounted, sync_file_system
from scenarios import NEW, OLD, Scenario
from support import Failure, Outcome, binary, run, tree_state

EITHER = frozenset({OLD, NEW})
ONLY_NEW = frozenset({NEW})
ONLY_OLD = frozenset({OLD})


def _digest(tree: dict[str, tuple]) -> str:
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()


class Judge:
    """One workload on one file system on one device."""

    def __init__(self, device: Device, base: Path, kind: FileSystem, scenario: Scenario) -> None:
        self.device = device
        self.mountpoint = base / "mnt"
        self.mountpoint.mkdir(exist_ok=True)
        self.work = self.mountpoint / "work"
        self.unrelated = self.mountpoint / "unrelated"
        self._kind = kind
        self._scenario = scenario
        self._made: dict[str, tuple] = {}  # what the command had made when it reported success
        self._verdicts: dict[tuple[str, frozenset[str]], str] = {}

    @property
    def trees(self) -> int:
        """How many different directory trees were seen."""
        return len({digest for digest, _ in self._verdicts})

    def prepare(self) -> None:
        """A fresh file system with the prepared directory, all of it on the disk."""
        self.device.order("stop")
        self.device.format(self._kind)
        with mounted(self.device, self.mountpoint, self._kind):
            self.work.mkdir()
            self._scenario.prepare(self.work)
            self.unrelated.write_bytes(b"\0" * 512)
            sync_file_system(self.mountpoint)

    def record(self, run_command: Callable[[], Outcome]) -> tuple[Outcome, list[str]]:
        """Runs the command with the recording on, until all that it wrote has reached the disk."""
        with mounted(self.device, self.mountpoint, self._kind):
            self.device.order("record")
            done = run_command()
            self.device.order("mark success")
            if done.code != 0:
                raise Failure(f"the recorded run failed: {done.text}")
            self._made = tree_state(self.work)
            sync_file_system(self.mountpoint)
            self.device.order("stop")
        return done, self.device.events()

    def load(self, recording: Path) -> list[str]:
        """A kept recording. What the command had made is what its last state shows."""
        self.device.order(f"load {recording}")
        events = self.device.events()
        self.device.show(len(events))
        with mounted(self.device, self.mountpoint, self._kind):
            self._made = tree_state(self.work)
        return events

    def judge(self, allowed: frozenset[str]) -> str:
        """OLD or NEW, or what is wrong with the state that the device shows."""
        try:
            with mounted(self.device, self.mountpoint, self._kind):
                return self._judge_tree(allowed)
        except OSError as problem:
            return f"the file system cannot be used: {problem}"

    def _judge_tree(self, allowed: frozenset[str]) -> str:
        tree = tree_state(self.work)
        key = (_digest(tree), allowed)
        if key not in self._verdicts:
            try:
                self._verdicts[key] = self._verdict(tree, allowed)
            except Failure as problem:
                self._verdicts[key] = str(problem)
            except Exception as problem:  # whatever cannot be read or parsed is a bad state too
                self._verdicts[key] = f"{type(problem).__name__}: {problem}"
        return self._verdicts[key]

    def _verdict(self, tree: dict[str, tuple], allowed: frozenset[str]) -> str:
        scenario = self._scenario
        ours = scenario.tool == "lockstep" and not scenario.control
        if allowed == ONLY_NEW and self._made and ours:
            if lost := [name for name, what in self._made.items() if tree.get(name) != what]:
                raise Failure(f"success was reported, but these are lost or changed: {', '.join(lost[:4])}")
        if scenario.recover:
            done = run([binary(), "recover", "."], cwd=self.work)
            if done.code != 0:
                raise Failure(f"lockstep recover: {done.text}")
        found = scenario.state(self.work)
        if found not in allowed:
            raise Failure(f"{'success' if allowed == ONLY_NEW else 'failure'} was reported, but the state is {found}")
        if found == OLD:
            scenario.rewind(self.work)
        scenario.follow(self.work, found)
        if ours:
            oracles.no_leftovers(self.work)
        return found

    def forget_made(self) -> None:
        """For runs that the recorded one says nothing about: each makes other keys and serials."""
        self._made = {}
        self._verdicts = {}
