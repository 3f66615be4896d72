"""`openssl ca` as its manual asks for it: what it is given, what an operator needs of its files, and its scenarios.

It proves nothing by itself; peers/sweep.py runs the scenarios. `state` reads index, serial, CRL number, newcerts/ and the
output files, as an operator or another program would:

  - the index is there, its serials are different, and each has its certificate, whole and of this CA
  - the next serial is above all of them; the newest CRL's number is below the next
  - a certificate that lies whole in newcerts/, or was handed out, is in the index: it could not be revoked otherwise
  - no output file is empty or cut off

A cut-off file in newcerts/ that the index does not list is not held against it as long as the next run replaces it.
`follow` is the next run: it works, and changes no certificate that anybody has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import oracles
from scenarios import NEW, OLD, Scenario
from support import Failure, Outcome, make_openssl_request, openssl, run

from peers.verdict import BROKEN, GONE, HALF, NEXT, TWICE, UNRECORDED, Bad, whole

TOOL = "openssl ca"
_CONFIG = """\
[ca]
default_ca = this
[this]
dir = ca
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/newcerts
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
default_days = 365
default_crl_days = 7
unique_subject = no
policy = any
x509_extensions = leaf
copy_extensions = copy
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
"""


def _ca(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return lambda work: ["openssl", "ca", "-config", "ca/ca.cnf", "-batch", *arguments]


def _signing(number: int, out: str) -> Callable[[Path], Sequence[str]]:
    return _ca("-notext", "-in", f"r{number}.csr", "-out", out)


SIGN = _signing(0, "r0.crt")
SIGN_THREE = _ca("-notext", "-out", "/dev/null", "-infiles", "r0.csr", "r1.csr", "r2.csr")
REVOKE = _ca("-revoke", "ca/newcerts/03.pem", "-crl_reason", "superseded")
CRL = _ca("-gencrl", "-out", "ca/ca.crl")


def _run(argv: Sequence[str], work: Path) -> None:
    outcome = run(argv, cwd=work)
    if outcome.code != 0:
        raise Bad(NEXT, f"{' '.join(argv)}: exit {outcome.code}: {_last(outcome)}")


def _last(outcome: Outcome) -> str:
    lines = [line for line in outcome.stderr.splitlines() if line.strip()]
    return " / ".join(lines[-2:])


def make_authority(work: Path, issued: int = 0) -> None:
    """A CA in ca/, as README and manual tell it, with as many certificates as asked for, the first of serial 02."""
    (work / "ca" / "newcerts").mkdir(parents=True)
    ca = work / "ca"
    (ca / "ca.cnf").write_text(_CONFIG)
    (ca / "index.txt").touch()
    (ca / "serial").write_text("02\n")
    (ca / "crlnumber").write_text("01\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", ca / "ca.key",
            "-out", ca / "ca.crt", "-subj", "/CN=Peer Root", "-days", "3650")  # fmt: skip
    for number in range(3):
        make_openssl_request(work, f"r{number}", f"host{number}")
    for _ in range(issued):
        _run(_signing(0, "/dev/null")(work), work)


@dataclass(frozen=True)
class Records:
    serials: tuple[int, ...]
    revoked: tuple[int, ...]
    crl_number: int  # of the newest CRL; 0 when there is none


def _number(path: Path) -> int:
    try:
        text = whole(path).decode().strip()
        return int(text, 16)
    except ValueError:
        raise Bad(BROKEN, f"{path.name} holds {text!r}") from None


_serials: dict[tuple[bytes, bytes], int | None] = {}  # of the very same bytes, which a sweep sees again and again


def serial_of(certificate: Path, root: Path) -> int | None:
    """The serial of a certificate that is whole and of this CA; None for anything else."""
    content = (root.read_bytes(), certificate.read_bytes())
    if content not in _serials:
        try:
            oracles.issued(root, [certificate])
            said = openssl("x509", "-in", certificate, "-noout", "-serial")
            _serials[content] = int(said.strip().removeprefix("serial="), 16)
        except Failure:
            _serials[content] = None
    return _serials[content]


def _entries(ca: Path) -> list[list[str]]:
    if not (ca / "index.txt").exists():
        raise Bad(GONE, "index.txt is missing")
    lines = (ca / "index.txt").read_text().splitlines()
    if not lines:
        raise Bad(GONE, "index.txt is empty")
    entries = [line.split("\t") for line in lines]
    for entry in entries:
        if len(entry) != 6 or entry[0] not in ("V", "R", "E") or not re.fullmatch(r"[0-9A-F]+", entry[3]):
            raise Bad(BROKEN, f"a line of index.txt: {entry}")
        if (entry[0] == "R") != bool(entry[2]):
            raise Bad(BROKEN, f"half a revocation in index.txt: {entry}")
    return entries


def records(work: Path) -> Records:
    """What the CA's files say, checked against each other."""
    ca = work / "ca"
    root = ca / "ca.crt"
    entries = _entries(ca)
    serials = [int(entry[3], 16) for entry in entries]
    if len(set(serials)) != len(serials):
        raise Bad(TWICE, f"index.txt lists serials {serials}")
    for entry in entries:
        certificate = ca / "newcerts" / f"{entry[3]}.pem"
        whole(certificate)
        if serial_of(certificate, root) != int(entry[3], 16):
            raise Bad(BROKEN, f"newcerts/{certificate.name} is not the certificate that the index lists")
    if not (ca / "serial").exists():
        raise Bad(GONE, "serial is missing")
    if _number(ca / "serial") <= max(serials):
        raise Bad(TWICE, f"the next serial is {_number(ca / 'serial'):02X}, but the index has it already")
    for certificate in sorted((ca / "newcerts").iterdir()):
        if (serial := serial_of(certificate, root)) is not None and serial not in serials:
            raise Bad(UNRECORDED, f"newcerts/{certificate.name} is a valid certificate that index.txt does not list")
    for out in sorted(work.glob("*.crt")):
        whole(out)
        if (serial := serial_of(out, root)) is None:
            raise Bad(BROKEN, f"{out.name} is cut off")
        if serial not in serials:
            raise Bad(UNRECORDED, f"{out.name} was handed out, but index.txt does not list it")
    revoked = tuple(int(entry[3], 16) for entry in entries if entry[0] == "R")
    return Records(tuple(serials), revoked, _crl_number(ca))


