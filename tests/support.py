"""What the whole-program tests share: the binary, temporary directories, fixtures and snapshots.

It proves nothing by itself. The binary under test comes from the environment variable LOCKSTEP, temporary directories
lie under TMPDIR. `tree_state` is the yardstick of "a failed command left no trace": every name, type, mode, owner,
link target and byte of a directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

SKIPPED = 77
TIMEOUT = 60.0


def skip(reason: str) -> NoReturn:
    """Ends the test as skipped, so that nobody takes it for passed."""
    print("=" * 78)
    print(f"SKIPPED: {Path(sys.argv[0]).name}: {reason}")
    print("=" * 78, flush=True)
    sys.exit(SKIPPED)


# For `sh -c KEEPER FOLDER SERVER …`: the server lives as long as anybody holds the other end of this shell's stdin, however
# that process ends (a killed one runs nothing of its own); then it is ended, by its id, and the folder removed.
KEEPER = """
exec 3<&0
"$@" </dev/null & child=$!
{ read -r _ <&3; kill "$child"; rm -rf "$0"; } &
wait "$child"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def binary() -> str:
    path = os.environ.get("LOCKSTEP")
    if not path or not os.access(path, os.X_OK):
        sys.exit(f"Error: set LOCKSTEP to the lockstep binary (it is {path!r})")
    return os.path.abspath(path)


class Outcome(NamedTuple):
    code: int  # negative: the signal that ended it
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return f"exit {self.code}\nstdout: {self.stdout.strip()}\nstderr: {self.stderr.strip()}"


class Failure(AssertionError):
    """A command of a test's own preparation or check did not do what it must."""


def environment(**extra: str) -> dict[str, str]:
    """The environment of every run: nothing of the caller's configuration reaches the program."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LOCKSTEP") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **extra}


def run(
    argv: Sequence[str | os.PathLike[str]],
    cwd: Path | None = None,
    timeout: float = TIMEOUT,
    env: dict[str, str] | None = None,
) -> Outcome:
    """Runs a command to its end, with its output captured; a hang is a failure."""
    words = [os.fspath(word) for word in argv]
    try:
        done = subprocess.run(
            words, cwd=cwd, env=env or environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout
        )
    except subprocess.TimeoutExpired as hang:
        raise Failure(f"no end after {timeout} s: {' '.join(words)}") from hang
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def lockstep(
    *arguments: str | os.PathLike[str],
    cwd: Path | None = None,
    expect: int | None = 0,
    timeout: float = TIMEOUT,
) -> Outcome:
    """Runs the program under test; `expect=None` accepts every exit code."""
    outcome = run([binary(), *arguments], cwd=cwd, timeout=timeout)
    if expect is not None and outcome.code != expect:
        words = " ".join(map(os.fspath, arguments))
        raise Failure(f"lockstep {words}: expected exit {expect}, got {outcome.text}")
    return outcome


def lockstep_json(*arguments: str | os.PathLike[str], cwd: Path | None = None, expect: int | None = 0) -> dict:
    outcome = lockstep(*arguments, "--json", cwd=cwd, expect=expect)
    try:
        return json.loads(outcome.stdout)
    except ValueError as bad:
        raise Failure(f"not one JSON document: {outcome.text}") from bad


def failure_code(stdout: str) -> str | None:
    """The error's code of a command that failed under --json; None when it gave none.

    The doctor reports what it did for each store beside what it could not: something done is a change that stands.
    """
    try:
        document = json.loads(stdout)
        if "error" in document:
            return document["error"]["code"]
        done = [line for store in document["stores"] for line in store["done"]]
    except (ValueError, KeyError, TypeError):
        return None
    if "commit_uncertain" in stdout:
        return "commit_uncertain"
    return "committed_not_delivered" if done else None


def openssl(*arguments: str | os.PathLike[str], cwd: Path | None = None) -> str:
    outcome = run(["openssl", *arguments], cwd=cwd)
    if outcome.code != 0:
        raise Failure(f"openssl {' '.join(map(os.fspath, arguments))}: {outcome.text}")
    return outcome.stdout


@contextmanager
def scratch(prefix: str, in_memory: bool = False) -> Iterator[Path]:
    """A temporary directory under TMPDIR; `in_memory` prefers /dev/shm when TMPDIR does not say otherwise."""
    parent = None
    if in_memory and "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK):
        parent = "/dev/shm"
    path = Path(tempfile.mkdtemp(prefix=f"lockstep-{prefix}-", dir=parent)).resolve()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def tree_state(top: Path) -> dict[str, tuple]:
    """Every name below and including `top`, with type, mode, owner, and link target or SHA-256 of the content."""
    state: dict[str, tuple] = {}

    def visit(path: str, name: str) -> None:
        info = os.lstat(path)
        kind = stat.S_IFMT(info.st_mode)
        content: str | int = ""
        if kind == stat.S_IFLNK:
            content = os.readlink(path)
        elif kind == stat.S_IFREG:
            with open(path, "rb") as file:
                content = hashlib.sha256(file.read()).hexdigest()
        elif kind != stat.S_IFDIR:
            content = info.st_rdev
        state[name] = (oct(kind), oct(stat.S_IMODE(info.st_mode)), info.st_uid, info.st_gid, content)
        if kind == stat.S_IFDIR:
            for entry in sorted(os.listdir(path)):
                visit(f"{path}/{entry}", entry if name == "." else f"{name}/{entry}")

    if os.path.lexists(top):
        visit(os.fspath(top), ".")
    return state


def tree_difference(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    """What a person needs to see of two snapshots; empty when they are equal."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"gone: {name}")
        elif name not in before:
            lines.append(f"new: {name} {after[name]}")
        elif before[name] != after[name]:
            lines.append(f"changed: {name} {before[name]} -> {after[name]}")
    return lines


def make_ca(directory: Path, subject: str = "CN=Test Root") -> Path:
    """A fresh CA in `directory`, which must not exist yet."""
    lockstep("ca", "--data-dir", directory, "init", "--subject", subject)
    return directory


def make_request(directory: Path, name: str, dns: str = "localhost") -> tuple[Path, Path]:
    """NAME.key and NAME.csr, made by the program under test."""
    key, csr = directory / f"{name}.key", directory / f"{name}.csr"
    lockstep("ca", "request", "--subject", f"CN={dns}", "--san", f"DNS:{dns}", "--out-key", key, "--out-csr", csr)
    return key, csr


def make_openssl_request(directory: Path, name: str, dns: str = "localhost") -> tuple[Path, Path]:
    """NAME.key and NAME.csr, made by openssl: the program must work with other people's requests."""
    key, csr = directory / f"{name}.key", directory / f"{name}.csr"
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
            "-out", csr, "-subj", f"/CN={dns}", "-addext", f"subjectAltName=DNS:{dns}")  # fmt: skip
    return key, csr


def sign(ca: Path, csr: Path, out: Path) -> str:
    """Signs one request and returns the serial."""
    return lockstep_json("ca", "--data-dir", ca, "sign", csr, "--out", out)["certificates"][0]["serial"]


def check_pair(certificate: Path, key: Path) -> None:
    """A certificate and a key that do not belong together are the failure that this program exists to prevent."""
    of_certificate = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    of_key = openssl("pkey", "-in", key, "-pubout")
    if of_certificate != of_key:
        raise Failure(f"{certificate} does not belong to {key}")


def check_issued(root: Path, certificates: Sequence[Path]) -> None:
    """Every certificate is whole and was issued by `root`."""
    if certificates:
        openssl("verify", "-CAfile", root, *certificates)
