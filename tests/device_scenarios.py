"""`device rotate` as a scenario of the sweep and of the power cuts, against a running `ca serve`.

It proves nothing by itself; scenarios.py lists it. The identity is the old one or the new one, whole, and accepted by the
server; the next start comes to an end by itself and leaves one key.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ca_server import PATH, Identity, Server
from support import Failure, binary, lockstep, make_ca, openssl, run

OLD, NEW = "old", "new"
NAME = "pump-7"


@functools.cache
def _server() -> Server:
    """One for all: issuing is not what is broken here."""
    top = Path(tempfile.mkdtemp(prefix="lockstep-device-"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    make_ca(top / "ca")
    server = Server(top / "ca", "--rate", "100000")
    atexit.register(server.stop, signal.SIGKILL)
    return server


@functools.cache
def _enrolled(storage: str) -> Path:
    """A device with its first identity, to be copied."""
    work = Path(tempfile.mkdtemp(prefix="lockstep-device-"))
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    server = _server()
    name = f"{NAME}-{storage}"
    lines = ["[device.identity]", f'name = "{name}"', f'storage = "{storage}"', 'ca = "ca.crt"']
    if storage == "files":
        lines += ['cert = "device.crt"', 'key = "device.key"']
    lines += ["[device.issuer]", f'server = "https://localhost:{server.port}"']
    (work / "device.toml").write_text("\n".join(lines) + "\n")
    shutil.copy(server.ca / "ca.crt", work / "ca.crt")
    lockstep(*_device("enroll", "--token", server.token("--name", name)), cwd=work)
    shutil.copy(_live(work, storage).certificate, work / "old.pem")
    return work


def _device(*words: str) -> list[str]:
    return ["--config", "device.toml", "device", "--path", "home", *words, "--json"]


def rotate(work: Path) -> Sequence[str]:
    return [binary(), *_device("rotate", "--force")]


def prepare(storage: str) -> Callable[[Path], None]:
    def fill(work: Path) -> None:
        shutil.copytree(_enrolled(storage), work, symlinks=True, dirs_exist_ok=True)

    return fill


def _live(work: Path, storage: str) -> Identity:
    if storage == "files":
        return Identity(work / "device.crt", work / "device.key")
    folder = work / "home" / "identities" / f"{NAME}-{storage}"
    return Identity(folder / "cert.pem", folder / "key.pem")


def state(storage: str) -> Callable[[Path], str]:
    def look(work: Path) -> str:
        live = _live(work, storage)
        shown = openssl("x509", "-in", live.certificate, "-noout", "-pubkey")
        if shown != openssl("pkey", "-in", live.key, "-pubout"):
            raise Failure("the key is not that of the certificate")
        openssl("verify", "-CAfile", _server().ca / "ca.crt", live.certificate)
        return OLD if live.certificate.read_bytes() == (work / "old.pem").read_bytes() else NEW

    return look


def follow(storage: str) -> Callable[[Path, str], None]:
    def next_start(work: Path, found: str) -> None:
        live = _live(work, storage)
        # Without anybody's help: it is who it says it is to the server. (A request of nobody is not found; one that it
        # does not know is refused.)
        answer = _server().ask("GET", f"{PATH}/none", client=live)
        if answer.status != 404:
            raise Failure(f"the server does not know the device: {answer.status} {answer.body!r}")
        done = run(rotate(work), cwd=work)
        if done.code != 0:
            raise Failure(f"the next run: {done.text}")
        if state(storage)(work) != NEW:
            raise Failure("the next run succeeded, but the old identity is live")
        status = json.loads(lockstep(*_device("status"), cwd=work).stdout)
        if (status["unproven"], status["pending"]) != (False, None):
            raise Failure(f"the next run left something undone: {status}")
        keys = [path for path in work.rglob("*") if path.is_file() and not path.is_symlink()
                and b"PRIVATE KEY" in path.read_bytes()]  # fmt: skip
        if len(keys) != 1:
            raise Failure(f"keys are left: {sorted(map(str, keys))}")

    return next_start


def of(storage: str) -> tuple[Callable[[Path], None], Callable[[Path], Sequence[str]], Callable[[Path], str],
                              Callable[[Path, str], None]]:  # fmt: skip
    """What a scenario is made of."""
    return prepare(storage), rotate, state(storage), follow(storage)
