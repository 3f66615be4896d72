"""Eight processes that sign 25 requests each at once, on our CA and on OpenSSL's, in one run.

Ours is proved by tests/parallel_sign.py: 200 certificates, 200 serials, or this fails. OpenSSL's manual says that no files
are locked and one process at a time is meant, so it is measured twice: as people run it, and with each run behind flock(1),
as the manual demands; behind the lock it must come out right, which shows that the counting does.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from collections import Counter
from typing import NamedTuple

from parallel_sign import EACH, PROCESSES, at_once, requests_for_all, sign_and_check
from support import Failure, binary, run, scratch

from peers.openssl_ca import make_authority, records, serial_of
from peers.scenarios import version
from peers.verdict import Bad

TOTAL = PROCESSES * EACH


class Row(NamedTuple):
    tool: str
    succeeded: int  # runs that said so
    whole: int  # certificates that those runs handed out
    serials: int  # that are different among them
    twice: int  # serials that more than one of them has
    index: str  # lines of the CA's index
    after: str  # the records, and whether a single run works afterwards
    seconds: float


def ours() -> Row:
    total, seconds = sign_and_check()
    return Row("lockstep ca sign", total, total, total, 0, str(total), "in order; works", seconds)


def openssl(locked: bool) -> Row:
    with scratch("peers-parallel") as top:
        make_authority(top)
        (top / "work").mkdir()
        work = requests_for_all(top / "work")
        lock = ["flock", str(top / "lock")] if locked else []

        def sign_many(csr: Path, out: Path) -> list[Path]:
            given = []
            for number in range(EACH):
                one = out / f"{number}.crt"
                argv = [*lock, "openssl", "ca", "-config", "ca/ca.cnf", "-batch", "-notext", "-in", csr, "-out", one]
                if run(argv, cwd=top).code == 0:
                    given.append(one)
            return given

        given, seconds = at_once(work, sign_many)
        said = [one for some in given for one in some]
        root = top / "ca" / "ca.crt"
        serials = Counter(serial for one in said if one.exists() and (serial := serial_of(one, root)) is not None)
        index = top / "ca" / "index.txt"
        lines = str(len(index.read_text().splitlines())) if index.exists() else "missing"
        twice = sum(times > 1 for times in serials.values())
        return Row("openssl ca, flock" if locked else "openssl ca", len(said), serials.total(), len(serials), twice, lines,
                   _after(top), seconds)  # fmt: skip


def _after(top: Path) -> str:
    try:
        records(top)
        state = "in order"
    except Bad as bad:
        state = str(bad)
    argv = ["openssl", "ca", "-config", "ca/ca.cnf", "-batch", "-notext", "-in", "r0.csr", "-out", "after.crt"]
    outcome = run(argv, cwd=top)
    return f"{state}; {'works' if outcome.code == 0 else f'next run: exit {outcome.code}'}"


def main() -> int:
    binary()
    print(f"{PROCESSES} processes, {EACH} runs each: {TOTAL}\n  {version('lockstep')}\n  {version('openssl ca')}", flush=True)
    rows = [ours(), openssl(locked=False), openssl(locked=True)]
    print(f"{'tool':20}{'exit 0':>8}{'whole':>8}{'serials':>9}{'twice':>7}{'index':>9}{'s':>7}  afterwards")
    for row in rows:
        print(f"{row.tool:20}{row.succeeded:>8}{row.whole:>8}{row.serials:>9}{row.twice:>7}{row.index:>9}{row.seconds:>7.1f}"
              f"  {row.after}")  # fmt: skip
    locked = rows[2]
    if (locked.succeeded, locked.whole, locked.serials, locked.index) != (TOTAL, TOTAL, TOTAL, str(TOTAL)):
        raise Failure(f"behind a lock OpenSSL's CA must issue {TOTAL} certificates with as many serials: {locked}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
