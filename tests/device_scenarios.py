"""`device enroll`, `rotate` and `rollback` as scenarios of the sweep and of the power cuts, against a running `ca serve` or
an ACME CA.

It proves nothing by itself; scenarios.py lists them. The identity is the old one (at an enrolment none) or the new one, whole,
and accepted by the server; the next start comes to an end by itself and leaves one key. A one-time token is enough for an
enrolment however often it is tried, and an order that had been placed at the ACME CA is the one whose certificate is live in
the end.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ca_server import PATH, Identity, Server
from peers import pebble
from support import Failure, binary, lockstep, make_ca, openssl, run

OLD, NEW = "old", "new"
ACME = "acme"
NAME = "pump-7"


@functools.cache
def _server() -> Server:
    """One for all: issuing is not what is broken here."""
    top = Path(tempfile.mkdtemp(prefix="lockstep-device-"))
    make_ca(top / "ca")
    return Server(top / "ca", "--rate", "100000", with_us=top)


@functools.cache
def _enrolled(kind: str) -> Path:
    """A device with its first identity, to be copied."""
    work = Path(tempfile.mkdtemp(prefix=f"device-{kind}-", dir=_top(kind)))
    token = _configure(work, kind)
    lockstep(*_device("enroll", *token), cwd=work)
    shutil.copy(_live(work, kind).certificate, work / "old.pem")
    return work


def _configure(work: Path, kind: str) -> list[str]:
    """A device that has no identity yet; what its enrolment has to be told."""
    name = f"{NAME}-{kind}"
    lines = ["[device.identity]", f'name = "{name}"', 'ca = "ca.crt"', f'names = ["DNS:{name}.example.test"]']
    if kind == "files":
        lines += ['storage = "files"', 'cert = "device.crt"', 'key = "device.key"']
    if kind == ACME:
        acme = pebble.server()
        lines += ["[device.issuer]", "acme = true", "[acme]", f'server = "{acme.directory}"', f'ca_bundle = "{acme.trust}"',
                  'email = "admin@example.test"', "agree_tos = true", 'webroot = "webroot"']  # fmt: skip
        (work / "webroot").mkdir()
        token = []
    else:
        server = _server()
        lines += ["[device.issuer]", f'server = "https://localhost:{server.port}"']
        token = ["--token", _another_token(kind)]
    (work / "device.toml").write_text("\n".join(lines) + "\n")
    shutil.copy(_roots(kind), work / "ca.crt")
    return token


def _top(kind: str) -> Path:
    """A folder that goes with the server."""
    return pebble.server().roots.parent if kind == ACME else _server().ca.parent


def _roots(kind: str) -> Path:
    return pebble.server().roots if kind == ACME else _server().ca / "ca.crt"


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
        openssl("verify", "-CAfile", _roots(storage), "-untrusted", live.certificate, live.certificate)
        return OLD if live.certificate.read_bytes() == (work / "old.pem").read_bytes() else NEW

    return look


def follow(storage: str) -> Callable[[Path, str], None]:
    def next_start(work: Path, found: str) -> None:
        live = _live(work, storage)
        # Without anybody's help: it is who it says it is to the server. (A request of nobody is not found; one that it
        # does not know is refused.)
        if storage != ACME:
            _must_be_known(live)
        placed = _order_under_way(work, storage)
        done = run(rotate(work), cwd=work)
        if done.code != 0:
            raise Failure(f"the next run: {done.text}")
        if state(storage)(work) != NEW:
            raise Failure("the next run succeeded, but the old identity is live")
        _must_be_settled(work)
        if placed and found == OLD and _journal(work, storage)["order"] != placed:
            raise Failure(f"the order {placed} had been placed, but {_journal(work, storage)['order']} was issued")
        if proofs := [path for path in (work / "webroot").rglob("*") if path.is_file()]:
            raise Failure(f"proofs are left: {proofs}")

    return next_start


def _must_be_known(live: Identity) -> None:
    answer = _server().ask("GET", f"{PATH}/none", client=live)
    if answer.status != 404:
        raise Failure(f"the server does not know the device: {answer.status} {answer.body!r}")


def _must_be_settled(work: Path) -> None:
    """Nothing is under way, and there is one key."""
    status = json.loads(lockstep(*_device("status"), cwd=work).stdout)
    if (status["unproven"], status["pending"]) != (False, None):
        raise Failure(f"the next run left something undone: {status}")
    keys = [path for path in work.rglob("*") if path.is_file() and not path.is_symlink()
            and "accounts" not in path.parts and b"PRIVATE KEY" in path.read_bytes()]  # fmt: skip
    if len(keys) != 1:
        raise Failure(f"keys are left: {sorted(map(str, keys))}")


def _journal(work: Path, kind: str) -> dict:
    path = work / "home" / "device" / "orders" / f"{NAME}-{kind}.example.test.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _order_under_way(work: Path, kind: str) -> str | None:
    """The URL of the order for the request that the device will send again, or whose certificate waits to be swapped in. A swap
    that failed has discarded what was pending: then it asks anew."""
    state = work / "home" / "device" / f"{NAME}-{kind}.json"
    control = work / "home" / "identities" / f"{NAME}-{kind}" / ".lockstep"
    pending = (control / "draft" / "key.pem").exists() or (control / "pending").is_symlink()
    request = json.loads(state.read_text())["request"]
    journal = _journal(work, kind)
    if not request or not journal or not pending:
        return None
    body = "".join(line for line in request["csr"].splitlines() if "-----" not in line)
    same = hashlib.sha256(base64.b64decode(body)).hexdigest() == journal["request_sha256"]
    return journal["order"] if same else None


# The first identity, and the way back to it.


def _prepare_new(storage: str) -> Callable[[Path], None]:
    def fill(work: Path) -> None:
        _configure(work, storage)
        (work / "old.pem").write_text("")

    return fill


_last_tokens: dict[Path, str] = {}  # that were given to the command, by where it ran


def _another_token(storage: str) -> str:
    """Another device of that name may have been enrolled before: the sweep's last one."""
    return _server().token("--name", f"{NAME}-{storage}", "--reenroll")


