"""What the power is cut in: the sweep's scenarios, an atomic file by itself, a large signing run, and the controls.

It proves nothing by itself. A new command that changes files joins by its scenario in tests/scenarios.py.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import oracles
from device import program
from scenarios import NEW, OLD, SCENARIOS, Scenario, ca_fixture, folder_fixture, sign_follow, sign_state
from support import Failure, binary, run

_BULK = 16


def _ca_bulk(work: Path) -> Sequence[str]:
    return [binary(), "ca", "--data-dir", "ca", "sign", *["r0.csr"] * _BULK, "--jobs", "1", "--json"]


# An atomic file by itself.


def _content(version: str) -> bytes:
    return b"".join(hashlib.sha256(f"{version} {line}".encode()).hexdigest().encode() + b"\n" for line in range(300))


def _atomic_prepare(work: Path) -> None:
    (work / "state").write_bytes(_content(OLD))
    (work / "input").write_bytes(_content(NEW))


def _atomic_argv(work: Path) -> Sequence[str]:
    return ["sh", "-c", 'exec "$1" state <input', "sh", str(program("atomic_write"))]


def _atomic_state(work: Path) -> str:
    found = (work / "state").read_bytes()
    for version in (OLD, NEW):
        if found == _content(version):
            return version
    raise Failure(f"the file holds {len(found)} bytes, {found.count(0)} of them zero: neither the old nor the new content")


def _atomic_follow(work: Path, state: str) -> None:
    done = run(_atomic_argv(work), cwd=work)
    if done.code != 0 or _atomic_state(work) != NEW:
        raise Failure(f"the next write: {done.text}")
    if left := [path.name for path in work.iterdir() if path.name.endswith(".tmp")]:
        raise Failure(f"left over: {left}")


# The controls.


def _pair_prepare(work: Path) -> None:
    folder_fixture(0)(work)
    (work / "live").mkdir()
    for end in ("crt", "key"):
        (work / "live" / f"server.{end}").write_bytes((work / f"p0.{end}").read_bytes())


def _swap_prepare(work: Path) -> None:
    _pair_prepare(work)
    (work / "live").rename(work / "first")
    (work / "live").mkdir()
    (work / "first").rename(work / "live" / "old")
    (work / "live" / "current").symlink_to("old")


def _control(protocol: str) -> Scenario:
    live = Path("live") if protocol == "pair" else Path("live/current")

    def argv(work: Path) -> Sequence[str]:
        script = str(Path(__file__).with_name("controls.py"))
        return [sys.executable, "-B", "-S", script, protocol, "p1.crt", "p1.key", "live"]

    def state(work: Path) -> str:
        oracles.pair(work / live / "server.crt", work / live / "server.key")
        return OLD if (work / live / "server.crt").read_bytes() == (work / "p0.crt").read_bytes() else NEW

    title = {"pair": "control: file by file", "swap": "control: swap, no fsync"}[protocol]
    prepare = _pair_prepare if protocol == "pair" else _swap_prepare
    return Scenario(title, prepare, argv, state, lambda work, found: None, control=True)


def _workloads() -> tuple[Scenario, ...]:
    ours = [one for one in SCENARIOS if not one.control]
    bulk = Scenario(f"ca sign, {_BULK}", ca_fixture(1), _ca_bulk, sign_state(_BULK), sign_follow(_ca_bulk, _BULK))
    atomic = Scenario("atomic file", _atomic_prepare, _atomic_argv, _atomic_state, _atomic_follow)
    return (*ours, bulk, atomic, _control("pair"), _control("swap"))


WORKLOADS = _workloads()
