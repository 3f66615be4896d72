"""The commands that the sweep breaks at every system call: one entry of SCENARIOS each.

It proves nothing by itself; sweep.py runs it. A later command that changes files is one more entry: how to prepare a
directory, the command, how to tell the old state from the new, and what must work afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import acme_scenarios
import device_scenarios
import issuing_scenarios
import oracles
import service_scenarios
from injection import KILL, Point, Tracer
from support import Failure, binary, lockstep, make_ca, make_openssl_request, make_request, scratch, sign

OLD, NEW = "old", "new"


@dataclass(frozen=True)
class Scenario:
    name: str
    prepare: Callable[[Path], None]  # fills an empty directory
    argv: Callable[[Path], Sequence[str]]  # the command; it runs in that directory
    state: Callable[[Path], str]  # OLD or NEW, or raises Failure
    follow: Callable[[Path, str], None]  # the next run after a crash that left this state, and what must hold then
    recover: bool = False  # `lockstep recover` comes before `state`: the change shows file by file (Publish)
    crashed: bool = False  # the prepared directory is what a kill left: the command recovers it first
    may_change: tuple[str, ...] = ()  # names a failed run may rewrite, for a written reason
    resumes: bool = False  # a failed run keeps what the next one goes on with: an order, a draft, the reason
    networked: bool = False  # it reads from sockets, so that reads and closes are not counted alike in every run
    control: bool = False  # not atomic on purpose: the sweep must find bad states
    tool: str = "lockstep"  # whose command it is; those of others are in peers/
    tracer: Callable[[Path, Path], Tracer] = Tracer  # peers/tracing.py's for a command of several threads or processes
    tidies: tuple[str, ...] = ()  # paths whose last sync only tidies up after the commit
    rewind: Callable[[Path], None] = lambda work: None  # a power cut's old state: makes a server forget what came later
    aside: tuple[str, ...] = ()  # paths "./…" below which no fault is made: logs, a web server's folder


def _lockstep(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return lambda work: [binary(), *arguments, "--json"]


def _ca(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return _lockstep("ca", "--data-dir", "ca", *arguments)


def _again(argv: Callable[[Path], Sequence[str]], work: Path) -> None:
    lockstep(*argv(work)[1:], cwd=work)


def _must(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise Failure(f"{what}: expected {wanted}, got {got}")


def _authority(work: Path) -> oracles.Authority:
    found = oracles.authority(work / "ca")
    if found is None:
        raise Failure("the CA is gone")
    return found


# ca init


def _init_state(work: Path) -> str:
    found = oracles.authority(work / "ca")
    if found is None:
        return OLD
    _must(found, oracles.Authority(0, (), 0), "a new CA")
    return NEW


_INIT = _ca("init", "--subject", "CN=Root,O=Sweep")


def _init_follow(work: Path, state: str) -> None:
    if state == OLD:
        _again(_INIT, work)
    else:
        lockstep(*_INIT(work)[1:], cwd=work, expect=1)
    _must(_init_state(work), NEW, "after ca init")
    _sign_one(work)


def _sign_one(work: Path) -> None:
    """The CA goes on: the next serial is given once."""
    before = _authority(work).count
    csr = work / "after.csr"
    if not csr.exists():
        make_request(work, "after")
    lockstep("ca", "--data-dir", "ca", "sign", csr, cwd=work)
    _must(_authority(work).count, before + 1, "certificates after one more")
    oracles.authority_agrees(work / "ca")


# ca request


_REQUEST = _lockstep("ca", "request", "--subject", "CN=sweep", "--san", "DNS:sweep", "--out-key", "pair.key",
                     "--out-csr", "pair.csr")  # fmt: skip


def _request_force(work: Path) -> Sequence[str]:
    return [*_REQUEST(work), "--force"]


def _request_state(work: Path) -> str:
    return OLD if oracles.published_pair(work / "pair.key", work / "pair.csr") == "none" else NEW


def _request_over_state(work: Path) -> str:
    found = oracles.published_pair(work / "pair.key", work / "pair.csr")
    return OLD if found == (work / "old-digest").read_text() else NEW


def _request_over_prepare(work: Path) -> None:
    make_openssl_request(work, "pair")
    (work / "old-digest").write_text(oracles.published_pair(work / "pair.key", work / "pair.csr"))


def _request_follow(work: Path, state: str) -> None:
    if state == OLD:
        _again(_REQUEST, work)
    else:
        lockstep(*_REQUEST(work)[1:], cwd=work, expect=1)  # existing files are refused
    _must(_request_state(work), NEW, "after ca request")


def _request_over_follow(work: Path, state: str) -> None:
    _again(_request_force, work)
    _must(_request_over_state(work), NEW, "after ca request --force")


# ca sign, revoke, crl


def ca_fixture(issued: int) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        make_ca(work / "ca")
        for number in range(3):
            (make_request if number != 1 else make_openssl_request)(work, f"r{number}", f"host{number}")
        for _ in range(issued):
            lockstep("ca", "--data-dir", work / "ca", "sign", work / "r0.csr")

    return prepare


def sign_state(added: int, out: tuple[str, ...] = ()) -> Callable[[Path], str]:
    def state(work: Path) -> str:
        found = _authority(work).count
        if found not in (1, 1 + added):
            raise Failure(f"{found} certificates: neither 1 nor {1 + added}")
        for name in out:
            if (work / name).exists():
                _must(found, 1 + added, "a certificate was delivered before its commit")
                oracles.issued(work / "ca" / "ca.crt", [work / name])
        return OLD if found == 1 else NEW

    return state


def sign_follow(argv: Callable[[Path], Sequence[str]], added: int) -> Callable[[Path, str], None]:
    def follow(work: Path, state: str) -> None:
        before = _authority(work).count
        _again(argv, work)
        _must(_authority(work).count, before + added, "certificates after the next ca sign")
        oracles.authority_agrees(work / "ca")

    return follow


_SIGN = _ca("sign", "r0.csr", "--jobs", "1", "--out", "r0.crt")
_SIGN_THREE = _ca("sign", "r0.csr", "r1.csr", "r2.csr", "--jobs", "1")
_REVOKE = _ca("revoke", "2", "--reason", "superseded")
_CRL = _ca("crl")


def _revoke_state(work: Path) -> str:
    found = _authority(work)
    _must(found.count, 2, "certificates")
    if found.revoked not in ((), ("02",)):
        raise Failure(f"revoked: {found.revoked}")
    return NEW if found.revoked else OLD


def _revoke_follow(work: Path, state: str) -> None:
    if state == OLD:
        _again(_REVOKE, work)
    else:
        lockstep(*_REVOKE(work)[1:], cwd=work, expect=1)
    _must(_revoke_state(work), NEW, "after ca revoke")
    _sign_one(work)


def _crl_prepare(made: int) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        ca_fixture(2)(work)
        for _ in range(made):
            lockstep("ca", "--data-dir", work / "ca", "crl")
        lockstep("ca", "--data-dir", work / "ca", "revoke", "3")

    return prepare


def _crl_state(made: int) -> Callable[[Path], str]:
    def state(work: Path) -> str:
        number = _authority(work).crl_number
        if number not in (made, made + 1):
            raise Failure(f"CRL number {number}: neither {made} nor {made + 1}")
        return OLD if number == made else NEW

    return state


def _crl_follow(work: Path, state: str) -> None:
    before = _authority(work).crl_number
    _again(_CRL, work)
    _must(_authority(work).crl_number, before + 1, "CRL number after the next ca crl")
    _sign_one(work)


# cert import, cert rollback


def _cert(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return _lockstep("cert", "--path", "data", *arguments)


def _import(number: int, *more: str) -> Callable[[Path], Sequence[str]]:
    return _cert("import", "--domain", "localhost", "--cert", f"p{number}.crt", "--key", f"p{number}.key",
                 "--trust", "ca/ca.crt", *more)  # fmt: skip


_MORE = ("--combined", "--nginx-conf")  # they make new stable names in a folder that is in use


def folder_fixture(installed: int) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        make_ca(work / "ca")
        for number in range(2):
            _, csr = make_request(work, f"p{number}")
            sign(work / "ca", csr, work / f"p{number}.crt")
        for number in range(installed):
            _again(_import(number), work)

    return prepare


def _folder_state(old: int | None, new: int) -> Callable[[Path], str]:
    def state(work: Path) -> str:
        found = oracles.folder(work / "data" / "certs" / "localhost", work / "ca" / "ca.crt")
        if found == (None if old is None else (work / f"p{old}.crt").read_bytes()):
            return OLD
        if found == (work / f"p{new}.crt").read_bytes():
            return NEW
        raise Failure("the certificate folder holds neither the old nor the new certificate")

    return state


def _folder_follow(argv: Callable[[Path], Sequence[str]], state_of: Callable[[Path], str]) -> Callable[[Path, str], None]:
    def follow(work: Path, state: str) -> None:
        # A rollback is not repeated once it is done; an import of the same pair changes nothing and succeeds.
        _again(argv if state == OLD or "import" in argv(work) else _import(0), work)
        _must(state_of(work), NEW, "after the next run")
        lockstep("cert", "--path", "data", "verify", "localhost", "--trust", "ca/ca.crt", cwd=work)

    return follow


# The same commands in what a crash left: they recover it first, and the recovery is broken at every call as well.


def _killed(prepare: Callable[[Path], None], argv: Callable[[Path], Sequence[str]], call: str, path: str,
            which: int = 0) -> Callable[[Path], None]:  # fmt: skip
    """After `prepare`, `argv` was killed before the call whose last path ends like this."""

    def crash(work: Path) -> None:
        prepare(work)
        with scratch("crash") as base:
            copy = base / "work"
            shutil.copytree(work, copy, symlinks=True)
            calls = Tracer(base, copy).record(argv(copy))
            chosen = [one for one in calls if one.name == call and one.paths[-1].endswith(path)][which]
            if not Tracer(base, work).inject(argv(work), Point(chosen, KILL)).killed:
                raise Failure("the preparing run was not killed")

    return crash


def _request_crashed(work: Path) -> None:
    """The intent is durable and only the key is in place: the old state is what recovery makes of it."""
    _killed(_request_over_prepare, _request_force, "renameat", "/pair.csr")(work)
    with scratch("recovered") as base:
        shutil.copytree(work, base / "crashed", symlinks=True)
        lockstep("recover", ".", cwd=work)  # here: the intent names absolute paths
        digest = oracles.published_pair(work / "pair.key", work / "pair.csr")
        shutil.rmtree(work)
        shutil.copytree(base / "crashed", work, symlinks=True)
    (work / "old-digest").write_text(digest)


# doctor --repair


def _repair_prepare(work: Path) -> None:
    """The key of the newest certificate is lost with all its copies: the pair before it is what is left."""
    folder_fixture(2)(work)
    (work / "data" / "certs" / "localhost" / ".lockstep" / "current" / "privkey.pem").write_text("")


_REPAIR = _lockstep("doctor", "--repair", "data/certs/localhost")


def _repair_state(work: Path) -> str:
    if not (work / "data" / "certs" / "localhost" / "privkey.pem").read_bytes():
        return OLD
    return _folder_state(None, 0)(work)


def _repair_follow(work: Path, state: str) -> None:
    _again(_REPAIR, work)
    _must(_repair_state(work), NEW, "after doctor --repair")
    # What was set aside has been looked at.
    for aside in (work / "data" / "certs" / "localhost" / ".lockstep").glob("set-aside-*"):
        shutil.rmtree(aside)
    _again(_import(1), work)
    lockstep("cert", "--path", "data", "verify", "localhost", "--trust", "ca/ca.crt", cwd=work)


# The control: what people do with cp. The sweep must call it bad.

def _copy_prepare(work: Path) -> None:
    folder_fixture(0)(work)
    (work / "live").mkdir()
    for end in ("crt", "key"):
        (work / "live" / f"server.{end}").write_bytes((work / f"p0.{end}").read_bytes())


def _copy_argv(work: Path) -> Sequence[str]:
    script = 'printf "%s\\n" "$1" >live/server.key && printf "%s\\n" "$2" >live/server.crt'
    return ["sh", "-c", script, "sh", *((work / f"p1.{end}").read_text().rstrip("\n") for end in ("key", "crt"))]


def _copy_state(work: Path) -> str:
    oracles.pair(work / "live" / "server.crt", work / "live" / "server.key")
    return OLD if (work / "live" / "server.crt").read_bytes() == (work / "p0.crt").read_bytes() else NEW


SCENARIOS = (
    Scenario("ca init", lambda work: None, _INIT, _init_state, _init_follow),
    Scenario("ca init, empty folder", lambda work: (work / "ca").mkdir(mode=0o700), _INIT, _init_state, _init_follow),
    Scenario("ca request", lambda work: None, _REQUEST, _request_state, _request_follow, recover=True),
    Scenario("ca request --force", _request_over_prepare, _request_force, _request_over_state, _request_over_follow,
             recover=True),
    Scenario("ca sign", ca_fixture(1), _SIGN, sign_state(1, ("r0.crt",)), sign_follow(_SIGN, 1)),
    Scenario("ca sign, three", ca_fixture(1), _SIGN_THREE, sign_state(3), sign_follow(_SIGN_THREE, 3)),
    Scenario("ca revoke", ca_fixture(2), _REVOKE, _revoke_state, _revoke_follow),
    Scenario("ca crl, the first", _crl_prepare(0), _CRL, _crl_state(0), _crl_follow),
    Scenario("ca crl", _crl_prepare(1), _CRL, _crl_state(1), _crl_follow),
    *(Scenario(f"ca {name}{more}", issuing_scenarios.prepare(before), argv, issuing_scenarios.state(file, before),
               issuing_scenarios.follow)
      for name, argv, file in (("token create", issuing_scenarios.token, "tokens.json"),
                               ("device add", issuing_scenarios.device, "devices.json"))
      for before, more in ((False, ", the first"), (True, ""))),
    Scenario("cert import", folder_fixture(0), _import(1), _folder_state(None, 1),
             _folder_follow(_import(1), _folder_state(None, 1))),
    Scenario("cert import, renewal", folder_fixture(1), _import(1), _folder_state(0, 1),
             _folder_follow(_import(1), _folder_state(0, 1))),
    Scenario("cert import, more files", folder_fixture(1), _import(1, *_MORE), _folder_state(0, 1),
             _folder_follow(_import(1, *_MORE), _folder_state(0, 1))),
    Scenario("cert rollback", folder_fixture(2), _cert("rollback", "localhost"), _folder_state(1, 0),
             _folder_follow(_cert("rollback", "localhost"), _folder_state(1, 0)),
             # The record of kept generations may list more than it must; no reader of the folder looks at it.
             may_change=("data/certs/localhost/.lockstep/history",)),
    Scenario("ca init, after a crash", _killed(lambda work: None, _INIT, "renameat", "/.lockstep/current"), _INIT,
             _init_state, _init_follow, crashed=True),
    Scenario("request, after a crash", _request_crashed, _request_force, _request_over_state, _request_over_follow,
             recover=True, crashed=True),
    Scenario("ca sign, after a crash", _killed(ca_fixture(1), _SIGN_THREE, "renameat", "/.lockstep/current"), _SIGN,
             sign_state(1, ("r0.crt",)), sign_follow(_SIGN, 1), crashed=True),
    Scenario("import, after a crash", _killed(folder_fixture(0), _import(1), "renameat", "/.lockstep/current"),
             _import(1), _folder_state(None, 1), _folder_follow(_import(1), _folder_state(None, 1)), crashed=True),
    Scenario("cert obtain", acme_scenarios.prepare(False), acme_scenarios.obtain, acme_scenarios.state,
             acme_scenarios.follow(acme_scenarios.obtain), resumes=True, networked=True, tidies=acme_scenarios.TIDIES),
    Scenario("cert renew", acme_scenarios.prepare(True), acme_scenarios.renew, acme_scenarios.state,
             acme_scenarios.follow(acme_scenarios.renew), resumes=True, networked=True, tidies=acme_scenarios.TIDIES),
    *(Scenario(name, *parts, **how) for name, parts, how in device_scenarios.all_of()),
    *(Scenario(name, *parts) for name, parts in service_scenarios.all_of()),
    Scenario("doctor --repair", _repair_prepare, _REPAIR, _repair_state, _repair_follow, crashed=True),
    Scenario("control: two copies", _copy_prepare, _copy_argv, _copy_state, lambda work, state: None, control=True),
)  # fmt: skip
