"""A real nginx is reloaded while its certificate folder is swapped as fast as it goes.

Proves: an nginx that includes the folder's nginx.conf never reads a certificate of one generation and a key of another,
and no reload of it fails; what it serves is always one of the two sets, whole. An nginx that names the two stable paths
stands beside it as the control: it must meet mixed pairs, or the swaps were too slow to show anything.

The folder is written by the real program (imports and rollbacks) and, at full speed, by swap_folder; for the latter a
day is a few seconds long, so that the generations that nginx reads are collected behind it. Every reload is awaited by
what nginx says on its standard error: either why it refuses, or that the new worker is there and the old one has gone.
LOCKSTEP_DEEP=1 reloads a thousand times.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from device import program
from nginx_test import CONFIGURATION, nginx_binary
from support import Failure, check_pair, environment, free_port, lockstep, lockstep_json, openssl, run, scratch

PATIENCE = 30.0
DAY = 5  # seconds of a day of swap_folder's clock
CHECKS = 3  # runs of nginx -t beside each reload
MIXED = "key values mismatch"


@dataclass(frozen=True)
class Set:
    certificate: Path
    key: Path
    chain: Path

    def digest(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()


def make_sets(top: Path) -> tuple[Path, list[Set]]:
    """A root and two leaves, each of an intermediate of its own: a full chain of two generations would not verify."""
    root, root_key = top / "root.crt", top / "root.key"
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", root_key, "-out", root, "-subj", "/CN=Root", "-days", "30")

    def issue(name: str, subject: str, extension: str, issuer: Path, issuer_key: Path) -> tuple[Path, Path]:
        key, csr, out, extensions = (top / f"{name}.{ending}" for ending in ("key", "csr", "crt", "ext"))
        openssl("req", "-new", *new, "-keyout", key, "-out", csr, "-subj", f"/CN={subject}")
        extensions.write_text(extension + "\n")
        openssl("x509", "-req", "-in", csr, "-CA", issuer, "-CAkey", issuer_key, "-out", out, "-days", "20",
                "-set_serial", f"0x{hashlib.sha256(name.encode()).hexdigest()[:12]}", "-extfile", extensions)  # fmt: skip
        return out, key

    sets = []
    for name in ("a", "b"):
        chain, chain_key = issue(f"ca-{name}", f"Intermediate {name}", "basicConstraints=critical,CA:true", root, root_key)
        leaf, key = issue(f"leaf-{name}", "localhost", "subjectAltName=DNS:localhost", chain, chain_key)
        check_pair(leaf, key)
        sets.append(Set(leaf, key, chain))
    return root, sets


@dataclass
class Row:
    configuration: str
    writer: str
    reloads: int = 0
    swaps: int = 0
    mixed: int = 0
    failed: int = 0  # for another reason than a mixed pair
    wrong: int = 0  # handshakes that showed neither of the two sets
    checks: int = 0
    checks_mixed: int = 0
    checks_failed: int = 0
    kept: int = 0
    served: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)


class Nginx:
    """nginx in the foreground; what it says is read from its standard error as it says it."""

    def __init__(self, top: Path, certificate: str, root: Path) -> None:
        top.mkdir()
        self.port = free_port()
        configuration = top / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(top=top, log="stderr", port=self.port, certificate=certificate))
        self.words = [nginx_binary(), "-p", os.fspath(top), "-c", os.fspath(configuration), "-e", "stderr"]
        self.trust = ssl.create_default_context(cafile=os.fspath(root))
        self.lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env=environment())  # fmt: skip
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()
        self.worker = self._new_worker(self._await("start worker process ", "[emerg]"))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put("ended")

    def _await(self, *wanted: str) -> str:
        """The next line that says one of these."""
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise Failure(f"waited {PATIENCE} s for nginx to say one of {wanted}") from None
            if any(text in line for text in wanted):
                return line
            if line == "ended":
                raise Failure(f"nginx ended with {self.process.wait(PATIENCE)}")

    def _new_worker(self, line: str) -> str:
        found = re.search(r"start worker process (\d+)", line)
        if not found:
            raise Failure(f"nginx does not start: {line}")
        return found.group(1)

    def reload(self) -> str:
        """Empty when the new configuration is in force and nothing else is; else why nginx kept the old one."""
        self.process.send_signal(signal.SIGHUP)
        self._await("(SIGHUP) received")
        said = self._await("start worker process ", "[emerg]")
        if "[emerg]" in said:
            return said
        # Until it has ended the old worker may take a connection too.
        self._await(f"worker process {self.worker} exited with code 0")
        self.worker = self._new_worker(said)
        return ""

    def check(self) -> str:
        """What `nginx -t` has against the configuration."""
        checked = run([*self.words, "-t"])
        return "" if checked.code == 0 else checked.text

    def served(self) -> str:
        """The digest of the certificate of a handshake, whose chain was verified up to the root."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as plain:
            with self.trust.wrap_socket(plain, server_hostname="localhost") as connection:
                shown = connection.getpeercert(binary_form=True)
        assert shown is not None
        return hashlib.sha256(shown).hexdigest()

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.listener.join()


