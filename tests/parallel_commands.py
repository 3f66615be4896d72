"""Processes of the real program, all commands at once on one folder and on one CA, in an order that is drawn.

Proves: every command succeeds or fails with an error that its situation allows (nothing to go back to, revoked
already), none waits for ever, what it prints is right at some moment of its run, `doctor` never speaks ill of a store
that is merely in use, serials and CRL numbers are unique, every revocation that was reported is in the index, and
whoever reads a certificate and its key through the folder's nginx.conf has a pair. Beside them folders and CAs are made
by several processes at once: exactly one CA comes of it. Runs for LOCKSTEP_PARALLEL_SECONDS (10 unless set).
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import oracles
from support import Failure, binary, lockstep, make_ca, make_request, run, scratch, sign

SETS = 4
WORKERS = 4  # processes at a time on the folder, as many on the CA
TOGETHER = 3  # that make the same folder or CA at once
DOMAIN = "localhost"

Draw = random.Random


@dataclass
class Said:
    code: int
    error: str  # its code; empty for success
    document: dict
    text: str


def say(*arguments: object) -> Said:
    outcome = run([binary(), "--json", *map(str, arguments)])
    try:
        document = json.loads(outcome.stdout)
    except ValueError as bad:
        raise Failure(f"{' '.join(map(str, arguments))}: not one JSON document: {outcome.text}") from bad
    error = document["error"]["code"] if "error" in document else ""
    return Said(outcome.code, error, document, outcome.text)


def expect(said: Said, *allowed: str) -> bool:
    """True for success, False for an error that is allowed here."""
    if said.code == 0:
        return True
    if said.error not in allowed:
        raise Failure(said.text)
    return False


def expect_healthy(said: Said) -> None:
    expect(said)
    for store in said.document["stores"]:
        if store["damaged"] or store["findings"]:
            raise Failure(f"doctor on a healthy store: {json.dumps(store)}")


Action = Callable[[Draw], str]  # gives back how it ended, for the count


class Folder:
    """The folder's commands; the sets are known, so what anybody reads can be told whole."""

    def __init__(self, top: Path, ca: Path) -> None:
        self.data = top / "data"
        self.path = self.data / "certs" / DOMAIN
        self.root = ca / "ca.crt"
        self.inputs = []
        self.serials = set()
        for number in range(SETS):
            key, csr = make_request(top, f"set{number}", DOMAIN)
            self.serials.add(sign(ca, csr, top / f"set{number}.crt"))
            self.inputs.append((top / f"set{number}.crt", key))
        self.pairs = {(crt.read_bytes(), key.read_bytes()) for crt, key in self.inputs}
        self.actions: dict[str, tuple[int, Action]] = {
            "cert import": (6, self.install), "cert rollback": (4, self.roll_back), "cert show": (2, self.show),
            "cert list": (1, self.list), "cert verify": (1, self.verify), "doctor (folder)": (2, self.doctor),
            "recover (folder)": (1, self.recover), "read by nginx.conf": (3, self.read_pinned),
        }  # fmt: skip

    def install(self, draw: Draw) -> str:
        crt, key = draw.choice(self.inputs)
        more = ["--combined"] if draw.random() < 0.2 else []
        expect(say("cert", "--path", self.data, "import", "--domain", DOMAIN, "--cert", crt, "--key", key, "--trust",
                   self.root, "--nginx-conf", *more))  # fmt: skip
        return "ok"

    def roll_back(self, draw: Draw) -> str:
        words = ["cert", "--path", str(self.data), "rollback", DOMAIN]
        allowed = ("not_found",)  # the oldest is live
        if draw.random() < 0.5:
            words += ["--to", str(draw.randint(1, 40))]
            allowed = ("not_found", "invalid_argument")  # there is none of that number, or it is live already
        said = say(*words)
        if not expect(said, *allowed):
            return said.error
        self._known(said.document["serial"])
        if "--to" in words and said.document["generation"] != int(words[-1]):
            raise Failure(f"{words}: another generation is shown: {said.text}")
        return "ok"

    def _known(self, serial: str) -> None:
        if serial not in self.serials:
            raise Failure(f"serial {serial} was never installed")

    def show(self, draw: Draw) -> str:
        said = say("cert", "--path", self.data, "show", DOMAIN)
        expect(said)
        self._known(said.document["serial"])
        return "ok"

    def list(self, draw: Draw) -> str:
        said = say("cert", "--path", self.data, "list")
        expect(said)
        if DOMAIN not in [one["domain"] for one in said.document["certificates"]]:
            raise Failure(f"cert list leaves {DOMAIN} out: {said.text}")
        return "ok"

    def verify(self, draw: Draw) -> str:
        expect(say("cert", "--path", self.data, "verify", DOMAIN, "--trust", self.root))
        return "ok"

    def doctor(self, draw: Draw) -> str:
        expect_healthy(say("doctor", self.path))
        return "ok"

    def recover(self, draw: Draw) -> str:
        expect(say("recover", self.path))
        return "ok"

    def read_pinned(self, draw: Draw) -> str:
        paths = re.findall(r'"(/[^"]+)"', (self.path / "nginx.conf").read_text())
        if tuple(Path(path).read_bytes() for path in paths) not in self.pairs:
            raise Failure(f"{paths} are no pair")
        return "ok"


