"""The measuring of other people's tools works: a sweep of `openssl ca` runs, its judge sees damage, the tracer tells misses.

Proves, without any of the ACME tools: our `ca sign` and OpenSSL's pass the fault-free runs, and ours has no bad state in a
sample; each kind of damage to an OpenSSL CA is called by its name; a fault in one of several processes is found to have
happened at the wanted call, or not to have.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

import random
import shutil
from collections.abc import Callable

from injection import KILL, Point, tracing_problem
from support import Failure, binary, scratch, skip

from peers.openssl_ca import SIGN, TOOL, make_authority, records
from peers.scenarios import CONTROL, OURS, PEERS
from peers.sweep import failures, print_heads, print_row, sweep
from peers.tracing import WatchedCall, WatchTracer
from peers.verdict import BROKEN, GONE, TWICE, UNRECORDED, ZERO, Bad
from support import run as run_command

POINTS = 8


def _must(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise Failure(f"{what}: expected {wanted}, got {got}")


def sweeps(seed: int) -> None:
    scenarios = (next(one for one in OURS if one.name == "ca sign"),
                 next(one for one in PEERS if (one.tool, one.name) == (TOOL, "sign")), CONTROL)  # fmt: skip
    with scratch("smoke-bad") as kept:
        reports = [sweep(one, POINTS, random.Random(seed), kept) for one in scenarios]
    print_heads()
    for report in reports:
        print_row(report)
    _must(failures(reports), [], "a sampled sweep")


def _without_entry(ca: Path, certificate: Path) -> None:
    """The certificate is in newcerts/ alone, or in the file that was handed out alone."""
    certificate.unlink()
    lines = (ca / "index.txt").read_text().splitlines(keepends=True)
    (ca / "index.txt").write_text("".join(lines[:-1]))


def _given_again(ca: Path) -> None:
    (ca / "serial").write_text("03\n")


def _cut_off(ca: Path) -> None:
    out = ca.parent / "r0.crt"
    out.write_bytes(out.read_bytes()[:100])


DAMAGE: tuple[tuple[Callable[[Path], object], str], ...] = (
    (lambda ca: (ca / "index.txt").unlink(), GONE),
    (lambda ca: (ca / "index.txt").write_text(""), GONE),
    (lambda ca: (ca / "serial").unlink(), GONE),
    (lambda ca: (ca / "newcerts" / "03.pem").write_text(""), ZERO),
    (lambda ca: (ca.parent / "r0.crt").write_text(""), ZERO),
    (_cut_off, BROKEN),
    (_given_again, TWICE),
    (lambda ca: _without_entry(ca, ca.parent / "r0.crt"), UNRECORDED),
    (lambda ca: _without_entry(ca, ca / "newcerts" / "03.pem"), UNRECORDED),
)


def judge() -> None:
    with scratch("smoke-judge") as top:
        good = top / "good"
        good.mkdir()
        make_authority(good, 1)
        outcome = run_command(SIGN(good), cwd=good)
        if outcome.code != 0:
            raise Failure(f"openssl ca: {outcome.text}")
        _must(records(good).serials, (2, 3), "serials of an undamaged CA")
        for number, (damage, kind) in enumerate(DAMAGE):
            work = top / str(number)
            shutil.copytree(good, work)
            damage(work / "ca")
            try:
                records(work)
            except Bad as bad:
                _must(bad.kind, kind, f"damage {number}")
            else:
                raise Failure(f"damage {number}, {kind}, was not seen")


def tracer() -> None:
    """Three processes write to one file: strace lets the first write of each fail, which must be called a miss."""
    with scratch("smoke-tracer") as top:
        work = top / "work"
        work.mkdir()
        tracing = WatchTracer(top, work)
        script = "for i in 1 2 3; do (echo $i) >>three; done; (echo 4) >one; exit 0"
        argv = ["sh", "-c", script]
        writes = [call for call in tracing.record(argv) if call.name == "write" and isinstance(call, WatchedCall)]
        _must([(call.watch[0], call.ordinal) for call in writes],
              [("./three", 1), ("./three", 2), ("./three", 3), ("./one", 1)], "recorded writes")  # fmt: skip
        for action in ("EIO", "ENOSPC"):
            _must([tracing.inject(argv, Point(call, action)).drifted for call in writes], [True, True, True, False],
                  f"missed {action}")  # fmt: skip
        # A killed child is not the killed command; a call of the command itself is.
        _must(tracing.inject(argv, Point(writes[3], KILL)).drifted, True, "a kill of a child alone")
        own = next(call for call in tracing.record(argv) if call.name == "openat" and "./one" in call.paths)
        _must(tracing.inject(["sh", "-c", "exec >one; echo 4"], Point(own, KILL)).drifted, False, "a kill of the command")


def main() -> int:
    binary()
    if reason := tracing_problem():
        skip(reason)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"peers smoke: seed {seed}", flush=True)
    judge()
    tracer()
    sweeps(seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
