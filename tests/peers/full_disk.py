"""`openssl ca` on a disk that gets full, beside our `ca sign` on one that is as small, in one run.

Ours is proved by tests/full_disk.py: each run is complete or has changed nothing, or this fails. OpenSSL's runs until one
fails or its files are bad; then room is made and it runs again. Which of its files meets the full disk depends on how much
was free, so both start with several fillings. Mounting needs root.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dataclasses import dataclass

from full_disk import FILLER, MOST, enlarge, fill_and_go_on, small_disk
from support import Failure, Outcome, binary, run, scratch, skip

from peers.openssl_ca import make_authority, records, serial_of
from peers.scenarios import version
from peers.verdict import Bad

FILLINGS = tuple(FILLER + 4096 * pages for pages in range(8))


@dataclass(frozen=True)
class Row:
    tool: str
    filling: int
    complete: int  # runs with exit 0 after which everything was in order
    full: str  # what the run did that met the full disk
    records: str  # what the CA's files were then
    after: str  # a run with room again


def ours(filling: int) -> Row:
    first, _ = fill_and_go_on(filling)
    return Row("lockstep ca sign", filling, first, "exit 1", "byte for byte as before", "works")


def _sign(top: Path, number: int) -> Outcome:
    return run(["openssl", "ca", "-config", "ca/ca.cnf", "-batch", "-notext", "-in", "r0.csr", "-out", f"out/{number}.crt"],
               cwd=top)  # fmt: skip


def _in_order(top: Path, issued: int) -> str | None:
    """What is wrong with the records, or with their number; None when nothing is."""
    try:
        found = len(records(top).serials)
    except Bad as bad:
        return str(bad)
    return None if found == issued else f"{found} entries for {issued} certificates"


def openssl(filling: int) -> Row:
    with scratch("peers-full") as top, small_disk(top / "disk"):
        make_authority(top)
        (top / "ca").rename(top / "made")
        run(["cp", "-a", top / "made", top / "disk" / "ca"])
        (top / "ca").symlink_to(top / "disk" / "ca")  # what is full is the CA's disk alone
        (top / "out").mkdir()
        filler = top / "disk" / "filler"
        filler.write_bytes(bytes(filling))

        for number in range(MOST):
            outcome = _sign(top, number)
            delivered = serial_of(top / "out" / f"{number}.crt", top / "ca" / "ca.crt") is not None
            wrong = _in_order(top, number + 1 if outcome.code == 0 else number)
            if outcome.code != 0 or wrong or not delivered:
                break
        else:
            raise Failure(f"{MOST} certificates and the disk is not full")
        filler.unlink()
        enlarge(top / "disk")
        again = _sign(top, MOST)
        after = "works" if again.code == 0 and not _broken(top) else f"exit {again.code}; {_broken(top) or 'in order'}"
        return Row("openssl ca", filling, number, f"exit {outcome.code}", wrong or "in order", after)


def _broken(top: Path) -> str | None:
    try:
        records(top)
        return None
    except Bad as bad:
        return str(bad)


def main() -> int:
    binary()
    if os.geteuid() != 0:
        skip("mounting a tmpfs needs root")
    print(f"a full disk\n  {version('lockstep')}\n  {version('openssl ca')}", flush=True)
    print(f"{'tool':20}{'filled':>8}{'complete':>10}  {'when full':11}{'the records then':72}with room again")
    for measure in (ours, openssl):
        for filling in FILLINGS:
            row = measure(filling)
            print(f"{row.tool:20}{row.filling:>8}{row.complete:>10}  {row.full:11}{row.records:72}{row.after}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
