"""Says in which complete state a CA, a key and its request, or a certificate folder is.

It proves nothing by itself; the sweep uses it. Everything is read through the stable names that people and programs
use, with openssl and plain file reads and never with the program under test, so that looking does not recover what is
being looked at. Whatever is neither a complete old nor a complete new state raises Failure.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from support import Failure, check_issued, check_pair, lockstep, lockstep_json, openssl

_known_good: set[bytes] = set()
_lock = threading.Lock()


def _once(what: str, files: list[Path], check) -> None:
    """Skips a check of exactly the same bytes; the fixtures' own files are the same in thousands of runs."""
    digest = hashlib.sha256(what.encode())
    for file in files:
        content = file.read_bytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    with _lock:
        if digest.digest() in _known_good:
            return
    check()
    with _lock:
        _known_good.add(digest.digest())


def pair(certificate: Path, key: Path) -> None:
    _once("pair", [certificate, key], lambda: check_pair(certificate, key))


def issued(root: Path, certificates: list[Path]) -> None:
    _once("issued", [root, *certificates], lambda: check_issued(root, certificates))


def request_pair(csr: Path, key: Path) -> None:
    def check() -> None:
        openssl("req", "-in", csr, "-noout", "-verify")
        if openssl("req", "-in", csr, "-noout", "-pubkey") != openssl("pkey", "-in", key, "-pubout"):
            raise Failure(f"{csr} does not belong to {key}")

    _once("request", [csr, key], check)


@dataclass(frozen=True)
class Authority:
    count: int
    revoked: tuple[str, ...]
    crl_number: int  # of the newest CRL; 0 when there is none


def authority(ca: Path) -> Authority | None:
    """The CA in `ca`, checked in every way that does not need the program; None when there is none yet."""
    names = ("ca.crt", "ca.key", "serial", "crlnumber", "index.json")
    visible = [name for name in names if (ca / name).exists()]
    if not visible:
        if (ca / "ca.crl").exists():
            raise Failure("ca.crl without a CA")
        return None
    if len(visible) != len(names):
        raise Failure(f"half a CA: only {', '.join(visible)} can be read")
    root = ca / "ca.crt"
    pair(root, ca / "ca.key")
    issued(root, [root])

    entries = json.loads((ca / "index.json").read_text())
    serials = [entry["serial"] for entry in entries]
    if [int(serial, 16) for serial in serials] != list(range(2, len(serials) + 2)):
        raise Failure(f"the index's serials are {serials}: not unique and increasing from 02")
    following = int((ca / "serial").read_text().strip(), 16)
    if following != len(serials) + 2:
        raise Failure(f"{len(serials)} certificates, but the next serial is {following:02x}")
    certificates = [ca / "certs" / f"{serial}.pem" for serial in serials]
    for certificate in certificates:
        if not certificate.is_file():
            raise Failure(f"{certificate.name} is in the index but not in certs/")
    issued(root, certificates)
    for serial, certificate in zip(serials, certificates):
        _once(f"serial {serial}", [certificate], lambda s=serial, c=certificate: _check_serial(s, c))

    revoked = tuple(entry["serial"] for entry in entries if entry["status"] == "revoked")
    for entry in entries:
        if (entry["status"] == "revoked") != bool(entry["revoked_at"] and entry["revocation_reason"]):
            raise Failure(f"half a revocation: {entry}")
    return Authority(len(serials), revoked, _crl_number(ca, revoked))


def _check_serial(serial: str, certificate: Path) -> None:
    said = openssl("x509", "-in", certificate, "-noout", "-serial").strip().removeprefix("serial=")
    if int(said, 16) != int(serial, 16):
        raise Failure(f"{certificate.name} carries serial {said}")


def _crl_number(ca: Path, revoked: tuple[str, ...]) -> int:
    following = int((ca / "crlnumber").read_text().strip(), 16)
    crl = ca / "ca.crl"
    if not crl.exists():
        if following != 1:
            raise Failure(f"no CRL, but the next CRL number is {following}")
        return 0
    _once("crl", [ca / "ca.crt", crl], lambda: openssl("crl", "-in", crl, "-CAfile", ca / "ca.crt", "-noout"))
    text = openssl("crl", "-in", crl, "-noout", "-crlnumber", "-text")
    number = int(re.search(r"crlNumber=(?:0x)?([0-9A-Fa-f]+)", text).group(1), 16)
    if number != following - 1:
        raise Failure(f"CRL number {number}, but the next is {following}")
    listed = {int(serial, 16) for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)}
    if not listed <= {int(serial, 16) for serial in revoked}:
        raise Failure(f"the CRL lists {sorted(listed)}, the index has {revoked}")
    return number


