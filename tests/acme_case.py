"""What the tests of the ACME client share: a real server for each class, the words of a command, and what a folder is.

It proves nothing by itself. `installed` holds a certificate's folder against OpenSSL and the server's root, and looks that
nothing of the order is left; `nothing_left` does the latter after a failure.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from acme_proxy import Proxy
from acme_server import PATIENCE, AcmeServer, ChallengeServer
from cli_case import Case
from support import Failure, Outcome, binary, environment, run, scratch

# What libraries say when nobody has explained it.
GIBBERISH = re.compile(r"error:[0-9A-Fa-f]{8}|[a-z_]+ routines:|curl_easy|CURLE_|nlohmann|basic_string|std::|json\.exception")


class AcmeCase(Case):
    OPTIONS: ClassVar[dict] = {}  # of the class's server
    server: ClassVar[AcmeServer]
    dns: ClassVar[ChallengeServer]
    place: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        scratched = scratch("acme", in_memory=True)
        cls.place = scratched.__enter__()
        cls.addClassCleanup(scratched.__exit__, None, None, None)
        cls.dns = ChallengeServer(cls.place)
        cls.addClassCleanup(cls.dns.stop)
        cls.server = cls.start_server("pebble", **cls.OPTIONS)

    @classmethod
    def start_server(cls, name: str, **options: object) -> AcmeServer:
        server = AcmeServer(cls.place / name, cls.dns.dns, **options)  # type: ignore[arg-type]
        cls.addClassCleanup(server.stop)
        return server

    # Words of commands

    def at(self, server: AcmeServer | None = None, directory: str = "") -> list[str]:
        server = server or self.server
        return ["--server", directory or server.directory, "--ca-bundle", str(server.trust)]

    def http(self, server: AcmeServer | None = None) -> list[str]:
        return ["--http", f"127.0.0.1:{(server or self.server).http_port}"]

    def words(self, *names: str, server: AcmeServer | None = None, directory: str = "") -> list[str]:
        said = [word for name in names for word in ("-d", name)]
        return ["cert", "obtain", *said, *self.at(server, directory), "-m", "admin@example.com", "--agree-tos"]

    def obtain(self, *names: str, extra: list[str] | None = None, server: AcmeServer | None = None) -> Outcome:
        """By http-01 with the client's own listener, unless `extra` says otherwise."""
        return self.well(*self.words(*names, server=server), *(self.http(server) if extra is None else extra))

    def also(self, *words: str) -> list[str]:
        return [*self.http(), *words]

    # What is there

    def folder(self, domain: str) -> Path:
        return self.folders / "certs" / domain.replace("*.", "_wildcard.")

    def serial(self, domain: str) -> str:
        return self.json("cert", "show", domain)["serial"]

    def state(self, domain: str) -> dict:
        return json.loads((self.folders / "state" / (self.folder(domain).name + ".json")).read_text())

    def nothing_left(self, domain: str) -> None:
        """Of an order: no draft, no reserved space, no journal."""
        self.assertEqual(sorted(path.name for path in (self.folders / "orders").glob("*.json")), [])
        inside = self.folder(domain) / ".lockstep"
        left = sorted(path.name for path in inside.iterdir() if not path.name.startswith("gen-")) if inside.exists() else []
        self.assertLessEqual(set(left), {"current", "history", "lock"}, f"{domain}: {left}")

    def installed(self, *names: str, server: AcmeServer | None = None, root: int = 0) -> dict:
        """The certificate of these names is whole, trusted, private and alone; what `cert show` says of it."""
        server, domain = server or self.server, names[0]
        folder = self.folder(domain)
        cert, key, chain = folder / "cert.pem", folder / "privkey.pem", folder / "chain.pem"
        self.assertEqual((folder / "fullchain.pem").read_bytes(), cert.read_bytes() + chain.read_bytes())
        modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.glob("*.pem")}
        self.assertEqual(modes, {"cert.pem": "0o644", "chain.pem": "0o644", "fullchain.pem": "0o644", "privkey.pem": "0o600"})
        self.assertEqual(self.tool("openssl", "x509", "-in", cert, "-noout", "-pubkey"),
                         self.tool("openssl", "pkey", "-in", key, "-pubout"))  # fmt: skip
        # Servers go through the root to the certificates, and no further.
        modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (self.folders, *self.folders.iterdir())}
        self.assertEqual(modes, {"lockstep-data": "0o755", "certs": "0o755", "accounts": "0o700", "orders": "0o700",
                                 "state": "0o700", **({"hooks": modes["hooks"]} if "hooks" in modes else {})})  # fmt: skip
        self.tool("openssl", "verify", "-CAfile", server.root(root), "-untrusted", chain, cert)
        text = self.tool("openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName")
        found = sorted(re.findall(r"(?:DNS|IP Address):([^,\s]+)", text))
        self.assertEqual(found, sorted(names))
        self.nothing_left(domain)
        shown = self.json("cert", "show", domain)
        metadata = json.loads((folder / "metadata.json").read_text())
        self.assertEqual(metadata["serial"], shown["serial"])
        self.assertIn("https://", metadata["acme_order_url"])
        self.assertEqual(metadata["renewed_by"], "lockstep 0.1.0")
        return shown

    # Failures

    def refused(self, words: list[str], *said: str, code: int = 1, kind: str = "") -> dict:
        """The command fails and says each of these texts; the error, or the first one of several reports."""
        outcome = self.lockstep(*words, "--json")
        self.assertEqual(outcome.code, code, outcome.text)
        document = json.loads(outcome.stdout)
        error = document["error"] if "error" in document else next(
            row["error"] for row in document["results"] if "error" in row)  # fmt: skip
        for text in said:
            self.assertIn(text, error["message"] + " " + error["hint"])
        self.assertNotRegex(error["message"] + error["hint"], GIBBERISH)
        if kind:
            self.assertEqual(error["code"], kind, error)
        return error

    # Programs for hooks

    def script(self, name: str, *lines: str) -> Path:
        path = self.top / name
        path.write_text("#!/bin/sh\n" + "".join(f"{line}\n" for line in lines))
        path.chmod(0o755)
        return path

    def recorder(self, name: str, *lines: str) -> Path:
        """A hook that writes its environment down, a line a call, and goes on with `lines`."""
        facts = " ".join(f"{fact}=$LOCKSTEP_{fact}" for fact in ("HOOK", "DOMAIN", "DOMAINS", "LIVE", "OLD_SERIAL",
                         "NEW_SERIAL", "GENERATION", "ERROR"))  # fmt: skip
        return self.script(name, f'echo "{facts}" >> {self.top}/{name}.log', *lines)

    def recorded(self, name: str) -> list[str]:
        path = self.top / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    # Processes that are watched

    def start(self, *words: str | os.PathLike[str], stderr: Path | None = None, **settings: str) -> subprocess.Popen[bytes]:
        with (stderr or self.top / "started.log").open("ab") as out:
            child = subprocess.Popen([binary(), *words], cwd=self.top, env=environment(**settings), stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out)  # fmt: skip
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            child.kill()
        child.wait(PATIENCE)

    def eventually(self, what: str, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Other people's processes announce nothing: their traces are looked at until they are there."""
        until = time.monotonic() + patience
        while not condition():
            if time.monotonic() > until:
                raise Failure(f"no {what} within {patience} s")
            time.sleep(0.02)

    def listening(self, port: int) -> bool:
        return run(["sh", "-c", f"ss -Hltn 'sport = :{port}' | grep -q ."]).code == 0


class ProxyCase(AcmeCase):
    proxy: Proxy

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.proxy = Proxy(cls.server)
        cls.addClassCleanup(cls.proxy.stop)

    def setUp(self) -> None:
        super().setUp()
        self.proxy.clear()

    def through(self, *names: str, extra: tuple[str, ...] = ()) -> list[str]:
        return [*self.words(*names, directory=self.proxy.directory), *self.http(), "--key-type", "ec256", *extra]
