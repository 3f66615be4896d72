"""Eight processes that sign 25 requests each, at once, on one CA, lose nothing and give no serial twice.

Proves: 200 runs succeed, 200 different serials from 02 on, what each run delivered is the file that the CA keeps, every
certificate file is whole and verifies, `ca list`, `ca verify` and `doctor` agree, and `serial` holds the next one.
peers/parallel.py does the same with OpenSSL's CA.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from oracles import authority, no_leftovers
from support import Failure, lockstep, lockstep_json, make_ca, make_openssl_request, make_request, openssl, scratch

T = TypeVar("T")
PROCESSES = 8
EACH = 25


def requests_for_all(top: Path) -> list[tuple[Path, Path]]:
    """For each process a request and a directory for what it is given."""
    work = []
    for number in range(PROCESSES):
        _, csr = (make_request if number % 2 else make_openssl_request)(top, f"r{number}", f"host{number}")
        out = top / f"out{number}"
        out.mkdir()
        work.append((csr, out))
    return work


def at_once(work: Sequence[tuple[Path, Path]], sign: Callable[[Path, Path], T]) -> tuple[list[T], float]:
    """What each process got, and how long it took all of them."""
    began = time.monotonic()
    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(lambda item: sign(*item), work)), time.monotonic() - began


def sign_many(ca: Path, csr: Path, out: Path) -> list[str]:
    serials = []
    for number in range(EACH):
        # Waiting for seven others is normal; only the lock's own bound may end it.
        outcome = lockstep("--json", "--lock-timeout", "120s", "ca", "--data-dir", ca, "sign", csr, "--jobs", "1",
                           "--out", out / f"{number}.crt", timeout=180)  # fmt: skip
        serials.append(json.loads(outcome.stdout)["certificates"][0]["serial"])
    return serials


def sign_and_check() -> tuple[int, float]:
    """How many certificates there are, after everything was proved, and the seconds that signing took."""
    total = PROCESSES * EACH
    with scratch("parallel") as top:
        ca = make_ca(top / "ca")
        work = requests_for_all(top)
        given, seconds = at_once(work, lambda csr, out: sign_many(ca, csr, out))

        serials = sorted((serial for some in given for serial in some), key=lambda text: int(text, 16))
        if serials != [f"{number:02x}" for number in range(2, total + 2)]:
            raise Failure(f"{len(serials)} serials, {len(set(serials))} different, not 02 to {total + 1:02x}")
        for some in given:
            if [int(serial, 16) for serial in some] != sorted(int(serial, 16) for serial in some):
                raise Failure(f"the serials that one process was given do not increase: {some}")
        for (_, out), some in zip(work, given):
            for number, serial in enumerate(some):
                if (out / f"{number}.crt").read_bytes() != (ca / "certs" / f"{serial}.pem").read_bytes():
                    raise Failure(f"{out.name}/{number}.crt is not certificate {serial}")

        found = authority(ca)  # the index, `serial` and every certificate with openssl
        if found is None or found.count != total:
            raise Failure(f"expected {total} index entries, found {found}")
        if len(list((ca / "certs").iterdir())) != total:
            raise Failure("certs/ holds something else than the index lists")
        entries = lockstep_json("ca", "--data-dir", ca, "list")["certificates"]
        if [entry["serial"] for entry in entries] != serials or {entry["status"] for entry in entries} != {"active"}:
            raise Failure("ca list does not show exactly the certificates that were issued")
        for serial in serials:
            lockstep("ca", "--data-dir", ca, "verify", ca / "certs" / f"{serial}.pem")
        keys = {openssl("req", "-in", csr, "-noout", "-pubkey"): number for number, (csr, _) in enumerate(work)}
        for number, some in enumerate(given):
            for serial in some[:2]:
                key = openssl("x509", "-in", ca / "certs" / f"{serial}.pem", "-noout", "-pubkey")
                if keys.get(key) != number:
                    raise Failure(f"certificate {serial} was issued for another process's request")
        no_leftovers(top)
    return total, seconds


def main() -> int:
    total, seconds = sign_and_check()
    print(f"{total} certificates by {PROCESSES} processes in {seconds:.1f} s, {total} serials")
    return 0


if __name__ == "__main__":
    sys.exit(main())