@dataclass
class Given:
    """What the CA's commands reported."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    serials: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    published: set[str] = field(default_factory=set)  # revoked, and a CRL was made after that
    crl_numbers: list[int] = field(default_factory=list)


class Authority:
    def __init__(self, top: Path, ca: Path) -> None:
        self.path = ca
        self.given = Given()
        _, self.request = make_request(top, "request", "host.example")
        self.actions: dict[str, tuple[int, Action]] = {
            "ca sign": (3, self.sign), "ca revoke": (2, self.revoke), "ca crl": (2, self.crl), "ca list": (2, self.list),
            "ca show": (2, self.show), "ca verify": (2, self.verify), "doctor (ca)": (3, self.doctor),
            "recover (ca)": (1, self.recover),
        }  # fmt: skip

    def _say(self, *arguments: object) -> Said:
        return say("ca", "--data-dir", self.path, *arguments)

    def _some(self, draw: Draw) -> str:
        with self.given.lock:
            return draw.choice(self.given.serials)

    def sign(self, draw: Draw) -> str:
        words = [self.request] * draw.choice((1, 1, 1, 2))
        said = self._say("sign", *words, "--validity", "30d")
        expect(said)
        with self.given.lock:
            self.given.serials += [one["serial"] for one in said.document["certificates"]]
        return "ok"

    def revoke(self, draw: Draw) -> str:
        serial = self._some(draw)
        said = self._say("revoke", serial, "--reason", "superseded")
        if not expect(said, "already_revoked"):
            return said.error
        with self.given.lock:
            if serial in self.given.revoked:
                raise Failure(f"{serial} was revoked twice")
            self.given.revoked.add(serial)
        return "ok"

    def crl(self, draw: Draw) -> str:
        with self.given.lock:
            revoked = set(self.given.revoked)
        said = self._say("crl")
        expect(said)
        with self.given.lock:
            self.given.published |= revoked
            self.given.crl_numbers.append(said.document["crl_number"])
        return "ok"

    def list(self, draw: Draw) -> str:
        with self.given.lock:
            before = set(self.given.serials)
        said = self._say("list")
        expect(said)
        listed = [one["serial"] for one in said.document["certificates"]]
        if listed != sorted(set(listed), key=lambda text: int(text, 16)):
            raise Failure(f"ca list: serials twice or out of order: {listed}")
        if missing := before - set(listed):
            raise Failure(f"ca list leaves out what was reported before: {missing}")
        return "ok"

    def show(self, draw: Draw) -> str:
        expect(self._say("show", self._some(draw)))
        return "ok"

    def verify(self, draw: Draw) -> str:
        serial = self._some(draw)
        with self.given.lock:
            published = serial in self.given.published
        said = self._say("verify", self.path / "certs" / f"{serial}.pem")
        if said.error or said.document["signature"] != "OK":
            raise Failure(said.text)
        if published and said.code == 0:
            raise Failure(f"{serial} stands in a CRL, and is called valid: {said.text}")
        return "valid" if said.code == 0 else "invalid"

    def doctor(self, draw: Draw) -> str:
        expect_healthy(say("doctor", self.path))
        return "ok"

    def recover(self, draw: Draw) -> str:
        expect(say("recover", self.path))
        return "ok"


class Fresh:
    """Folders and CAs that several processes make at once, while others look."""

    def __init__(self, top: Path, folder: Folder) -> None:
        self.top = top / "fresh"
        self.folder = folder
        self.rounds = 0
        self.actions: dict[str, tuple[int, Action]] = {"first imports": (1, self.imports), "ca init": (1, self.init)}

    def _at_once(self, *tasks: Callable[[], Said]) -> list[Said]:
        with ThreadPoolExecutor(len(tasks)) as pool:
            return [one.result() for one in [pool.submit(task) for task in tasks]]

    def _new_directory(self) -> Path:
        self.rounds += 1
        return self.top / str(self.rounds)

    def imports(self, draw: Draw) -> str:
        data = self._new_directory()
        data.mkdir(parents=True)
        made = [lambda one=one: say("cert", "--path", data, "import", "--domain", DOMAIN, "--cert", one[0], "--key", one[1])
                for one in self.folder.inputs[:TOGETHER]]  # fmt: skip
        said = self._at_once(*made, lambda: say("cert", "--path", data, "show", DOMAIN),
                             lambda: say("cert", "--path", data, "list"), lambda: say("doctor", data))  # fmt: skip
        for one in said[:TOGETHER]:
            expect(one)
        numbers = sorted(one.document["generation"] for one in said[:TOGETHER])
        if numbers != list(range(1, TOGETHER + 1)):
            raise Failure(f"{TOGETHER} first imports made the generations {numbers}")
        expect(said[TOGETHER], "not_found")
        expect(said[TOGETHER + 1])
        expect_healthy(said[TOGETHER + 2])
        return "ok"

    def init(self, draw: Draw) -> str:
        ca = self._new_directory()
        making = [lambda: say("ca", "--data-dir", ca, "init", "--subject", "CN=One")] * TOGETHER
        said = self._at_once(*making, lambda: say("ca", "--data-dir", ca, "list"))
        made = [expect(one, "already_initialized") for one in said[:TOGETHER]]
        if made.count(True) != 1:
            raise Failure(f"{made.count(True)} of {TOGETHER} made the same CA")
        expect(said[TOGETHER], "not_initialized")
        oracles.authority(ca)
        return "ok"


def work(stop: threading.Event, actions: dict[str, tuple[int, Action]], seed: int, counts: Counter) -> None:
    draw = Draw(seed)
    names = list(actions)
    weights = [actions[name][0] for name in names]
    try:
        while not stop.is_set():
            name = draw.choices(names, weights)[0]
            try:
                ended = actions[name][1](draw)
            except Exception as error:
                raise Failure(f"{name}: {error}") from error
            counts[name, ended] += 1
    finally:
        stop.set()


def judge(folder: Folder, authority: Authority, fresh: Fresh, counts: Counter) -> None:
    given = authority.given
    for actions in (folder.actions, authority.actions, fresh.actions):
        for name in actions:
            if not any(counted == name and ended in ("ok", "valid", "invalid") for counted, ended in counts):
                raise Failure(f"{name} never succeeded: this run shows nothing about it")
    if len(set(given.serials)) != len(given.serials):
        raise Failure("a serial was given twice")
    if len(set(given.crl_numbers)) != len(given.crl_numbers):
        raise Failure("a CRL number was given twice")
    found = oracles.authority(authority.path)
    if found is None or found.count != len(given.serials):
        raise Failure(f"{len(given.serials)} certificates were reported, found {found}")
    if set(found.revoked) != given.revoked:
        raise Failure(f"reported as revoked: {sorted(given.revoked)}; in the index: {sorted(found.revoked)}")
    if found.crl_number != max(given.crl_numbers):
        raise Failure(f"the last CRL has number {found.crl_number}, reported were {given.crl_numbers}")
    if oracles.folder(folder.path, folder.root) is None:
        raise Failure("the folder is empty")


def main() -> int:
    deep = os.environ.get("LOCKSTEP_DEEP") == "1"
    seconds = float(os.environ.get("LOCKSTEP_PARALLEL_SECONDS") or (60 if deep else 10))
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().getrandbits(32)
    print(f"{seconds:.0f} s, seed {seed}", flush=True)
    counts: Counter = Counter()
    with scratch("parallel-commands", in_memory=True) as top:
        folder = Folder(top, make_ca(top / "folder-ca"))
        authority = Authority(top, make_ca(top / "ca"))
        fresh = Fresh(top, folder)
        for _ in range(SETS):
            authority.sign(Draw(seed))
        folder.install(Draw(seed))
        stop = threading.Event()
        plan: Sequence[dict] = [folder.actions] * WORKERS + [authority.actions] * WORKERS + [fresh.actions]
        with ThreadPoolExecutor(len(plan)) as pool:
            jobs = [pool.submit(work, stop, actions, seed + number, counts) for number, actions in enumerate(plan)]
            stop.wait(seconds)  # or until one has failed
            stop.set()
        began = time.monotonic()
        for job in jobs:
            job.result()
        for (name, ended), count in sorted(counts.items()):
            print(f"  {name:20} {ended:18} {count:6}")
        judge(folder, authority, fresh, counts)
        oracles.no_leftovers(top)
        print(f"{sum(counts.values())} commands, judged in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
