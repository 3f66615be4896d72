"""Injects faults into commands of several threads or processes, where strace's own counting is of no use.

It proves nothing by itself; peers/sweep.py uses it. strace counts `when=` for each thread, and which thread of a Go
program makes a call differs from run to run. So a call is named here by its system call, one exact path and its ordinal
among those of the WHOLE process tree; strace is told to look at that path alone (-P), which leaves mostly one call to
count. Every run's trace is then read: the fault must have happened once, and at the call of that ordinal. If it did
not, the run is thrown away and done again: the second of two calls is hit only in a run in which one thread makes both,
every third one or so. A point that never fires is an error of the sweep, never a pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from injection import KILL, Call, Entry, Injected, Point, Tracer, entry_of
from support import Failure

_CHANGING = re.compile(r"(?<=cert-)\d{10}(?=\.pem)")  # a name with the time in it, uacme's backup
_RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. [a-z_0-9]+ resumed>")


@dataclass(frozen=True)
class WatchedCall(Call):
    watch: tuple[str, ...] = ()  # the path that strace is given and, if that is a link, where it led before the run


def _matches(entry: Entry, call: WatchedCall) -> bool:
    return entry.name == call.name and not set(call.watch).isdisjoint(entry.paths)


class WatchTracer(Tracer):
    def _shorten(self, path: str) -> str:
        return _CHANGING.sub("*", super()._shorten(path))

    def _entries(self) -> list[Entry]:
        lines = self._trace.read_text(errors="replace").splitlines()
        return [entry for line in lines if (entry := entry_of(line, self._shorten)) is not None]

    def record(self, argv: Sequence[str]) -> list[Call]:
        # strace looks at a link's target as well, which it resolves when it starts.
        links = {self._shorten(str(path)): self._shorten(os.path.realpath(path))
                 for path in self._work.rglob("*") if path.is_symlink()}  # fmt: skip
        self._record(argv)
        calls: list[Call] = []
        seen: dict[str, list[tuple[str, ...]]] = {}
        for entry in self._entries():
            seen.setdefault(entry.name, []).append(entry.paths)
            own = [path for path in entry.paths if path.startswith(".")]
            if not own:
                continue
            stable = next((path for path in own if "*" not in path), None)
            if stable is None:
                raise Failure(f"{entry.name} on {own}: every path differs from run to run, so the call cannot be found again")
            watch = (stable, links[stable]) if stable in links else (stable,)
            ordinal = sum(not set(watch).isdisjoint(paths) for paths in seen[entry.name])
            calls.append(WatchedCall(entry.name, ordinal, entry.paths, entry.arguments, entry.result, watch))
        if not any(call.mutating for call in calls):
            raise Failure("the recording shows no call that changes the working directory")
        return calls

    def inject(self, argv: Sequence[str], point: Point) -> Injected:
        call = point.call
        assert isinstance(call, WatchedCall)
        what = f"signal={KILL}" if point.action == KILL else f"error={point.action}"
        path = call.watch[0]
        absolute = str(self._stdout) if path == "./(stdout)" else f"{self._work}{path.removeprefix('.')}"
        relative = path.removeprefix("./")  # strace compares what the program wrote
        options = ["-P", absolute, "-P", relative, "-e", f"trace={call.name}", "-e", f"inject={call.name}:{what}:when={call.ordinal}"]
        code, out, err = self._run(argv, options)
        killed = code == -9
        if point.action == KILL:
            fired = killed and len(self._matching(call)) == call.ordinal
        else:
            fired = self._failed(call) == [call.ordinal]
        return Injected(killed, code, out, err, not fired)

    def _matching(self, call: WatchedCall) -> list[Entry]:
        return [entry for entry in self._entries() if _matches(entry, call)]

    def _failed(self, call: WatchedCall) -> list[int]:
        """The ordinals of the calls that strace let fail."""
        failed = []
        latest: dict[str, int] = {}
        ordinal = 0
        for line in self._trace.read_text(errors="replace").splitlines():
            if (entry := entry_of(line, self._shorten)) is not None:
                if not _matches(entry, call):
                    continue
                ordinal += 1
                latest[entry.thread] = ordinal
                if "(INJECTED)" in line:
                    failed.append(ordinal)
            elif (resumed := _RESUMED.match(line)) and "(INJECTED)" in line:
                failed.append(latest[resumed["thread"]])
        return failed
