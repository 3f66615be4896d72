"""`ca token create` and `ca device add` as scenarios of the sweep and of the power cuts.

It proves nothing by itself; scenarios.py lists them. A token or a device is there as a whole or not at all, and the CA
signs afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import oracles
from support import Failure, binary, lockstep, make_ca, make_request, sign

OLD, NEW = "old", "new"


def token(work: Path) -> Sequence[str]:
    return [binary(), "ca", "--data-dir", "ca", "token", "create", "--name", "pump-7", "--json"]


def device(work: Path) -> Sequence[str]:
    return [binary(), "ca", "--data-dir", "ca", "device", "add", "pump-7", "--bootstrap", "p1.crt", "--json"]


def prepare(before: bool) -> Callable[[Path], None]:
    """`before`: there are a token and a device already."""

    def fill(work: Path) -> None:
        make_ca(work / "ca")
        for number in range(2):
            _, csr = make_request(work, f"p{number}")
            sign(work / "ca", csr, work / f"p{number}.crt")
        if before:
            lockstep("ca", "--data-dir", work / "ca", "token", "create")
            lockstep("ca", "--data-dir", work / "ca", "device", "add", "old", "--bootstrap", work / "p0.crt")

    return fill


def state(file: str, before: bool) -> Callable[[Path], str]:
    """By what the file of that name says; the CA beside it is checked as a whole."""
    old = 1 if before else 0

    def look(work: Path) -> str:
        oracles.authority(work / "ca")
        path = work / "ca" / file
        names = [entry["name"] for entry in json.loads(path.read_text())] if path.exists() else []
        if len(names) not in (old, old + 1) or (len(names) > old and names[-1] != "pump-7"):
            raise Failure(f"{file}: {names}")
        return OLD if len(names) == old else NEW

    return look


def follow(work: Path, state: str) -> None:
    """The CA goes on: with another token, and with another certificate."""
    lockstep("ca", "--data-dir", "ca", "token", "create", "--name", "after", cwd=work)
    make_request(work, "after")
    lockstep("ca", "--data-dir", "ca", "sign", "after.csr", cwd=work)
    oracles.authority_agrees(work / "ca")
