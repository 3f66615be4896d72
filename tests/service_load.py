#!/usr/bin/env python3
"""The status service under its full load: what it costs, and whether it keeps its promises meanwhile.

    LOCKSTEP=build/lockstep tests/service_load.py --farm [--servers 1000] [--interval 30] [--seconds 150]
    LOCKSTEP=build/lockstep tests/service_load.py --sse [--clients 1000] [--events 60]

--farm   watches a farm of TLS endpoints (service_farm.py) while one edit a second is made over REST. Prints processor
         time, memory and lateness; the farm's own clock says whether servers that are not edited keep their moments.
         Exit 1: one was checked off its grid by more than a second, a new one was not checked within 5 s, or a removed one was checked.
--sse    as many clients of the event stream; each event carries the moment of its edit. Prints the service's memory a client,
         and the delay until each client has it. The clients are Python on the same machine, and their time is in the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from service_farm import ADDRESS, NAME
from service_server import Service, write_configuration
from support import TIMEOUT, Failure, scratch

HERE = Path(__file__).resolve().parent
NEW_WITHIN = 5.0
OFF_GRID = 1.0


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def lateness_bound(metrics: str, part: float) -> str:
    """The bucket that the quantile is in."""
    buckets = re.findall(r'check_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', metrics)
    whole = int(buckets[-1][1])
    return next(bound for bound, count in buckets if int(count) >= whole * part)


class FarmProcess:
    def __init__(self, work: Path, count: int) -> None:
        self.process = subprocess.Popen([sys.executable, "-B", HERE / "service_farm.py", work, str(count)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        said = json.loads(self.process.stdout.readline())
        self.ports, self.kinds = said["ports"], said["kinds"]

    def moments(self) -> list[list[float]]:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(TIMEOUT)


class Edits:
    """Adds, changes and removes spare servers of the farm; the others are nobody's business."""

    def __init__(self, service: Service, make: object) -> None:
        self.service, self.make = service, make
        self.added: dict[int, float] = {}
        self.removed: dict[int, float] = {}
        self.count = 0

    def one(self, spare: list[int]) -> None:
        number = spare[self.count // 3 % len(spare)]
        step = self.count % 3
        if step == 0:
            self.service.data("POST", "/api/config/servers", self.make(number))
            self.added[number] = time.monotonic()
            self.removed.pop(number, None)
        elif step == 1:
            self.service.change(f"server-{number}", name=f"renamed {self.count}")
        else:
            self.service.data("DELETE", f"/api/config/servers/server-{number}", **self.precondition(number))
            self.removed[number] = time.monotonic()
        self.count += 1

    def precondition(self, number: int) -> dict[str, str]:
        answer, _ = self.service.ask("GET", f"/api/config/servers/server-{number}")
        return {"If-Match": answer.getheader("ETag")}


def off_grid(moments: list[float], interval: float) -> list[float]:
    """How far each check after the third is from where the one before says that it must be."""
    return [abs(later - earlier - interval) for earlier, later in zip(moments, moments[1:], strict=False)]


def farm_load(asked: argparse.Namespace, work: Path) -> list[str]:
    (work / "farm").mkdir()
    watched = list(range(asked.servers))
    spare = list(range(asked.servers, asked.servers + 40))
    farm = FarmProcess(work / "farm", asked.servers + len(spare))

    def server(number: int) -> dict:
        return {"id": f"server-{number}", "name": f"farm {number}", "ip": ADDRESS, "port": farm.ports[number],
                "protocol": "tls", "serverName": NAME, "checkIntervalSeconds": asked.interval,
                "caBundle": str(work / "farm" / "root.pem")}  # fmt: skip

    write_configuration(work / "root", [server(number) for number in watched])
    began = time.monotonic()
    service = Service(work / "root")
    edits = Edits(service, server)
    settled = began + 3 * asked.interval  # from then on everything runs at its interval
    used = service.processor()
    window = None
    while (now := time.monotonic()) < began + asked.seconds + 2 * asked.interval:
        if window is None and now >= settled - asked.interval:
            window = (now, service.processor())
        edits.one(spare)
        time.sleep(max(0.0, now + 1 - time.monotonic()))
    measured = time.monotonic() - window[0], service.processor() - window[1]
    metrics = service.metrics()
    states = dict(re.findall(r'lockstep_service_servers\{state="([^"]+)"\} (\d+)', metrics))
    memory = service.memory(), service.memory("VmHWM")
    code = service.stop()
    moments = farm.moments()
    farm.stop()
    off = [error for number in watched if farm.kinds[number] != "silent"
           for error in off_grid([moment for moment in moments[number] if moment >= settled - asked.interval], asked.interval)]  # fmt: skip
    first = [moments[number][0] - began for number in watched if moments[number]]
    problems = [] if code == 0 else [f"the service ended with {code}"]
    problems += [f"{len(watched) - len(first)} were never checked"] if len(first) < len(watched) else []
    for number, moment in edits.added.items():
        checks = [check for check in moments[number] if check >= moment - 1]
        latest = edits.removed.get(number, time.monotonic())
        if latest - moment > NEW_WITHIN and not any(check <= moment + NEW_WITHIN for check in checks):
            problems.append(f"server-{number} was not checked within {NEW_WITHIN} s")
    for number, moment in edits.removed.items():
        if any(check > moment + 0.1 for check in moments[number]):
            problems.append(f"server-{number} was checked after it had been removed")
    if not off or max(off) > OFF_GRID:
        problems.append(f"a server that nobody edited was checked {max(off, default=-1):.2f} s off its moment")
    print(f"{len(watched)} servers every {asked.interval} s, {edits.count} edits in {time.monotonic() - began:.0f} s "
          f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores): {states}")  # fmt: skip
    print(f"processor {100 * measured[1] / measured[0]:.1f} % of one core ({used:.1f} s to start), "
          f"memory {memory[0] // 1024} MiB, at most {memory[1] // 1024} MiB")  # fmt: skip
    print(f"lateness by its own metrics: p50 within {lateness_bound(metrics, 0.5)} s, p99 within {lateness_bound(metrics, 0.99)} s; "
          f"off the grid by the farm's clock: p50 {1000 * quantile(off, 0.5):.1f} ms, p99 {1000 * quantile(off, 0.99):.1f} ms, "
          f"max {1000 * max(off):.1f} ms; the last first check after {max(first):.1f} s")  # fmt: skip
    return problems


class Listener:
    """One client of the event stream: keeps no more of it than the moments."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        self.rest = b""
        self.began = False

    def read(self) -> list[float]:
        """The moments of edits in what has come."""
        found = []
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise Failure("the service has ended a stream")
        self.rest += piece
        if not piece.endswith(b"\n\n"):
            return found
        *frames, self.rest = self.rest.split(b"\n\n")
        for frame in frames:
            self.began = self.began or b'"type":"initial"' in frame
            if b'"type":"serverUpdated"' in frame and (moment := re.search(rb'"at-([0-9.]+)"', frame)):
                found.append(float(moment[1]))
        return found


def sse_load(asked: argparse.Namespace, work: Path) -> list[str]:
    servers = [{"id": f"server-{number}", "name": f"nobody {number}", "ip": "127.0.0.1", "port": 1, "protocol": "tcp",
                "checkIntervalSeconds": 86400, "consecutiveFailures": 1} for number in range(asked.servers)]  # fmt: skip
    write_configuration(work / "root", servers)
    service = Service(work / "root", "--connections", str(asked.clients + 20))
    service.metrics()
    time.sleep(6)  # all have been checked once: nothing else happens from then on
    before = service.memory()
    began = time.monotonic()
    listeners = []
    selector = selectors.DefaultSelector()
    for _ in range(asked.clients):
        listeners.append(Listener(service.port))
        selector.register(listeners[-1].socket, selectors.EVENT_READ, listeners[-1])
        for key, _ in selector.select(0):  # one that does not read is closed
            key.data.read()
    delays: list[float] = []
    spreads: list[float] = []
    sent: list[tuple[float, float]] = []

    def edit() -> None:
        """In a thread: the reading goes on meanwhile."""
        for _ in range(asked.events):
            moment = time.monotonic()
            service.change("server-0", tags=[f"at-{moment:.6f}"])
            sent.append((moment, time.monotonic()))
            time.sleep(0.5)

    while not all(listener.began for listener in listeners):
        for key, _ in selector.select(TIMEOUT):
            key.data.read()
    attached = time.monotonic() - began
    with_clients = service.memory()
    used, start = service.processor(), time.monotonic()
    editor = threading.Thread(target=edit)
    editor.start()
    first: dict[float, float] = {}
    while len(delays) < asked.events * asked.clients:
        ready = selector.select(TIMEOUT)
        if not ready:
            break
        for key, _ in ready:
            for moment in key.data.read():
                now = time.monotonic()
                delays.append(now - moment)
                spreads.append(now - first.setdefault(moment, now))
    editor.join()
    processor = 100 * (service.processor() - used) / (time.monotonic() - start)
    after = service.memory(), service.memory("VmHWM")
    code = service.stop()
    saves = [answered - moment for moment, answered in sent]
    print(f"{asked.clients} clients had {asked.servers} servers' states after {attached:.1f} s "
          f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")  # fmt: skip
    print(f"memory {before // 1024} MiB without, {with_clients // 1024} MiB with them ({(with_clients - before) / asked.clients:.1f} KiB "
          f"each), {after[0] // 1024} MiB after {asked.events} events, at most {after[1] // 1024} MiB; processor {processor:.1f} %")  # fmt: skip
    print(f"from an edit's request to a client's event: p50 {1000 * quantile(delays, 0.5):.1f} ms, p99 {1000 * quantile(delays, 0.99):.1f} ms "
          f"(the edit's own answer p50 {1000 * quantile(saves, 0.5):.1f} ms); from the first client to each: p50 {1000 * quantile(spreads, 0.5):.1f} ms, "
          f"p99 {1000 * quantile(spreads, 0.99):.1f} ms")  # fmt: skip
    problems = [] if code == 0 else [f"the service ended with {code}"]
    if len(delays) != asked.events * asked.clients:
        problems.append(f"{asked.events * asked.clients - len(delays)} events did not arrive")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--farm", action="store_true")
    parser.add_argument("--sse", action="store_true")
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=150)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--events", type=int, default=60)
    asked = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    problems = []
    for wanted, load in ((asked.farm, farm_load), (asked.sse, sse_load)):
        if wanted:
            with scratch("service-load") as work:
                problems += load(asked, work)
    if problems:
        sys.exit("Error: " + "; ".join(problems))


if __name__ == "__main__":
    main()
