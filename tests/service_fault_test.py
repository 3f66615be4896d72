"""The running status service, killed at and failed in the calls of a save.

The calls are those of the thread that saves, while it answers one request; sweep.py does the same to every call of one edit in
one thread. LOCKSTEP_DEEP=1 takes every point, otherwise some, by a seed that is printed.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import unittest

import service_scenarios
from injection import KILL, tracing_problem
from service_save_test import SEED, Case, body, files_of, fill
from status_server import GROUPS, SERVERS, StatusServer
from support import TIMEOUT, binary, run, tree_difference

DEEP = os.environ.get("LOCKSTEP_DEEP") == "1"
POINTS = 40
# What only the thread that saves does, once the service runs.
CALLS = ("renameat2", "renameat", "linkat", "unlinkat", "fsync", "fchmod", "flock", "newfstatat")
ERRNOS = ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES")


class Edit:
    """One request that changes something."""

    def __init__(self, method: str, target: str, body: object, query: str = "") -> None:
        self.method, self.target, self.body, self.query = method, target, body, query

    def send(self, server: StatusServer) -> object:
        headers = {} if self.method == "POST" else {"If-Match": server.get(self.target).etag}
        return server.ask(self.method, self.target + self.query, self.body, headers)


EDITS = {
    "post-server server-009": Edit("POST", SERVERS, body("Edited", id="server-009")),
    "put-server server-001": Edit("PUT", f"{SERVERS}/server-001", body("Edited")),
    "delete-server server-002": Edit("DELETE", f"{SERVERS}/server-002", None),
    "post-group group-9": Edit("POST", GROUPS, {"id": "group-9", "name": "Edited"}),
    "put-group group-1": Edit("PUT", f"{GROUPS}/group-1", {"name": "Edited"}),
    "delete-group group-1": Edit("DELETE", f"{GROUPS}/group-1", None, "?reassign=default"),
}


class Traced(Case):
    """The running service, killed at and failed in the calls of a save."""

    def one(self, what: str, call: str, ordinal: int, action: str) -> bool:
        """False when the save has not so many of these calls."""
        where = f"{what}: {action} at {call} #{ordinal}"
        shutil.rmtree(self.top / "root", ignore_errors=True)
        folder = fill(self.top / "root")
        trace = self.top / "trace"
        injected = "signal=SIGKILL" if action == KILL else f"error={action}"
        server = StatusServer(self.top / "root")
        # From here on: what was done at the start is not counted. It ends with the service.
        tracer = subprocess.Popen(["strace", "-f", "-o", trace, "-p", str(server.process.pid), "-e", f"trace={call}", "-e",
                                   f"inject={call}:{injected}:when={ordinal}"], stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.addCleanup(tracer.stderr.close)
        self.addCleanup(tracer.wait, TIMEOUT)
        self.addCleanup(server.stop, signal.SIGKILL)  # the tracer ends with it
        self.assertIn("attached", tracer.stderr.readline(), where)
        look = service_scenarios.state(True, *what.split())
        before = files_of(folder)
        answer = None
        try:
            answer = EDITS[what].send(server)
        except (OSError, EOFError) as lost:
            self.assertEqual(action, KILL, f"{where}: {lost}")
        except Exception as lost:  # http.client has many words for a connection that has ended
            if action != KILL:
                raise AssertionError(where) from lost
        text = trace.read_text(errors="replace") if action != KILL or answer is None else ""
        if action == KILL:
            if answer is not None:
                server.stop(signal.SIGKILL)
                return False
            self.assertEqual(server.process.wait(TIMEOUT), -signal.SIGKILL, where)
            server.stop(signal.SIGKILL)
        else:
            if "(INJECTED)" not in text:
                self.assertLess(answer.status, 300, where)
                server.stop(signal.SIGKILL)
                return False
            if answer.status == 500:
                self.assertNotIn(str(self.top), answer.body.decode(), where)
                uncertain = "power cut" in answer.error
                if not uncertain:
                    self.assertEqual(tree_difference(before, files_of(folder)), [], where)
                    self.assertIn(os.strerror(getattr(errno, action)), answer.error, where)
                # In memory the same as on disk, and the next save works (the fault has passed).
                servers, groups = service_scenarios.read(folder)
                self.assertEqual([one["id"] for one in server.get(SERVERS).data["servers"]], [one["id"] for one in servers], where)
                if uncertain:
                    in_force = "The change is in force" in answer.error
                    self.assertEqual(bool(server.audit()), in_force, f"{where}: a change that is in force is in the log")
                else:
                    self.assertLess(EDITS[what].send(server).status, 300, where)
            else:
                self.assertLess(answer.status, 300, f"{where}: {answer.body!r}")
            self.assertEqual(look(self.top / "root"), service_scenarios.NEW, where)
            server.stop(signal.SIGKILL)
        if action == KILL and ordinal % 2 == 1:  # or as it is done at boot
            recovered = run([binary(), "recover", self.top / "root"])
            self.assertEqual(recovered.code, 0, f"{where}: {recovered.text}")
            self.assertEqual(list(folder.glob(".*-intent")), [], where)
            self.assertIn(look(self.top / "root"), (service_scenarios.OLD, service_scenarios.NEW), where)
        again = StatusServer(self.top / "root")
        try:
            found = look(self.top / "root")
            left = [path.name for path in folder.iterdir() if path.name.endswith((".tmp", "-intent"))]
            self.assertEqual(left, [], where)
            if found == service_scenarios.OLD:
                self.assertLess(EDITS[what].send(again).status, 300, where)
                self.assertEqual(look(self.top / "root"), service_scenarios.NEW, where)
        finally:
            again.stop(signal.SIGKILL)
        return True

    def test_every_kill_and_every_errno(self) -> None:
        if problem := tracing_problem():
            self.skipTest(problem)
        chance = random.Random(SEED)
        points = [(what, call, ordinal, action) for what in EDITS for call in CALLS for action in (KILL, *ERRNOS)
                  for ordinal in range(1, 30)]  # fmt: skip
        # A call that is not made so often is not made oftener.
        most: dict[tuple[str, str], int] = {}
        if not DEEP:
            chance.shuffle(points)
            points = [point for point in points if point[2] <= 8]
        fired = 0
        for what, call, ordinal, action in points:
            if ordinal > most.get((what, call), 99):
                continue
            if not DEEP and fired >= POINTS:
                break
            if self.one(what, call, ordinal, action):
                fired += 1
            else:
                most[what, call] = min(most.get((what, call), 99), ordinal - 1)
        print(f"{fired} faults in the running service", flush=True)
        self.assertGreaterEqual(fired, POINTS)


del Case  # its tests are in the module that it comes from

if __name__ == "__main__":
    print(f"seed {SEED} (LOCKSTEP_SEED repeats it)", flush=True)
    unittest.main(verbosity=2)
