"""Pebble, an ACME server for tests, on ports of its own: one for the whole process, started when first asked for.

It proves nothing by itself; the scenarios of the ACME clients use it. It validates nothing, rejects no nonce and never
reuses an authorization, so that what a client does is the same in every run. It keeps everything in memory: whoever puts
a directory back to an earlier state keeps the account, as long as this process lives.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from support import KEEPER, Failure, environment, openssl

READY_WITHIN = 20.0
ATTEMPTS = 3  # a port that was free a moment ago may be taken
_SETTINGS = {"PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
             "PEBBLE_WFE_NONCEREJECT": "0"}  # fmt: skip


@dataclass(frozen=True)
class Server:
    directory: str  # the ACME directory's URL
    trust: Path  # the certificate that the server's TLS is checked with
    roots: Path  # the root that issues
    accounts: Path  # an empty directory for whoever wants to use an account again


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _get(url: str, trust: Path) -> bytes:
    with urllib.request.urlopen(url, timeout=5, context=ssl.create_default_context(cafile=os.fspath(trust))) as answer:
        return answer.read()


def _await(process: subprocess.Popen[bytes], url: str, trust: Path) -> bool:
    """Whether the server answers; False when it has ended instead."""
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        try:
            _get(url, trust)
            return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)  # between two questions; its readiness is not announced
    raise Failure(f"pebble does not answer at {url} within {READY_WITHIN} s")


def _start() -> tuple[subprocess.Popen[bytes], Server]:
    said = ""
    for _ in range(ATTEMPTS):
        base = Path(tempfile.mkdtemp(prefix="lockstep-pebble-")).resolve()
        trust = base / "tls.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout",
                base / "tls.key", "-out", trust, "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")  # fmt: skip
        port, management = _free_port(), _free_port()
        config = {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{management}",
                  "certificate": str(trust), "privateKey": str(base / "tls.key"), "httpPort": 5002, "tlsPort": 5001,
                  "ocspResponderURL": "", "externalAccountBindingRequired": False}  # fmt: skip
        (base / "config.json").write_text(json.dumps({"pebble": config}))
        with open(base / "log", "wb") as log:
            keeper = subprocess.Popen(["sh", "-c", KEEPER, str(base), "pebble", "-config", str(base / "config.json")],
                                      stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment(**_SETTINGS),
                                      process_group=0)  # fmt: skip
        if _await(keeper, f"https://127.0.0.1:{port}/dir", trust):
            (base / "roots.pem").write_bytes(_get(f"https://127.0.0.1:{management}/roots/0", trust))
            (base / "accounts").mkdir()
            return keeper, Server(f"https://127.0.0.1:{port}/dir", trust, base / "roots.pem", base / "accounts")
        said = (base / "log").read_text(errors="replace")[-600:]
        keeper.communicate()  # closes its stdin
    raise Failure(f"pebble ended at once, {ATTEMPTS} times: {said}")


_lock = threading.Lock()
_started: tuple[subprocess.Popen[bytes], Server] | None = None


def server() -> Server:
    """The server of this process and of those that it forks; it ends with the last of them."""
    global _started
    with _lock:
        if _started is None:
            _started = _start()
        return _started[1]