def _enroll(storage: str) -> Callable[[Path], Sequence[str]]:
    def argv(work: Path) -> Sequence[str]:
        # Not in a file: the disk is what is broken here.
        _last_tokens[work] = _another_token(storage)
        return [binary(), *_device("enroll", "--token", _last_tokens[work])]

    return argv


def _rewind_new(storage: str) -> Callable[[Path], None]:
    def another_token(work: Path) -> None:
        """The power went before the request was written down, so that it was not sent: the token is good still."""
        state = work / "home" / "device" / f"{NAME}-{storage}.json"
        if not state.exists() or not json.loads(state.read_text())["request"]:
            (work / "token").write_text(_another_token(storage))

    return another_token


def _state_new(storage: str) -> Callable[[Path], str]:
    def look(work: Path) -> str:
        there = [path.exists() for path in _live(work, storage)]
        if not any(there):
            return OLD
        if not all(there):
            raise Failure(f"half an identity: {there}")
        return state(storage)(work)

    return look


def _follow_new(storage: str) -> Callable[[Path, str], None]:
    def next_start(work: Path, found: str) -> None:
        if found == OLD:
            given = work / "token"
            token = given.read_text() if given.exists() else _last_tokens[work]
            done = run([binary(), *_device("enroll", "--token", token)], cwd=work)
            if done.code != 0:
                raise Failure(f"the same command again: {done.text}")
        _must_be_known(_live(work, storage))
        lockstep(*_device("rotate", "--force"), cwd=work)
        _must_be_known(_live(work, storage))
        _must_be_settled(work)

    return next_start


def _prepare_back(storage: str) -> Callable[[Path], None]:
    def fill(work: Path) -> None:
        prepare(storage)(work)
        with (work / "device.toml").open("a") as settings:
            settings.write("[device.renewal]\ndestroy_old_keys = false\n")
        lockstep(*_device("rotate", "--force"), cwd=work)
        shutil.copy(_live(work, storage).certificate, work / "old.pem")

    return fill


def _back(work: Path) -> Sequence[str]:
    return [binary(), *_device("rollback")]


def _follow_back(storage: str) -> Callable[[Path, str], None]:
    def next_start(work: Path, found: str) -> None:
        _must_be_known(_live(work, storage))
        if found == OLD:
            lockstep(*_back(work)[1:], cwd=work)
        if state(storage)(work) != NEW:
            raise Failure("the rollback succeeded, but the other identity is live")
        _must_be_known(_live(work, storage))
        lockstep(*_device("rotate"), cwd=work)  # not due: it only looks after what was cut off
        _must_be_settled(work)
        lockstep(*_device("rotate", "--force"), cwd=work)
        _must_be_known(_live(work, storage))

    return next_start


Parts = tuple[Callable[[Path], None], Callable[[Path], Sequence[str]], Callable[[Path], str], Callable[[Path, str], None]]


def all_of() -> Iterator[tuple[str, Parts, dict[str, object]]]:
    """The names of the scenarios, what they are made of, and what else the rigs have to know."""
    networked = {"resumes": True, "networked": True}
    for storage, more in (("generations", ""), ("files", ", files")):
        how = {"recover": storage == "files"}
        enrolling = _prepare_new(storage), _enroll(storage), _state_new(storage), _follow_new(storage)
        yield f"device enroll{more}", enrolling, how | networked | {"rewind": _rewind_new(storage)}
        yield f"device rotate{more}", _rotating(storage), how | networked
        yield f"device rollback{more}", (_prepare_back(storage), _back, state(storage), _follow_back(storage)), how
    yield "device rotate, ACME", _rotating(ACME), networked


def _rotating(kind: str) -> Parts:
    return prepare(kind), rotate, state(kind), follow(kind)
