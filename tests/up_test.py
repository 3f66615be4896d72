"""`lockstep up`, from nothing: a CA, a certificate that curl and openssl believe, a page, servers that are watched; the
certificate is renewed while it is shown, and a second start finds everything."""

from __future__ import annotations

import fcntl
import json
import os
import re
import ssl
import unittest
import urllib.request
from pathlib import Path

from cli_case import Case
from running import Running
from support import binary, free_port, openssl, run


class Up(Running):
    def __init__(self, root: Path, *options: str, listen: str = "") -> None:
        self.root = root
        super().__init__([binary(), "up", "--path", root, "--listen", listen or f"127.0.0.1:{free_port()}", *options])
        self.address = re.search(r"Status page: (\S+)", self.wait_for("Status page:"))[1]

    def get(self, path: str) -> dict:
        context = ssl.create_default_context(cafile=os.fspath(self.root / "ca" / "ca.crt"))
        with urllib.request.urlopen(self.address.rstrip("/") + path, context=context, timeout=10) as answer:
            return json.loads(answer.read())

    def serial(self) -> str:
        port = self.address.rstrip("/").rsplit(":", 1)[1]
        pem = ssl.get_server_certificate(("127.0.0.1", int(port)), timeout=10)
        shown = self.root / "shown.pem"
        shown.write_text(pem)
        return openssl("x509", "-in", shown, "-noout", "-serial")

    def first(self) -> dict:
        """What is known of the first server: this one, as soon as it was checked often enough."""
        while True:
            status = self.get("/api/servers")["data"]["servers"][0]
            if status["state"] != "unknown":
                return status


class FromNothing(Case):
    def start(self, *options: str, **how: object) -> Up:
        up = Up(self.top / "data", *options, **how)
        self.addCleanup(lambda: up.process.poll() is None and up.process.kill())
        return up

    def test_a_page_that_is_believed_and_a_second_start(self) -> None:
        up = self.start()
        said = "".join(up.said)
        self.assertEqual(up.get("/health")["status"], "ok")
        up.wait_for("Trust the root")
        token_file = up.root / "service" / "token"
        self.assertIn(token_file.read_text().strip(), "".join(up.said))
        self.assertEqual(token_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual((up.root / "certs").stat().st_mode & 0o777, 0o755)
        openssl("verify", "-CAfile", up.root / "ca" / "ca.crt", up.root / "certs" / "localhost" / "cert.pem")
        certificates = up.get("/api/certificates")["data"]["certificates"]
        self.assertEqual([entry["name"] for entry in certificates], ["localhost"])
        self.assertEqual(up.first()["state"], "online")
        before = up.serial()
        self.assertEqual(up.stop(), 0)
        self.assertNotIn("Error", said)
        again = self.start()
        self.assertEqual(again.serial(), before)
        self.assertNotIn(token_file.read_text().strip(), "".join(again.said))
        self.assertEqual(again.stop(), 0)

    def test_another_address_is_in_the_certificate_and_watched(self) -> None:
        up = self.start(listen=f"127.0.0.2:{free_port()}")
        self.assertTrue(up.address.startswith("https://127.0.0.2:"), up.address)
        self.assertEqual(up.get("/health")["status"], "ok")
        self.assertEqual(up.first()["state"], "online")
        self.assertEqual(up.stop(), 0)
        again = self.start()
        self.assertEqual(again.get("/health")["status"], "ok")
        self.assertEqual(again.stop(), 0)

    def test_a_ca_of_the_future_is_not_shown(self) -> None:
        root = self.top / "data"
        root.mkdir()
        made = run(["faketime", "-f", "+400d", binary(), "ca", "--data-dir", root / "ca", "init", "--subject", "CN=Ahead"])
        self.assertEqual(made.code, 0, made.text)
        refused = run([binary(), "up", "--path", root, "--listen", f"127.0.0.1:{free_port()}"])
        self.assertEqual(refused.code, 1, refused.text)
        self.assertIn("the CA begins only at", refused.stderr)

    def test_the_certificate_is_renewed_while_it_is_shown(self) -> None:
        up = self.start("--validity", "10s")
        first = up.serial()
        up.wait_for("another certificate is shown from now on")
        self.assertNotEqual(up.serial(), first)
        self.assertEqual(up.get("/health")["status"], "ok")
        self.assertEqual(up.stop(), 0)

    def test_another_command_that_holds_the_ca_does_not_hold_up_the_service(self) -> None:
        up = self.start("--validity", "10s")
        first = up.serial()
        with open(up.root / "ca" / ".lockstep" / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # More than once, before the usual patience with a lock is over once.
            up.wait_for("could not be renewed", times=2)
            fcntl.flock(lock, fcntl.LOCK_UN)
        up.wait_for("another certificate is shown from now on")
        self.assertNotEqual(up.serial(), first)
        self.assertEqual(up.stop(), 0)


if __name__ == "__main__":
    unittest.main()
