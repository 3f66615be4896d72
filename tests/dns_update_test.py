"""dns-01 by dynamic updates, against a real BIND.

named runs in the foreground as a child of this test with a directory and a free loopback port of its own, and is ended
by its own process id. A driver program presents and cleans up proofs with the solver; dig looks at what is there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import Failure, Outcome, environment, free_port, run, scratch, skip

PATIENCE = 20.0
NAMES = ("acme", "acme384", "acme512", "narrow", "unknown")

CONFIGURATION = """\
options {{
  directory "{top}";
  pid-file none;
  session-keyfile "{top}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
logging {{ channel out {{ stderr; severity info; }}; category default {{ out; }}; }};
{keys}
zone "example.test" {{
  type primary;
  file "{top}/example.zone";
  update-policy {{
    grant acme zonesub TXT;
    grant acme384 zonesub TXT;
    grant acme512 zonesub TXT;
    grant narrow name _acme-challenge.narrow.example.test. TXT;
  }};
}};
zone "sub.example.test" {{ type primary; file "{top}/sub.zone"; allow-update {{ key acme; }}; }};
zone "static.test" {{ type primary; file "{top}/static.zone"; }};
"""

ZONE = """\
$TTL 60
@ IN SOA ns.example.test. admin.example.test. 1 3600 600 86400 60
@ IN NS ns.example.test.
"""

RECORDS = """\
ns IN A 127.0.0.1
sub IN NS ns.example.test.
_acme-challenge.www IN CNAME proofs.sub.example.test.
_acme-challenge.far IN CNAME somewhere.else.invalid.
_acme-challenge.loop IN CNAME _acme-challenge.pool
_acme-challenge.pool IN CNAME _acme-challenge.loop
"""


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or skip(f"{name} is missing (apt-get install {package})")


def proof(authorization: str) -> str:
    digest = hashlib.sha256(authorization.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Server:
    def __init__(self, top: Path, named: str) -> None:
        self.top, self.port = top, free_port()
        self.log = top / "named.log"
        keys = "".join(self.make_key(top, name) for name in NAMES if name != "unknown")
        self.make_key(top, "unknown")
        (top / "example.zone").write_text(ZONE + RECORDS)
        (top / "sub.zone").write_text(ZONE)
        (top / "static.zone").write_text(ZONE)
        (top / "named.conf").write_text(CONFIGURATION.format(top=top, port=self.port, keys=keys))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([named, "-f", "-c", os.fspath(top / "named.conf")], stderr=log,
                                            stdin=subprocess.DEVNULL, env=environment())  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not self.listens():
            if time.monotonic() > end:
                raise Failure(f"named does not listen: {self.log.read_text()}")
            time.sleep(0.02)

    @staticmethod
    def make_key(top: Path, name: str) -> str:
        """NAME.key as tsig-keygen writes it; the algorithm is in the name."""
        bits = name[4:] if name.startswith("acme") and len(name) > 4 else "256"
        made = run([program("tsig-keygen", "bind9"), "-a", f"hmac-sha{bits}", name])
        if made.code != 0:
            raise Failure(f"tsig-keygen: {made.text}")
        (top / f"{name}.key").write_text(made.stdout)
        return made.stdout

    def listens(self) -> bool:
        if self.process.poll() is not None:
            raise Failure(f"named ended with {self.process.returncode}: {self.log.read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def drive(self, action: str, name: str, authorization: str, key: str = "acme") -> Outcome:
        outcome = run([os.environ["DNS_UPDATE_DRIVER"], f"127.0.0.1:{self.port}", self.top / f"{key}.key", action, name,
                       authorization])  # fmt: skip
        secret = (self.top / f"{key}.key").read_text().split('secret "')[-1].split('"')[0]
        if secret and secret in outcome.stdout + outcome.stderr:
            raise Failure("the secret is shown")
        return outcome

    def ok(self, action: str, name: str, authorization: str, key: str = "acme") -> None:
        outcome = self.drive(action, name, authorization, key)
        if outcome.code != 0:
            raise Failure(f"{action} {name} with {key}: {outcome.text}\n{self.log.read_text()}")

    def refused(self, name: str, key: str, code: str, *words: str) -> None:
        outcome = self.drive("present", name, "refused", key)
        if outcome.code != 1 or outcome.stdout.split("\n")[0] != code or any(word not in outcome.stdout for word in words):
            raise Failure(f"{name} with {key}: expected {code} {words}, got {outcome.text}")

    def expect(self, name: str, *authorizations: str) -> None:
        shown = run(["dig", "@127.0.0.1", "-p", str(self.port), "+short", "+norecurse", name, "TXT"]).stdout
        if sorted(shown.split()) != sorted(f'"{proof(each)}"' for each in authorizations):
            raise Failure(f"{name} has {shown!r} instead of the proofs of {authorizations}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


@contextmanager
def served(top: Path) -> Iterator[Server]:
    server = Server(top, program("named", "bind9"))
    try:
        yield server
    finally:
        server.stop()


def values_come_and_go(server: Server) -> None:
    name = "_acme-challenge.api.example.test"
    server.expect(name)
    server.ok("cleanup", "api.example.test", "one")  # absence is success
    server.ok("present", "api.example.test", "one")
    server.expect(name, "one")
    # A wildcard and its base name are proved under one name.
    server.ok("present", "api.example.test", "two")
    server.ok("present", "API.Example.Test", "two")  # again: nothing changes
    server.expect(name, "one", "two")
    server.ok("cleanup", "api.example.test", "one")
    server.expect(name, "two")
    server.ok("cleanup", "api.example.test", "two")
    server.ok("cleanup", "api.example.test", "two")
    server.expect(name)
    server.ok("present", "example.test", "apex")
    server.expect("_acme-challenge.example.test", "apex")
    server.ok("cleanup", "example.test", "apex")
    server.ok("present", "a.b.sub.example.test", "deep")  # the nearest zone, not its parent
    server.expect("_acme-challenge.a.b.sub.example.test", "deep")


def algorithms(server: Server) -> None:
    for key in ("acme384", "acme512"):
        server.ok("present", "long.example.test", key, key)
        server.expect("_acme-challenge.long.example.test", key)
        server.ok("cleanup", "long.example.test", key, key)


def aliases(server: Server) -> None:
    server.ok("present", "www.example.test", "alias")
    server.expect("proofs.sub.example.test", "alias")
    server.ok("cleanup", "www.example.test", "alias")
    server.expect("proofs.sub.example.test")
    server.refused("far.example.test", "acme", "not_found", "somewhere.else.invalid", "that of its target")
    server.refused("loop.example.test", "acme", "too_large", "aliases")


def refusals(server: Server) -> None:
    server.refused("api.example.test", "narrow", "permission_denied", "REFUSED", "'narrow'", "update-policy { grant narrow")
    server.ok("present", "narrow.example.test", "narrow", "narrow")
    server.refused("www.static.test", "acme", "permission_denied", "REFUSED")
    server.refused("www.nowhere.invalid", "acme", "not_found", "has no zone for '_acme-challenge.www.nowhere.invalid'")
    server.refused("api.example.test", "unknown", "permission_denied", "BADKEY", "does not know that key")
    text = (server.top / "acme.key").read_text()
    (server.top / "wrong.key").write_text(text.replace('secret "', 'secret "AAAA'))
    server.refused("api.example.test", "wrong", "permission_denied", "BADSIG", "copy the secret again")
    (server.top / "broken.key").write_text(text.replace("};", ""))
    server.refused("api.example.test", "broken", "parse_error", "line ")
    server.expect("_acme-challenge.api.example.test")


def several_at_once(server: Server) -> None:
    words = [f"order {number}" for number in range(8)]
    driver = [os.environ["DNS_UPDATE_DRIVER"], f"127.0.0.1:{server.port}", os.fspath(server.top / "acme.key")]
    for action in ("present", "cleanup"):
        running = [subprocess.Popen([*driver, action, "all.example.test", word], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL) for word in words]  # fmt: skip
        if any(process.wait(PATIENCE) != 0 for process in running):
            raise Failure(f"one of several that {action} at once failed")
        server.expect("_acme-challenge.all.example.test", *(words if action == "present" else []))


def gone(top: Path, port: int) -> None:
    """The server has ended: said by its address, and soon."""
    outcome = run([os.environ["DNS_UPDATE_DRIVER"], f"127.0.0.1:{port}", top / "acme.key", "present", "a.test", "x"])
    if outcome.code != 1 or f"127.0.0.1 port {port}: Connection refused" not in outcome.stdout:
        raise Failure(f"a server that is not there: {outcome.text}")


def main() -> None:
    if not os.access(os.environ.get("DNS_UPDATE_DRIVER", ""), os.X_OK):
        raise SystemExit("Error: set DNS_UPDATE_DRIVER to the built dns_update_driver")
    program("dig", "bind9-dnsutils")
    with scratch("dns") as top:
        with served(top) as server:
            for part in (values_come_and_go, algorithms, aliases, refusals, several_at_once):
                part(server)
        gone(top, server.port)
    print("named took every update that its policy allows, and nothing was left or lost")


if __name__ == "__main__":
    main()
