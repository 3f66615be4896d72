"""lego, certbot and uacme: how each is run as its manual says, what an operator needs of its files, and the scenarios.

It proves nothing by itself; peers/sweep.py runs the scenarios, against Pebble. `state` reads the files by the names that a
web server is given: the certificate belongs to the key and verifies with what is served beside it, every file is whole, and
all of them are the old ones or all of them are new. Before a first issue a key alone counts as the old state, for uacme
makes it first on purpose.

`follow` is what the timer runs next: a client decides by the certificate's end whether a renewal is due. Pebble's
certificates all last for years, so due is forced, by the client's own option, exactly when the certificate on the disk is
the one from before: in life that one is about to end, and any other has just begun.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios import NEW, OLD, Scenario
from support import Failure, openssl, run, scratch

from peers import pebble
from peers.tracing import WatchTracer
from peers.verdict import BROKEN, HALF, NEXT, PAIR, Bad, whole

DOMAIN = "www.example.test"
_EMAIL = "admin@example.test"
_SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
ISSUE, RENEW, RENEW_NOW = "issue", "renew", "renew now"


@dataclass(frozen=True)
class Client:
    name: str
    words: Callable[[Path, str], Sequence[str]]  # ISSUE, RENEW when it is due, or RENEW_NOW
    register: Callable[[Path], Sequence[str]]  # makes the account, which is not what is tested
    account: str  # where it lies
    certificate: str  # the leaf comes first
    key: str
    chain: str | None  # the issuer's certificate, when it has a file of its own
    bundle: str  # the leaf and its issuer, which a web server is given
    records: str | None = None  # JSON without which it cannot renew
    not_due: int = 0  # its exit code when nothing is due
    backup: str | None = None  # glob of what it names by the second: it cannot run twice in one
    aside: tuple[str, ...] = ()


def _lego(work: Path, what: str, domain: str = DOMAIN) -> Sequence[str]:
    server = pebble.server()
    words = ["env", f"LEGO_CA_CERTIFICATES={server.trust}", "lego", "--path", f"{work}/lego", "--server", server.directory,
             "--accept-tos", "--email", _EMAIL, "--domains", domain, "--http", "--http.webroot", f"{work}/webroot"]  # fmt: skip
    if what == ISSUE:
        return [*words, "run"]
    return [*words, "renew", "--no-random-sleep", *(["--days", "99999"] if what == RENEW_NOW else [])]


def _certbot(work: Path, *more: str) -> Sequence[str]:
    where = [f"--{part}-dir={work}/certbot/{part}" for part in ("config", "work", "logs")]
    return ["env", f"REQUESTS_CA_BUNDLE={pebble.server().trust}", "certbot", "--non-interactive", *where, *more]


def _certbot_words(work: Path, what: str) -> Sequence[str]:
    if what == ISSUE:
        return _certbot(work, "certonly", "--server", pebble.server().directory, "--webroot", "-w", f"{work}/webroot",
                        "-d", DOMAIN, "--key-type", "ecdsa")  # fmt: skip
    return _certbot(work, "renew", "--no-random-sleep-on-renew", *(["--force-renewal"] if what == RENEW_NOW else []))


def _uacme(work: Path, *more: str) -> Sequence[str]:
    """It trusts the system's store alone; Pebble's certificate stands in for that in a mount namespace of its own."""
    server = pebble.server()
    script = f'mount --bind "$0" {_SYSTEM_TRUST} && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(server.trust),
            "uacme", "-a", server.directory, "-c", f"{work}/uacme", "-t", "EC", "-h", "/bin/true", *more]  # fmt: skip


def _uacme_words(work: Path, what: str) -> Sequence[str]:
    return _uacme(work, *(["-f"] if what == RENEW_NOW else []), "issue", DOMAIN)


_FOR_LEGO = f"lego/certificates/{DOMAIN}"
_LIVE = f"certbot/config/live/{DOMAIN}"
CLIENTS = (
    # lego has no registering of its own: it is done with the first certificate of all, another one.
    Client("lego", _lego, lambda work: _lego(work, ISSUE, "first.example.test"), "lego/accounts",
           f"{_FOR_LEGO}.crt", f"{_FOR_LEGO}.key", f"{_FOR_LEGO}.issuer.crt", f"{_FOR_LEGO}.crt", records=f"{_FOR_LEGO}.json",
           aside=("./webroot",)),
    Client("certbot", _certbot_words,
           lambda work: _certbot(work, "register", "--server", pebble.server().directory, "--agree-tos", "-m", _EMAIL),
           "certbot/config/accounts", f"{_LIVE}/cert.pem", f"{_LIVE}/privkey.pem", f"{_LIVE}/chain.pem", f"{_LIVE}/fullchain.pem",
           aside=("./webroot", "./certbot/logs")),
    Client("uacme", _uacme_words, lambda work: _uacme(work, "-y", "new", _EMAIL), "uacme/private/key.pem",
           f"uacme/{DOMAIN}/cert.pem", f"uacme/private/{DOMAIN}/key.pem", None, f"uacme/{DOMAIN}/cert.pem", not_due=1,
           backup=f"uacme/{DOMAIN}/cert-*.pem"),
)  # fmt: skip


def problem(client: Client) -> str | None:
    """Why this client cannot be run here."""
    for program in (client.name, "pebble"):
        if not shutil.which(program):
            return f"{program} is not installed (Debian package {program})"
    if client.name == "uacme" and os.geteuid() != 0:
        return "uacme trusts the system's store alone; putting another in its place for one process needs root"
    return None


def _run(client: Client, work: Path, what: str) -> None:
    if client.backup and (stamps := [int(path.stem.rpartition("-")[2]) for path in work.glob(client.backup)]):
        while time.time() < max(stamps) + 1:
            time.sleep(0.01)  # until that second is over: two renewals in one are not what is tested
    argv = client.words(work, what)
    outcome = run(argv, cwd=work)
    if outcome.code not in ((0, client.not_due) if what == RENEW else (0,)):
        said = " / ".join((outcome.stderr.strip() or outcome.stdout.strip()).splitlines()[-3:])
        raise Bad(NEXT, f"{client.name}, {what}: exit {outcome.code}: {said}")


def _public(path: Path, *words: str) -> str:
    try:
        return openssl(*words, "-in", path)
    except Failure as unreadable:
        raise Bad(BROKEN, f"{path.name}: {unreadable}") from unreadable


def _certificate(client: Client, work: Path) -> bytes | None:
    """The certificate on the disk, if it can be read at all."""
    path = work / client.certificate
    try:
        _public(path, "x509", "-noout")
        return path.read_bytes()
    except Failure:
        return None


def _state(client: Client) -> Callable[[Path], str]:
    def state(work: Path) -> str:
        others = [name for name in (client.chain, client.bundle, client.records) if name]
        if not (work / client.certificate).exists():
            if (work / "old.pem").exists() or any((work / name).exists() for name in others):
                raise Bad(HALF, f"{client.certificate} is missing")
            if (work / client.key).exists():
                whole(work / client.key)
                _public(work / client.key, "pkey", "-noout")
            return OLD
        content = {name: whole(work / name) for name in (client.certificate, client.key, *others)}
        _public(work / client.certificate, "x509", "-noout")
        of_key = _public(work / client.key, "pkey", "-pubout")
        if _public(work / client.certificate, "x509", "-noout", "-pubkey") != of_key:
            raise Bad(PAIR, f"{client.certificate} does not belong to {client.key}")
        if _public(work / client.bundle, "x509", "-noout", "-pubkey") != of_key:
            raise Bad(PAIR, f"{client.bundle} does not belong to {client.key}")
        try:
            openssl("verify", "-CAfile", pebble.server().roots, "-verify_hostname", DOMAIN, "-untrusted",
                    work / client.bundle, work / client.bundle)  # fmt: skip
        except Failure as unverified:
            raise Bad(BROKEN, f"{client.bundle}: {unverified}") from unverified
        if client.chain and content[client.chain].strip() not in content[client.bundle]:
            raise Bad(HALF, f"{client.chain} is not in {client.bundle}")
        if client.records:
            try:
                json.loads(content[client.records])
            except ValueError:
                raise Bad(BROKEN, f"{client.records} is cut off") from None
        old = work / "old.pem"
        return OLD if old.exists() and content[client.certificate] == old.read_bytes() else NEW

    return state


_registering = threading.Lock()


def _account(client: Client) -> Path:
    """One for all: its name is in certbot's paths, and those must be the same wherever a recording is used."""
    kept = pebble.server().accounts / client.name
    with _registering:
        if not kept.exists():
            with scratch("account") as work:
                (work / "webroot").mkdir()
                outcome = run(client.register(work), cwd=work)
                if outcome.code != 0:
                    raise Failure(f"{client.name} cannot register: {outcome.text}")
                _copy(work / client.account, kept)
    return kept