def _crl_number(ca: Path) -> int:
    if not (ca / "crlnumber").exists():
        raise Bad(GONE, "crlnumber is missing")
    following = _number(ca / "crlnumber")
    crl = ca / "ca.crl"
    if not crl.exists():
        return 0
    whole(crl)
    try:
        openssl("crl", "-in", crl, "-CAfile", ca / "ca.crt", "-noout")
    except Failure as problem:
        raise Bad(BROKEN, f"ca.crl: {problem}") from problem
    number = _published(crl)
    if number >= following:
        raise Bad(TWICE, f"ca.crl has the number {number}, and the next one will have {following}")
    return number


def _published(crl: Path) -> int:
    """The number in a revocation list; 0 when it cannot be read."""
    try:
        return int(openssl("crl", "-in", crl, "-noout", "-crlnumber").strip().removeprefix("crlNumber=").removeprefix("0x"), 16)
    except Failure:
        return 0


def _known(work: Path) -> dict[int, bytes]:
    """Every whole certificate that somebody may hold."""
    found = {}
    for path in (*sorted((work / "ca" / "newcerts").iterdir()), *sorted(work.glob("*.crt"))):
        if (serial := serial_of(path, work / "ca" / "ca.crt")) is not None:
            found.setdefault(serial, path.read_bytes())
    return found


def _sign_again(work: Path, argv: Sequence[str], added: int) -> None:
    """The next run works, and its serials are new to everybody."""
    before = _known(work)
    _run(argv, work)
    after = _known(work)
    for serial, content in before.items():
        if serial not in after:
            raise Bad(GONE, f"the next run removed certificate {serial:02X}")
        if after[serial] != content:
            raise Bad(TWICE, f"the next run gave serial {serial:02X} to another certificate")
    if len(after) != len(before) + added:
        raise Bad(HALF, f"the next run added {len(after) - len(before)} certificates instead of {added}")
    records(work)


def _goes_on(work: Path) -> None:
    _sign_again(work, _signing(2, "after.crt")(work), 1)


# The scenarios: as ours of the same names in tests/scenarios.py.


def _sign_state(added: int) -> Callable[[Path], str]:
    def state(work: Path) -> str:
        found = len(records(work).serials)
        if found not in (1, 1 + added):
            raise Bad(GONE if found < 1 else HALF, f"{found} certificates: neither 1 nor {1 + added}")
        return OLD if found == 1 else NEW

    return state


def _sign_follow(argv: Callable[[Path], Sequence[str]], added: int) -> Callable[[Path, str], None]:
    def follow(work: Path, state: str) -> None:
        _sign_again(work, argv(work), added)

    return follow


def _revoke_state(work: Path) -> str:
    found = records(work)
    if found.serials != (2, 3) or found.revoked not in ((), (3,)):
        raise Bad(GONE, f"serials {found.serials}, revoked {found.revoked}")
    return NEW if found.revoked else OLD


def _revoke_follow(work: Path, state: str) -> None:
    if state == OLD:
        _run(REVOKE(work), work)
    elif state != NEW:
        run(REVOKE(work), cwd=work)  # after a bad state it may be refused because it is done
    if _revoke_state(work) != NEW:
        raise Bad(NEXT, "the next -revoke did not revoke")
    _goes_on(work)


def _crl_prepare(work: Path) -> None:
    make_authority(work, 2)
    _run(CRL(work), work)
    _run(REVOKE(work), work)


def _crl_state(work: Path) -> str:
    number = records(work).crl_number
    if number not in (1, 2):
        raise Bad(HALF, f"CRL number {number}: neither 1 nor 2")
    return OLD if number == 1 else NEW


def _crl_follow(work: Path, state: str) -> None:
    before = _published(work / "ca" / "ca.crl")
    _run(CRL(work), work)
    if records(work).crl_number <= before:
        raise Bad(TWICE, f"the next CRL has the number {before} again")
    _goes_on(work)


SCENARIOS = (
    Scenario("sign", lambda work: make_authority(work, 1), SIGN, _sign_state(1), _sign_follow(SIGN, 1), tool=TOOL),
    Scenario("sign, three", lambda work: make_authority(work, 1), SIGN_THREE, _sign_state(3), _sign_follow(SIGN_THREE, 3),
             tool=TOOL),
    Scenario("revoke", lambda work: make_authority(work, 2), REVOKE, _revoke_state, _revoke_follow, tool=TOOL),
    Scenario("crl", _crl_prepare, CRL, _crl_state, _crl_follow, tool=TOOL),
)  # fmt: skip
