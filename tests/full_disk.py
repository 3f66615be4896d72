"""A full disk costs a CA nothing: each `ca sign` is complete or has changed nothing, and signing goes on afterwards.

On a tmpfs of 128 KiB, with an unrelated file filling part of it: sign until the disk is full. Every success has its
certificate, its index entry and its delivered copy; the run that fails exits 1, names the problem and leaves the
directory byte for byte as it was, as does `ca crl` and `ca revoke` there. Once the filler is removed, and again once
the tmpfs has been made larger, signing goes on with the next serial. The same when another program fills the disk to the
last few pages. Mounting needs root. peers/full_disk.py does the
same with OpenSSL's CA.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oracles import authority, authority_agrees, no_leftovers
from support import (Failure, Outcome, lockstep, make_ca, make_request, run, scratch, skip, tree_difference,
                     tree_state)  # fmt: skip

SMALL, LARGE = "128k", "1m"
FILLER = 24 * 1024
MOST = 200  # signings before the disk must have been full


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    at.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", f"size={SMALL},mode=0700", "tmpfs", at])
    if mounted.code != 0:
        skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=False)


def enlarge(at: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", at], check=True)


def leave_pages(at: Path, count: int) -> None:
    """Another program fills the disk to the last few pages."""
    with (at / "other").open("wb") as other:
        left = os.statvfs(at)
        other.write(bytes(max(0, left.f_bavail - count) * left.f_frsize))


class Disk:
    def __init__(self, top: Path, disk: Path) -> None:
        self.disk = disk
        self.ca = make_ca(disk / "ca")
        self.out = top / "out"  # elsewhere: what is full is the CA's disk
        self.out.mkdir()
        _, self.csr = make_request(top, "request")
        self.issued = 0

    def sign(self) -> Outcome:
        out = self.out / f"{self.issued}.crt"
        return lockstep("ca", "--data-dir", self.ca, "sign", self.csr, "--jobs", "1", "--out", out, "--json", expect=None)

    def sign_well(self, outcome: Outcome) -> None:
        """Exit 0: whole, recorded, delivered, and the next serial."""
        serial = json.loads(outcome.stdout)["certificates"][0]["serial"]
        if int(serial, 16) != self.issued + 2:
            raise Failure(f"serial {serial} after {self.issued} certificates")
        if (self.out / f"{self.issued}.crt").read_bytes() != (self.ca / "certs" / f"{serial}.pem").read_bytes():
            raise Failure(f"certificate {serial} was not delivered whole")
        self.issued += 1
        found = authority(self.ca)
        if found is None or found.count != self.issued:
            raise Failure(f"{self.issued} certificates were issued, the CA has {found}")

    def refuse(self, outcome: Outcome, before: dict[str, tuple]) -> None:
        """Exit 1: says why, and there is no trace of it."""
        if outcome.code != 1:
            raise Failure(f"on a full disk: {outcome.text}")
        message = json.loads(outcome.stdout)["error"]["message"]
        if os.strerror(errno.ENOSPC) not in message:
            raise Failure(f"the message does not name the problem: {message}")
        if difference := tree_difference(before, tree_state(self.disk)):
            raise Failure("the failed command left a trace:\n  " + "\n  ".join(difference))

    def sign_until_full(self) -> int:
        """The number of certificates that went on the disk before it was full."""
        first = self.issued
        while self.issued < first + MOST:
            before = tree_state(self.disk)
            outcome = self.sign()
            if outcome.code != 0:
                self.refuse(outcome, before)
                if (self.out / f"{self.issued}.crt").exists():
                    raise Failure("a certificate was delivered that the CA does not know")
                self.refuse(self.sign(), before)  # and again: a failure does not use anything up
                return self.issued - first
            self.sign_well(outcome)
        raise Failure(f"{MOST} certificates and the disk is not full")

    def others_refused(self) -> None:
        for words in (["crl"], ["revoke", "02"]):
            before = tree_state(self.disk)
            outcome = lockstep("ca", "--data-dir", self.ca, *words, "--json", expect=None)
            if outcome.code != 0:  # a smaller change may still fit
                self.refuse(outcome, before)
        authority(self.ca)


def fill_and_go_on(filling: int) -> list[int]:
    """How many certificates went on the disk beside a file of that size, and then without it; everything is proved."""
    with scratch("full-disk") as top, small_disk(top / "disk"):
        disk = Disk(top, top / "disk")
        filler = top / "disk" / "filler"
        filler.write_bytes(bytes(filling))

        rounds = [disk.sign_until_full()]
        disk.others_refused()
        filler.unlink()
        rounds.append(disk.sign_until_full())
        enlarge(top / "disk")
        for _ in range(5):
            outcome = disk.sign()
            if outcome.code != 0:
                raise Failure(f"there is space again: {outcome.text}")
            disk.sign_well(outcome)
        authority_agrees(disk.ca)
        no_leftovers(top / "disk")
        if min(rounds) < 1:
            raise Failure(f"nothing could be signed before the disk was full: {rounds}")
        return rounds


def meet_full_disk(pages: int) -> bool:
    """Whether three certificates were followed by a fourth when so many pages were left; everything is proved."""
    with scratch("full-disk") as top, small_disk(top / "disk"):
        disk = Disk(top, top / "disk")
        for _ in range(3):
            disk.sign_well(disk.sign())
        leave_pages(top / "disk", pages)
        before = tree_state(top / "disk")
        outcome = disk.sign()
        (disk.sign_well if outcome.code == 0 else lambda refused: disk.refuse(refused, before))(outcome)
        (top / "disk" / "other").unlink()
        disk.sign_well(disk.sign())
        authority_agrees(disk.ca)
        no_leftovers(top / "disk")
        return outcome.code == 0


def main() -> int:
    if os.geteuid() != 0:
        skip("mounting a tmpfs needs root")
    first, second = fill_and_go_on(FILLER)
    print(f"{first} certificates until the disk was full, {second} more without the filler, then 5 on a larger disk")
    if any(meet_full_disk(pages) for pages in range(4)):
        raise Failure("a certificate was issued on fewer than four pages: the disk was not full")
    return 0


if __name__ == "__main__":
    sys.exit(main())