@contextmanager
def full_speed(data: Path, sets: list[Set], row: Row) -> Iterator[None]:
    words = [program("swap_folder"), data, "localhost", str(DAY)]
    for one in sets:
        words += [one.chain, one.certificate, one.key]
    writer = subprocess.Popen([os.fspath(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment())  # fmt: skip
    try:
        assert writer.stdout is not None and writer.stderr is not None
        if writer.stdout.readline() != "swapping\n":
            raise Failure(f"swap_folder: {writer.stderr.read()}")
        yield
    finally:
        said, error = writer.communicate(timeout=PATIENCE)  # its standard input ends
    if writer.returncode != 0:
        raise Failure(f"swap_folder ended with {writer.returncode}: {error}")
    row.swaps += json.loads(said)["swaps"]


@contextmanager
def real_program(data: Path, sets: list[Set], row: Row) -> Iterator[None]:
    stop = threading.Event()
    broken: list[Exception] = []

    def install(one: Set) -> None:
        lockstep("cert", "--path", data, "import", "--domain", "localhost", "--cert", one.certificate, "--key", one.key,
                 "--chain", one.chain, "--nginx-conf")  # fmt: skip
        row.swaps += 1

    def work() -> None:
        try:
            while not stop.is_set():
                install(sets[1])
                lockstep("cert", "--path", data, "rollback", "localhost")
                install(sets[1])
                install(sets[0])
                row.swaps += 1
        except Exception as error:  # raised again by the thread that waits
            broken.append(error)

    install(sets[0])
    writer = threading.Thread(target=work)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
    if broken:
        raise broken[0]


WRITERS = {"swap_folder": full_speed, "lockstep": real_program}
CONFIGURATIONS = {
    "nginx.conf": "include {folder}/nginx.conf;",
    "two paths": "ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/privkey.pem;",
}


def observe(top: Path, row: Row, reloads: int, root: Path, sets: list[Set]) -> None:
    data = top / "data"
    folder = data / "certs" / "localhost"
    known = {one.digest() for one in sets}
    # The server begins with a folder at rest, and the swaps end before it does.
    lockstep("cert", "--path", data, "import", "--domain", "localhost", "--cert", sets[1].certificate, "--key", sets[1].key,
             "--chain", sets[1].chain, "--trust", root, "--nginx-conf")  # fmt: skip
    server = Nginx(top / "nginx", CONFIGURATIONS[row.configuration].format(folder=folder), root)
    try:
        with WRITERS[row.writer](data, sets, row):
            for _ in range(reloads):
                said = server.reload()
                row.reloads += 1
                count(row, said, checked=False)
                try:
                    shown = server.served()
                except (OSError, ssl.SSLError) as error:
                    shown = f"no handshake: {error}"
                if shown in known:
                    row.served.add(shown)
                else:
                    row.wrong += 1
                    row.reasons.append(f"served {shown}")
                for _ in range(CHECKS):
                    row.checks += 1
                    count(row, server.check(), checked=True)
    finally:
        server.end()
    row.kept = len(list((folder / ".lockstep").glob("gen-*")))
    report = lockstep_json("doctor", folder)["stores"]
    if report[0]["damaged"] or report[0]["findings"]:
        raise Failure(f"doctor after {row.swaps} swaps: {report}")


def count(row: Row, said: str, checked: bool) -> None:
    if not said:
        return
    mixed = MIXED in said
    if not mixed:
        row.reasons.append(said)
    if checked:
        row.checks_mixed += mixed
        row.checks_failed += not mixed
    else:
        row.mixed += mixed
        row.failed += not mixed


def table(rows: list[Row]) -> str:
    titles = ("nginx reads", "writer", "reloads", "swaps", "mixed", "failed", "wrong", "nginx -t", "mixed", "failed", "kept")
    lines = [titles]
    for row in rows:
        lines.append((row.configuration, row.writer, *(str(value) for value in (
            row.reloads, row.swaps, row.mixed, row.failed, row.wrong, row.checks, row.checks_mixed, row.checks_failed,
            row.kept))))  # fmt: skip
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def judge(rows: list[Row], deep: bool) -> None:
    for row in rows:
        what = f"nginx that reads {row.configuration}, written by {row.writer}"
        bad = row.failed + row.checks_failed + row.wrong
        if row.configuration == "nginx.conf":
            bad += row.mixed + row.checks_mixed
        if bad:
            raise Failure(f"{what}: {row.reasons[:3] or 'mixed pairs'}")
        if row.swaps < row.reloads:
            raise Failure(f"{what}: only {row.swaps} swaps during {row.reloads} reloads")
        if len(row.served) != 2:
            raise Failure(f"{what}: only one of the two sets was ever served")
    control = sum(row.mixed for row in rows if row.configuration != "nginx.conf")
    if control == 0:
        said = "the control met no mixed pair in a reload: this run shows nothing about those that pin a generation"
        if deep:
            raise Failure(said)
        print(f"NOTE: {said}")


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    plan = {"swap_folder": 800, "lockstep": 200} if deep else {"swap_folder": 40, "lockstep": 10}
    rows = []
    with scratch("nginx-swaps", in_memory=True) as top:
        top.chmod(0o755)
        root, sets = make_sets(top)
        for writer, reloads in plan.items():
            for configuration in CONFIGURATIONS:
                row = Row(configuration, writer)
                work = top / str(len(rows))
                work.mkdir(mode=0o755)
                observe(work, row, reloads, root, sets)
                rows.append(row)
    print(table(rows))
    judge(rows, deep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
