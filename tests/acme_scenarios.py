"""`cert obtain` and `cert renew` as scenarios of the sweep and of the power cuts, against Pebble.

It proves nothing by itself; scenarios.py lists them. Besides all-old or all-new they ask for what a CA counts: an order
whose URL had been written down is the one whose certificate is live in the end, so nothing is issued twice; and no proof,
draft or journal is left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import oracles
from peers import pebble
from support import Failure, binary, lockstep, openssl, run, scratch

OLD, NEW = "old", "new"
# Syncs after the certificate is live: of the order's journal, and of the proof that is taken away.
TIDIES = ("./data/orders", "./webroot/.well-known/acme-challenge", "./webroot/.well-known", "./webroot")
DOMAIN = "www.example.test"
_FOLDER = Path("data/certs") / DOMAIN
_JOURNAL = Path("data/orders") / f"{DOMAIN}.json"


def _where() -> list[str]:
    server = pebble.server()
    return ["--server", server.directory, "--ca-bundle", str(server.trust)]


def obtain(work: Path) -> Sequence[str]:
    return [binary(), "cert", "--path", "data", "obtain", "-d", DOMAIN, *_where(), "--webroot", "webroot", "--key-type", "ec256",
            "--nginx-conf", "--json"]  # fmt: skip


def renew(work: Path) -> Sequence[str]:
    return [binary(), "cert", "--path", "data", "renew", "-d", DOMAIN, "--force", "--json"]


def _account() -> Path:
    """One for all: registering is not what is broken here."""
    kept = pebble.server().accounts / "lockstep"
    if not kept.exists():
        with scratch("account") as work:
            lockstep("account", "--path", "data", "register", *_where(), "-m", "admin@example.test", "--agree-tos", cwd=work)
            shutil.copytree(work / "data" / "accounts", kept, symlinks=True)
    return kept


def prepare(issued: bool) -> Callable[[Path], None]:
    def fill(work: Path) -> None:
        (work / "webroot").mkdir()
        (work / "data").mkdir()
        shutil.copytree(_account(), work / "data" / "accounts", symlinks=True)
        if issued:
            done = run(obtain(work), cwd=work)
            if done.code != 0:
                raise Failure(f"cannot obtain: {done.text}")
            shutil.copy(work / _FOLDER / "cert.pem", work / "old.pem")

    return fill


def _certificate(work: Path) -> bytes | None:
    folder = work / _FOLDER
    content = oracles.folder_content(folder)
    if content is not None:
        openssl("verify", "-CAfile", pebble.server().roots, "-verify_hostname", DOMAIN, "-untrusted", folder / "chain.pem",
                folder / "cert.pem")  # fmt: skip
    return content


def state(work: Path) -> str:
    found = _certificate(work)
    old = work / "old.pem"
    return OLD if found == (old.read_bytes() if old.exists() else None) else NEW


def follow(argv: Callable[[Path], Sequence[str]]) -> Callable[[Path, str], None]:
    def next_run(work: Path, found: str) -> None:
        ordered = json.loads((work / _JOURNAL).read_text()) if (work / _JOURNAL).exists() else None
        before = _certificate(work)
        if found == OLD or ordered:
            words = list(argv(work))
            if found == NEW:
                words = [word for word in words if word != "--force"]  # what is due is only what is unfinished
            done = run(words, cwd=work)
            if done.code != 0:
                raise Failure(f"the next run: {done.text}")
            if state(work) != NEW:
                raise Failure("the next run succeeded, but the old certificate is live")
            if found == NEW and _certificate(work) != before:
                raise Failure("the next run replaced the new certificate")
            metadata = json.loads((work / _FOLDER / "metadata.json").read_text())
            if ordered and metadata["acme_order_url"] != ordered["order"]:
                raise Failure(f"the order {ordered['order']} had been placed, but {metadata['acme_order_url']} was issued")
        _tidy(work)
        quiet = lockstep("cert", "--path", "data", "renew", "--json", cwd=work)
        if (after := json.loads(quiet.stdout))["renewed"] != 0:
            raise Failure(f"a run with nothing due renewed: {after}")

    return next_run


def _tidy(work: Path) -> None:
    proofs = [path for path in (work / "webroot").rglob("*") if path.is_file()]
    if proofs:
        raise Failure(f"proofs are left: {proofs}")
    # What a crash before the journal leaves is a draft that nobody waits for: the next order takes its place.
    lockstep("cert", "--path", "data", "renew", "-d", DOMAIN, "--force", "--json", cwd=work)
    for path in (work / _JOURNAL, work / _FOLDER / ".lockstep" / "draft"):
        if path.exists():
            raise Failure(f"left over: {path.relative_to(work)}")
