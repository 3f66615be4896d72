"""`openssl ca` on a disk that gets full, beside our `ca sign` on one that is as small, in one run.

Ours is proved by tests/full_disk.py: each run is complete or has changed nothing, or this fails. OpenSSL's is judged as in
the sweep. Once the disk is filled by the certificates themselves, then by another program after three of them, to the last
few pages: which file meets the full disk depends on how many. Afterwards there is room again and both sign once more.
Mounting needs root.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dataclasses import dataclass

from full_disk import FILLER, MOST, enlarge, fill_and_go_on, leave_pages, meet_full_disk, small_disk
from support import Failure, Outcome, binary, run, scratch, skip

from peers.openssl_ca import make_authority, records, serial_of
from peers.scenarios import version
from peers.verdict import Bad

BEFORE = 3  # certificates before another program fills the disk
PAGES = range(6)  # what it leaves


@dataclass(frozen=True)
class Row:
    tool: str
    filled: str
    complete: int  # certificates until then
    run: str  # what the run said that met the full disk
    records: str  # what the CA's files were then
    after: str  # a run with room again


def ours(left: int | None) -> Row:
    if left is None:
        complete = fill_and_go_on(FILLER)[0]
        return Row("lockstep ca sign", _filled(left), complete, "exit 1", "byte for byte as before", "works")
    passed = meet_full_disk(left)
    return Row("lockstep ca sign", _filled(left), BEFORE, "exit 0" if passed else "exit 1",
               "in order, complete" if passed else "byte for byte as before", "works")  # fmt: skip


def _filled(left: int | None) -> str:
    return "by certificates" if left is None else f"pages left: {left}"


def _sign(top: Path, number: int) -> Outcome:
    return run(["openssl", "ca", "-config", "ca/ca.cnf", "-batch", "-notext", "-in", "r0.csr", "-out", f"out/{number}.crt"],
               cwd=top)  # fmt: skip


def _wrong(top: Path, issued: int) -> str | None:
    """What is wrong with the records, or with their number; None when nothing is."""
    try:
        found = len(records(top).serials)
    except Bad as bad:
        return str(bad)
    return None if found == issued else f"{found} entries for {issued} certificates"


def openssl(left: int | None) -> Row:
    with scratch("peers-full") as top, small_disk(top / "disk"):
        make_authority(top)
        (top / "ca").rename(top / "made")
        shutil.copytree(top / "made", top / "disk" / "ca")
        (top / "ca").symlink_to(top / "disk" / "ca")  # what is full is the CA's disk alone
        (top / "out").mkdir()
        if left is None:
            (top / "disk" / "other").write_bytes(bytes(FILLER))

        for number in range(MOST):
            if number == BEFORE and left is not None:
                leave_pages(top / "disk", left)
            outcome = _sign(top, number)
            passed = outcome.code == 0
            wrong = _wrong(top, number + passed) if number + passed else None
            if passed and serial_of(top / "out" / f"{number}.crt", top / "ca" / "ca.crt") is None:
                wrong = wrong or "the certificate was not delivered whole"
            if not passed or wrong or number == BEFORE and left is not None:
                break
        else:
            raise Failure(f"{MOST} certificates and the disk is not full")
        (top / "disk" / "other").unlink()
        enlarge(top / "disk")
        again = _sign(top, MOST)
        broken = _wrong(top, number + passed + 1)
        after = "works" if again.code == 0 and not broken else f"exit {again.code}; {broken or 'in order'}"
        return Row("openssl ca", _filled(left), number, f"exit {outcome.code}",
                   wrong or ("in order, complete" if passed else "in order"), after)  # fmt: skip


def main() -> int:
    binary()
    if os.geteuid() != 0:
        skip("mounting a tmpfs needs root")
    print(f"a full disk\n  {version('lockstep')}\n  {version('openssl ca')}", flush=True)
    print(f"{'tool':18}{'disk filled':17}{'before':>6}  {'run':8}{'the records then':78}with room again")
    for measure in (ours, openssl):
        for left in (None, *PAGES):
            row = measure(left)
            print(f"{row.tool:18}{row.filled:17}{row.complete:>6}  {row.run:8}{row.records:78}{row.after}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