def _copy(source: Path, target: Path) -> None:
    for folder in reversed(target.parents):
        folder.mkdir(exist_ok=True)
        if folder.name == "private":
            folder.chmod(0o700)
    (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)


def _prepare(client: Client, issued: bool) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        (work / "webroot").mkdir()
        _copy(_account(client), work / client.account)
        if issued:
            _run(client, work, ISSUE)
            shutil.copy(work / client.certificate, work / "old.pem")

    return prepare


def _renews(client: Client, work: Path, what: str) -> None:
    """This run makes another certificate, and everything beside it."""
    before = _certificate(client, work)
    _run(client, work, what)
    if _state(client)(work) != NEW or _certificate(client, work) == before:
        raise Bad(NEXT, f"{client.name}, {what}: it succeeded, but made no new certificate in {client.certificate}")


def _follow(client: Client) -> Callable[[Path, str], None]:
    def follow(work: Path, state: str) -> None:
        old = (work / "old.pem").read_bytes() if (work / "old.pem").exists() else None
        found = _certificate(client, work)
        if found is None or found == old:
            _renews(client, work, ISSUE if old is None else RENEW_NOW)
            return
        _run(client, work, RENEW)
        if _state(client)(work) != NEW:
            raise Bad(NEXT, f"{client.name}: a run with nothing due went back to the old certificate")
        _renews(client, work, RENEW_NOW)

    return follow


def _scenario(client: Client, name: str, issued: bool) -> Scenario:
    what = RENEW_NOW if issued else ISSUE
    return Scenario(name, _prepare(client, issued), lambda work: client.words(work, what), _state(client), _follow(client),
                    tool=client.name, tracer=WatchTracer, aside=client.aside)  # fmt: skip


SCENARIOS = tuple(_scenario(client, name, issued) for client in CLIENTS
                  for name, issued in (("first issue", False), ("renewal", True)))  # fmt: skip
