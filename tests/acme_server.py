"""A real ACME server for the tests: Pebble in strict mode with real validation, and the DNS server it asks.

It proves nothing by itself. Every process has loopback ports and a directory of its own and is ended by its own id; the
kernel ends it when the test's process goes first. Pebble keeps everything in memory: after `restart` it has forgotten
accounts and orders, and issues from another root.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import Failure, environment, free_port, openssl, skip

PATIENCE = 20.0
# The kernel ends a child with the thread that started it: this one stays.
_STARTER = ThreadPoolExecutor(1)
ATTEMPTS = 3  # a port that was free a moment ago may be taken


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or skip(f"{name} is missing (apt-get install {package})")


def make_tls(top: Path) -> tuple[Path, Path]:
    """A certificate of this machine's loopback, trusted by itself, and its key."""
    certificate, key = top / "tls.pem", top / "tls.key"
    if not certificate.exists():
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")  # fmt: skip
    return certificate, key


class Process:
    """One server in the foreground, with its output in a file."""

    def __init__(self, log: Path, words: list[str], **settings: str) -> None:
        self.log = log
        with log.open("ab") as out:
            # It goes when this process does, whatever ends that.
            self.child = _STARTER.submit(subprocess.Popen, ["setpriv", "--pdeathsig", "KILL", *words], stdout=out, stderr=out,
                                         stdin=subprocess.DEVNULL, env=environment(**settings)).result()  # fmt: skip

    def ready(self, ask: object) -> bool:
        """Whether it answers; False when it has ended instead."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.child.poll() is not None:
                return False
            try:
                ask()  # type: ignore[operator]
                return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)  # between two questions; its readiness is not announced
        raise Failure(f"{self.child.args} does not answer within {PATIENCE} s: {self.text()[-600:]}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        if self.child.poll() is None:
            self.child.terminate()
        self.child.wait(PATIENCE)


class ChallengeServer:
    """pebble-challtestsrv: every name is 127.0.0.1, and TXT records are what it is told."""

    def __init__(self, top: Path) -> None:
        for _ in range(ATTEMPTS):
            self.dns, self.management = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
            words = [program("pebble-challtestsrv", "pebble"), "-dns01", self.dns, "-http01", "", "-https01", "", "-tlsalpn01",
                     "", "-management", self.management, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]  # fmt: skip
            self.process = Process(top / "challtestsrv.log", words)
            if self.process.ready(lambda: self.post("clear-txt", host="ready.test.")):
                return
        raise Failure(f"pebble-challtestsrv ended {ATTEMPTS} times: {self.process.text()[-600:]}")

    def post(self, what: str, **fields: str) -> None:
        body = json.dumps(fields).encode()
        with urllib.request.urlopen(f"http://{self.management}/{what}", body, timeout=5):
            pass

    def hook(self, path: Path, *lines: str) -> Path:
        """A dns-01 hook that tells this server; `lines` of shell run before."""
        path.write_text(
            "#!/bin/sh\n" + "".join(f"{line}\n" for line in lines) + "case $1 in\n"
            f"present) exec curl -sSf -d '{{\"host\":\"'$LOCKSTEP_RECORD'.\",\"value\":\"'$LOCKSTEP_VALUE'\"}}' "
            f"http://{self.management}/set-txt;;\n"
            f"*) exec curl -sSf -d '{{\"host\":\"'$LOCKSTEP_RECORD'.\"}}' http://{self.management}/clear-txt;;\nesac\n")  # fmt: skip
        path.chmod(0o755)
        return path

    def stop(self) -> None:
        self.process.stop()


class AcmeServer:
    """Pebble. `dns` is the server that it asks; `external` are the keys of the accounts that it wants to be bound to."""

    def __init__(self, top: Path, dns: str, *, nonce_reject: int = 0, reuse: int = 0, roots: int = 0, chain_length: int = 1,
                 external: dict[str, str] | None = None, validity: int | None = None, strict: bool = True) -> None:  # fmt: skip
        self.top, self.dns, self.strict, self.validity = top, dns, strict, validity
        self.reuse = reuse
        self.external = external or {}
        self.settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
                         "PEBBLE_AUTHZREUSE": str(reuse), "PEBBLE_ALTERNATE_ROOTS": str(roots),
                         "PEBBLE_CHAIN_LENGTH": str(chain_length)}  # fmt: skip
        top.mkdir(exist_ok=True)
        self.trust, self.key = make_tls(top)
        self.runs = 0
        self.http_port, self.tls_port = free_port(), free_port()
        for _ in range(ATTEMPTS):
            self.port, self.management = free_port(), free_port()
            if self.start():
                return
        raise Failure(f"pebble ended {ATTEMPTS} times: {self.process.text()[-600:]}")

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self.port}/dir"

    def start(self) -> bool:
        config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
                  "certificate": str(self.trust), "privateKey": str(self.key), "httpPort": self.http_port,
                  "tlsPort": self.tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": bool(self.external),
                  "externalAccountMACKeys": self.external}  # fmt: skip
        if self.validity is not None:
            config["certificateValidityPeriod"] = self.validity
        (self.top / "pebble.json").write_text(json.dumps({"pebble": config}))
        words = [program("pebble", "pebble"), "-config", str(self.top / "pebble.json"), "-dnsserver", self.dns]
        self.runs += 1
        self.process = Process(self.top / f"pebble-{self.runs}.log", words + (["-strict"] if self.strict else []),
                               **self.settings)  # fmt: skip
        return self.process.ready(lambda: self.get(self.directory))

    def restart(self) -> None:
        """The same addresses; nothing of before is known to it."""
        self.process.stop()
        if not self.start():
            raise Failure(f"pebble does not start again: {self.process.text()[-600:]}")

    def get(self, url: str) -> bytes:
        context = ssl.create_default_context(cafile=os.fspath(self.trust))
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return answer.read()

    def root(self, number: int = 0) -> Path:
        path = self.top / f"root-{self.runs}-{number}.pem"
        if not path.exists():
            path.write_bytes(self.get(f"https://127.0.0.1:{self.management}/roots/{number}"))
        return path

    def intermediate_issuer(self, number: int) -> str:
        """The common name of a root."""
        subject = openssl("x509", "-in", self.root(number), "-noout", "-subject", "-nameopt", "multiline")
        found = re.search(r"commonName\s*=\s*(.*)", subject)
        return found[1] if found else ""

    @property
    def log(self) -> str:
        return self.process.text()

    def count(self, words: str) -> int:
        """Lines of the log that hold this (a regular expression)."""
        return sum(1 for line in self.log.splitlines() if re.search(words, line))

    @property
    def orders(self) -> int:
        return self.count("Added order ")

    @property
    def accounts(self) -> int:
        return self.count("There are now [0-9]+ accounts in memory")

    @property
    def issued(self) -> int:
        return self.count("Issued certificate serial ")

    def stop(self) -> None:
        self.process.stop()