def authority_agrees(ca: Path) -> None:
    """After the next run: the program's own view, and certs/ holds what the index lists and nothing else."""
    entries = lockstep_json("ca", "--data-dir", ca, "list")["certificates"]
    there = sorted(path.name for path in (ca / "certs").iterdir())
    if there != sorted(f"{entry['serial']}.pem" for entry in entries):
        raise Failure(f"certs/ holds {there}, the index lists {[entry['serial'] for entry in entries]}")
    for entry in entries:
        expect = 0 if entry["status"] == "active" else None
        said = lockstep("ca", "--data-dir", ca, "verify", ca / "certs" / f"{entry['serial']}.pem", expect=expect)
        if "Signature: OK" not in said.stdout:
            raise Failure(f"ca verify {entry['serial']}: {said.text}")


def published_pair(key: Path, csr: Path) -> str:
    """`none` or the digest of a key and a request that belong together."""
    if not key.exists() and not csr.exists():
        return "none"
    if not key.exists():
        raise Failure("a request without its key")
    if not csr.exists():
        raise Failure("a key without its request")
    request_pair(csr, key)
    return hashlib.sha256(key.read_bytes() + csr.read_bytes()).hexdigest()


_FOLDER = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json")


def folder(path: Path, root: Path) -> bytes | None:
    """The certificate in a certificate folder, checked with everything around it; None when nothing is installed."""
    content = folder_content(path)
    if content is not None:
        issued(root, [path / "cert.pem"])
    return content


def folder_content(path: Path) -> bytes | None:
    """The same without who issued it."""
    visible = [name for name in _FOLDER if (path / name).exists()]
    if not visible:
        return None
    if len(visible) != len(_FOLDER):
        raise Failure(f"half a certificate folder: only {', '.join(visible)} can be read")
    certificate = path / "cert.pem"
    pair(certificate, path / "privkey.pem")
    content = certificate.read_bytes()
    if (path / "fullchain.pem").read_bytes() != content + (path / "chain.pem").read_bytes():
        raise Failure("fullchain.pem is not cert.pem and chain.pem")
    json.loads((path / "metadata.json").read_text())
    if (path / "combined.pem").exists():
        pair(certificate, path / "combined.pem")
        if content not in (path / "combined.pem").read_bytes():
            raise Failure("combined.pem holds another certificate")
    if (path / "nginx.conf").exists():
        pinned = [Path(found) for found in re.findall(r"(/[^\s;\"']+\.pem)", (path / "nginx.conf").read_text())]
        if len(pinned) < 2 or any(not found.is_file() for found in pinned):
            raise Failure(f"nginx.conf names {pinned}")
        if {found.parent.resolve() for found in pinned} != {(path / ".lockstep" / "current").resolve()}:
            raise Failure(f"nginx.conf pins another generation: {pinned}")
    return content


def no_leftovers(top: Path) -> None:
    """No temporaries, intents or unreferenced generations anywhere, and `doctor` has nothing to say but what a repair set aside."""
    for path in top.rglob("*"):
        if path.name.endswith(".tmp") or "lockstep-intent" in path.name:
            raise Failure(f"left over: {path.relative_to(top)}")
        if path.is_symlink() and not path.exists():
            raise Failure(f"dangling link: {path.relative_to(top)}")
    for store in top.rglob(".lockstep"):
        referenced = set()
        for pointer in ("current", "pending"):
            if (store / pointer).is_symlink():
                name = (store / pointer).readlink().name
                manifest = json.loads((store / name / "manifest.json").read_text())
                referenced |= {name} | {f"gen-{number:08d}" for number in manifest["history"]}
        if (store / "history").exists():  # written when a rollback or a first commit could not say it in a manifest
            history = json.loads((store / "history").read_text())
            referenced |= {f"gen-{number:08d}" for number in history["kept"]}
        there = {path.name for path in store.iterdir() if path.name.startswith("gen-")}
        if not there <= referenced or not there:
            raise Failure(f"{store.relative_to(top)} holds {sorted(there)}, of which {sorted(referenced)} are referenced")
        report = lockstep_json("doctor", store.parent)["stores"]
        # What a repair set aside is its owner's to remove.
        said = [finding for one in report for finding in one["findings"] if finding["what"] != "a repair set it aside"]
        if len(report) != 1 or report[0]["damaged"] or said:
            raise Failure(f"doctor on {store.parent.relative_to(top)}: {report}")
