#!/usr/bin/env python3
"""Many devices renew at one `ca serve` at once: latencies, the server's memory, and a count of the ledger.

    LOCKSTEP=build/lockstep tests/ca_load.py --devices 1000 --parallel 64

Every device has a key, a certificate and an address of its own on the loopback, and makes a whole TLS handshake. The
clients are Python on the same machine: the latencies are of both sides together. Exit 1 when a device got no certificate,
or the ledger does not hold exactly one more for each.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import re
import sys
import time
from pathlib import Path

from ca_server import Identity, Server, make_csr
from support import lockstep, make_ca, scratch


def prepare(work: Path, devices: int) -> list[Identity]:
    """Keys, requests and certificates of all devices; the certificates in one commit."""
    make_ca(work / "ca")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda i: make_csr(work, f"d{i}", f"device-{i}"), range(devices)))
    (work / "out").mkdir()
    lockstep("ca", "--data-dir", work / "ca", "sign", "--profile", "client", "--out-dir", work / "out",
             *(csr for _, csr in made), timeout=600)  # fmt: skip
    # Serials are given in the order of the requests, from 02 on; hexadecimal with an even number of digits.
    names = [f"{serial:x}" for serial in range(2, devices + 2)]
    return [Identity(work / "out" / f"{name.zfill(len(name) + len(name) % 2)}.pem", key)
            for name, (key, _) in zip(names, made, strict=True)]  # fmt: skip


def memory(server: Server) -> str:
    return re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=64)
    asked = parser.parse_args()
    with scratch("ca-load") as work:
        identities = prepare(work, asked.devices)
        server = Server(work / "ca")
        before = len(server.certificates())

        def renew(number: int) -> tuple[int, float]:
            source = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
            began = time.monotonic()
            answer = server.post(work / f"d{number}.csr", "proactive", identities[number], source=source)
            return answer.status, time.monotonic() - began

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(asked.parallel) as pool:
            answers = list(pool.map(renew, range(asked.devices)))
        whole = time.monotonic() - began
        peak = memory(server)
        commits = re.search(r"lockstep_ca_commits_total (\d+)", server.ask("GET", "/metrics").body.decode())[1]
        issued = len(server.certificates()) - before
        code = server.stop()
        times = sorted(seconds * 1000 for _, seconds in answers)
        print(f"{asked.devices} devices, {asked.parallel} at once: {whole:.1f} s, {asked.devices / whole:.0f} a second, "
              f"p50 {times[len(times) // 2]:.0f} ms, p99 {times[len(times) * 99 // 100]:.0f} ms, "
              f"{commits} commits, server at most {int(peak) // 1024} MiB")  # fmt: skip
        failed = [status for status, _ in answers if status != 201]
        lockstep("doctor", work / "ca")
    if failed or issued != asked.devices or code != 0:
        sys.exit(f"Error: {len(failed)} were refused {set(failed)}, {issued} certificates for {asked.devices}, exit {code}")


if __name__ == "__main__":
    main()
