"""A thousand devices with real stores, in one process, against one `ca serve`: enrolled, renewed, and renewed again while
the server is killed in the middle and started anew.

None is lost: each has a live identity that the CA's list knows as its newest. None is issued twice: the list has exactly one
certificate more for each device and renewal. Prints latencies (of a device's whole rotation: key, request, answer, commits,
health check), and the server's memory.

    LOCKSTEP=build/lockstep DEVICE_FLEET=build/device_fleet tests/device_fleet_test.py [DEVICES]
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from ca_server import Server
from support import Failure, lockstep, make_ca, scratch

FEW = 200  # devices in a quick run
MANY = 1000
THREADS = 32


class Fleet:
    def __init__(self, top: Path, count: int) -> None:
        self.top = top
        self.program = os.environ["DEVICE_FLEET"]
        make_ca(top / "ca")
        self.names = [f"device-{number:04}" for number in range(count)]
        self.server = self.serve()
        self.tokens = top / "tokens"
        self.tokens.write_text("".join(f"{name} {self.server.token('--name', name)}\n" for name in self.names))

    def serve(self, listen: str = "127.0.0.1:0") -> Server:
        return Server(self.top / "ca", "--rate", "1000000", listen=listen)

    def start(self, what: str) -> subprocess.Popen[str]:
        words = [self.program, self.top / "homes", f"https://localhost:{self.server.port}", self.top / "ca" / "ca.crt", self.tokens,
                 str(THREADS), what]  # fmt: skip
        return subprocess.Popen(list(map(os.fspath, words)), stdout=subprocess.PIPE, text=True)

    def run(self, what: str, kill_after: int | None = None) -> None:
        """All devices; with `kill_after` the server is killed when so many are done, and started again."""
        began = time.monotonic()
        process = self.start(what)
        self.done = []
        for line in process.stdout:
            self.done.append(line.split())
            if len(self.done) == kill_after:
                self.server.stop(signal.SIGKILL)
                self.server = self.serve(f"127.0.0.1:{self.server.port}")
        if process.wait() != 0:
            raise Failure(f"{what}: the fleet ended with {process.returncode}")
        seconds = time.monotonic() - began
        spent = sorted(int(milliseconds) for _, _, milliseconds, _ in self.done)
        tries = sum(int(count) for *_, count in self.done)
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.server.process.pid}/status").read_text())[1]
        print(f"{what:6}{' (server killed)' if kill_after else '':16} {len(self.done)} devices in {seconds:.1f} s, {tries} tries; a rotation "
              f"p50 {statistics.median(spent):.0f} ms, p99 {spent[len(spent) * 99 // 100]} ms; server {int(peak) // 1024} MiB", flush=True)

    def judge(self, each: int) -> None:
        listed = self.server.certificates()
        per_device = Counter(entry["subject"] for entry in listed)
        wrong = {name: per_device[f"CN={name}"] for name in self.names if per_device[f"CN={name}"] != each}
        if wrong or len(listed) != each * len(self.names):
            raise Failure(f"{len(listed)} certificates; devices with another number than {each}: {dict(list(wrong.items())[:5])}")
        newest = {entry["subject"]: entry["serial"] for entry in listed}
        lost = [name for name, serial, *_ in self.done if newest[f"CN={name}"] != serial]
        if lost or len(self.done) != len(self.names):
            raise Failure(f"{len(self.done)} devices are done; live, but not the newest that was issued: {lost[:5]}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MANY if os.environ.get("LOCKSTEP_DEEP") else FEW
    with scratch("fleet") as top:
        fleet = Fleet(top, count)
        try:
            fleet.run("enroll")
            fleet.judge(1)
            fleet.run("renew")
            fleet.judge(2)
            fleet.run("renew", kill_after=count // 3)
            fleet.judge(3)
            lockstep("doctor", top / "ca")
        finally:
            fleet.server.stop(signal.SIGKILL)


if __name__ == "__main__":
    main()
