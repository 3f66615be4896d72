"""A device in trouble, with real programs and both ways of keeping its identity: an issuer that is slow or answers
nonsense, a disk that is full or read-only, a clock that jumps, an ACME CA or a command instead of the CA's server.

Whatever happens, the identity that was live is live, whole and accepted; and when the trouble is over the next run ends well.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acme_server import AcmeServer, ChallengeServer
from ca_server import Identity, self_signed
from device_test import DeviceCase
from full_disk import small_disk
from support import Failure, binary, environment, lockstep, openssl

STORAGES = ("generations", "files")


class ScriptedIssuer:
    """An HTTPS server that the device trusts, and that answers as it is told: (status, document) for a request's PEM."""

    def __init__(self, top: Path, ca: Path, answer: Callable[[str], tuple[int, object]]) -> None:
        key, csr, certificate = top / "issuer.key", top / "issuer.csr", top / "issuer.crt"
        lockstep("ca", "request", "--subject", "CN=localhost", "--san", "DNS:localhost", "--out-key", key, "--out-csr", csr, "--force")
        certificate.unlink(missing_ok=True)
        lockstep("ca", "--data-dir", ca, "sign", csr, "--profile", "server", "--out", certificate)
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                issuer.asked += 1
                try:
                    status, document = answer(body["csr"])
                except Failure as wrong:
                    issuer.failure = str(wrong)
                    raise
                if issuer.silent.is_set():
                    issuer.over.wait()
                    return
                payload = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def do_GET(self) -> None:
                self.send_response(issuer.verdict)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.failure = ""
        self.asked = 0
        self.verdict = 200  # of every identity that is shown
        self.silent, self.over = threading.Event(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Forger:
    """Certificates as no CA should make them, by openssl."""

    def __init__(self, top: Path, ca: Path, name: str) -> None:
        self.top, self.ca, self.name = top, ca, name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Foreign",
                "-keyout", top / "foreign.key", "-out", top / "foreign.crt", "-days", "30")  # fmt: skip

    def sign(self, csr: str, *, root: Identity | None = None, subject: str | None = None, days: tuple[str, str] | None = None,
             own_key: bool = False) -> tuple[int, object]:  # fmt: skip
        root = root or Identity(self.ca / "ca.crt", self.ca / "ca.key")
        request = self.top / "forged.csr"
        request.write_text(csr)
        if own_key:
            openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={self.name}",
                    "-keyout", self.top / "other.key", "-out", request, "-addext", f"subjectAltName=DNS:{self.name}.example")  # fmt: skip
        extensions = self.top / "forged.ext"
        extensions.write_text(f"subjectAltName=DNS:{self.name}.example\nextendedKeyUsage=clientAuth\n")
        words = ["x509", "-req", "-in", request, "-CA", root.certificate, "-CAkey", root.key, "-set_serial", "0x1234",
                 "-extfile", extensions, "-days", "30"]  # fmt: skip
        if days:
            words = ["ca", "-batch", "-notext", "-in", request, "-cert", root.certificate, "-keyfile", root.key, "-startdate", days[0],
                     "-enddate", days[1], "-config", self.configuration(), "-extfile", extensions]  # fmt: skip
        if subject:
            words += ["-subj", subject]
        return 201, {"id": "r1", "certificate": openssl(*words)}

    def configuration(self) -> Path:
        path = self.top / "openssl-ca.cnf"
        (self.top / "index.txt").write_text("")
        (self.top / "new").mkdir(exist_ok=True)
        path.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.top}/index.txt\nnew_certs_dir={self.top}/new\nrand_serial=yes\n"
                        "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")  # fmt: skip
        return path


class Issuers(DeviceCase):
    def after(self, storage: str, answer: Callable[[str], tuple[int, object]], code: str, says: str, *, silent: bool = False) -> None:
        """The issuer does that in a rotation: it fails as it should, and the real server finds nothing wrong afterwards."""
        config = self.configuration(storage)
        before = self.done(config, "status")
        self.scripted = ScriptedIssuer(self.top, self.ca, answer)
        said = f'server = "{self.scripted.url}"'
        if silent:
            self.scripted.silent.set()
            said += '\ntimeout = "1s"'
        try:
            config.write_text(config.read_text().replace(f'server = "{self.url}"', said))
            error = self.failed(config, code, "rotate", "--force")
            self.assertEqual(self.scripted.failure, "")
            self.assertIn(says, error["message"])
            self.assertEqual(self.scripted.asked, 1)
        finally:
            self.scripted.stop()
        config = self.configuration(storage)
        status = self.done(config, "status")
        self.assertEqual((status["serial"], status["failures"]), (before["serial"], before["failures"] + 1))
        self.assertIn(says, status["last_error"])
        self.assertEqual(self.done(config, "verify")["result"], "VALID")
        self.accepted(status)
        renewed = self.done(config, "rotate", "--force")
        self.assertEqual((renewed["renewed"], renewed["proven"], renewed["pending"]), (True, True, None))
        self.accepted(renewed)
        self.assertEqual(len(self.keys()), 1)

    def test_an_issuer_that_answers_wrongly(self) -> None:
        forger = Forger(self.top, self.ca, "")
        now = datetime.now(UTC)
        valid = tuple((now + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (-1, 30))
        wrong: list[tuple[Callable[[str], tuple[int, object]], str, str]] = [
            (lambda csr: (403, {"error": {"code": "refused", "message": "not today"}}), "issuer_refused", "not today"),
            (lambda csr: (200, b"<html>proxy error</html>"), "issuer_bad_answer", "cannot be used"),
            (lambda csr: (201, {"id": "../../etc", "certificate": "x"}), "issuer_bad_answer", "cannot be used"),
            (lambda csr: (503, {}), "issuer_unavailable", "cannot answer now"),
            (lambda csr: forger.sign(csr, subject="/CN=pump-8", days=valid), "issuer_bad_answer", "subject"),
            (lambda csr: forger.sign(csr, root=Identity(self.top / "foreign.crt", self.top / "foreign.key")), "issuer_bad_answer", "not installed"),
            (lambda csr: forger.sign(csr, days=("20200101000000Z", "20200201000000Z")), "issuer_bad_answer", "2020-02-01"),
            (lambda csr: forger.sign(csr, own_key=True), "issuer_bad_answer", "key"),
        ]  # fmt: skip
        for storage in STORAGES:
            self.home, self.name = self.top / storage, f"pump-{storage}"
            forger.name = self.name
            self.enroll(self.configuration(storage))
            for answer, code, says in wrong:
                with self.subTest(storage=storage, says=says):
                    self.after(storage, answer, code, says)

    def test_an_issuer_that_never_answers(self) -> None:
        self.enroll(self.configuration("generations"))
        self.after("generations", lambda csr: (201, {}), "timed_out", "timed out", silent=True)

    def test_ready_made_proofs_of_a_forger_do_pass(self) -> None:
        """The control: what the forger signs without a fault is installed."""
        self.enroll(self.configuration("generations"))
        forger = Forger(self.top, self.ca, self.name)
        self.scripted = ScriptedIssuer(self.top, self.ca, forger.sign)
        config = self.configuration("generations")
        config.write_text(config.read_text().replace(self.url, self.scripted.url))
        done = self.done(config, "rotate", "--force")
        self.scripted.stop()
        self.assertEqual((done["renewed"], done["serial"]), (True, "1234"))


class Disks(DeviceCase):
    @contextmanager
    def on_small_disk(self, storage: str) -> Iterator[Path]:
        disk = self.top / f"disk-{storage}"
        with small_disk(disk):
            self.home, self.name = disk / "home", f"pump-{storage}"
            yield disk

    def test_a_full_disk(self) -> None:
        for storage in STORAGES:
            with self.subTest(storage), self.on_small_disk(storage) as disk:
                config = self.configuration(storage)
                first = self.enroll(config)
                issued = len(self.server.certificates())
                filler = disk / "filler"
                with filler.open("wb") as other:
                    left = os.statvfs(disk)
                    other.write(bytes(left.f_bavail * left.f_frsize))
                done = self.device(config, "rotate", "--force")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("No space left", json.loads(done.stdout)["error"]["message"])
                self.assertEqual(len(self.server.certificates()), issued)
                self.assertEqual(self.done(config, "status")["serial"], first["serial"])
                self.accepted(first)
                filler.unlink()
                self.accepted(self.done(config, "rotate", "--force"))
                self.assertEqual(len(self.keys()), 1)

    def test_a_read_only_disk(self) -> None:
        for storage in STORAGES:
            with self.subTest(storage), self.on_small_disk(storage) as disk:
                config = self.configuration(storage)
                first = self.enroll(config)
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
                done = self.device(config, "rotate", "--force")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("Read-only file system", json.loads(done.stdout)["error"]["message"])
                self.assertEqual(self.done(config, "verify")["result"], "VALID")
                self.assertEqual(self.done(config, "status")["serial"], first["serial"])
                subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
                self.accepted(self.done(config, "rotate", "--force"))


class Clocks(DeviceCase):
    """The device's clock is wrong, nobody else's is (libfaketime)."""

    def at(self, config: Path, offset: str, *words: str) -> dict:
        done = subprocess.run(["faketime", "-f", offset, binary(), "--config", config, "device", "--path", self.home, *words, "--json"],
                              env=environment(), capture_output=True, text=True, timeout=60)  # fmt: skip
        return {"exit": done.returncode, **json.loads(done.stdout)}

    def test_a_year_ahead_and_back(self) -> None:
        for storage in STORAGES:
            with self.subTest(storage):
                self.home, self.name = self.top / storage, f"pump-{storage}"
                boot = self_signed(self.top, "boot")
                lockstep("ca", "--data-dir", self.ca, "device", "add", self.name, "--bootstrap", boot.certificate)
                config = self.configuration(storage)
                first = self.enroll(config)
                issued = len(self.server.certificates())
                ahead = self.at(config, "+366d", "status")
                self.assertEqual((ahead["state"], ahead["serial"]), ("expired", first["serial"]))
                self.assertLess(ahead["days_until_expiration"], -300)
                # It tries to recover, as it must; the server's own certificate is over by that clock, too.
                for _ in range(3):
                    failed = self.at(config, "+366d", "rotate")
                    self.assertIn("exit", failed)
                said = self.at(config, "+366d", "status")
                self.assertEqual((said["state"], said["serial"]), ("recovering", first["serial"]))
                self.assertNotEqual(said["last_error"], "")
                self.assertEqual(said["failures"], 1, "a pause is kept: the other runs were no tries")
                self.assertEqual(len(self.server.certificates()), issued)
                # Back: the pause that the wrong clock set binds nobody for a year.
                back = self.done(config, "rotate", "--force")
                self.assertEqual((back["renewed"], back["proven"], back["state"]), (True, True, "normal"))
                self.accepted(back)
                self.assertEqual(len(self.keys()), 1, "of the device alone")
                # And the other way round: before its beginning.
                behind = self.at(config, "-366d", "rotate")
                self.assertEqual((behind["exit"], behind["serial"]), (0, back["serial"]))
                self.accepted(self.done(config, "status"))


    def test_a_slow_clock_does_not_burn_the_token(self) -> None:
        """An hour behind the issuer, which has one certificate for the token: what is asked for a second time is the same."""
        forger, now = Forger(self.top, self.ca, self.name), datetime.now(UTC)
        valid = tuple((now + timedelta(hours=hours)).strftime("%Y%m%d%H%M%SZ") for hours in (1, 30))
        issued: dict[str, tuple[int, object]] = {}

        def answer(csr: str) -> tuple[int, object]:
            if csr not in issued:
                issued[csr] = forger.sign(csr, days=valid)
            return issued[csr]

        issuer = ScriptedIssuer(self.top, self.ca, answer)
        self.addCleanup(issuer.stop)
        config = self.configuration("generations")
        config.write_text(config.read_text().replace(self.url, issuer.url))
        words = ["enroll", "--token", "t", "--san", f"DNS:{self.name}.example"]
        error = self.failed(config, "issuer_bad_answer", *words)
        self.assertIn("it begins only at", error["message"])
        self.assertIn("check this device's clock", error["hint"])
        self.assertIn("there is no identity yet", error["hint"])
        self.assertEqual(len(self.keys()), 1)
        self.assertEqual(self.at(config, "+2h", *words)["exit"], 0)
        self.assertEqual((len(issued), len(self.keys()), issuer.failure), (1, 1, ""))

    def test_a_pause_of_a_clock_that_was_ahead_is_not_shown(self) -> None:
        boot = self_signed(self.top, "boot")
        lockstep("ca", "--data-dir", self.ca, "device", "add", self.name, "--bootstrap", boot.certificate)
        config = self.configuration("generations")
        self.enroll(config)
        self.server.stop()
        self.assertEqual(self.at(config, "+366d", "rotate", "--force")["exit"], 1)
        self.assertIsNotNone(self.at(config, "+366d", "status")["not_before"])
        self.assertIsNone(self.done(config, "status")["not_before"])


class OtherIssuers(DeviceCase):
    def test_an_acme_ca(self) -> None:
        dns = ChallengeServer(self.top)
        self.addCleanup(dns.stop)
        acme = AcmeServer(self.top / "pebble", dns.dns)
        self.addCleanup(acme.stop)
        config = self.top / "device.toml"
        config.write_text(f"""[device.identity]
name = "pump-7"
names = ["DNS:pump-7.example"]
ca = "{acme.root()}"
[device.issuer]
acme = true
[acme]
server = "{acme.directory}"
ca_bundle = "{acme.trust}"
email = "ops@example.com"
agree_tos = true
http = "127.0.0.1:{acme.http_port}"
""")
        self.assertIn("token", self.device(config, "enroll", "--token", "x").stdout)
        # By another anchor it is no identity; what was ordered once is good when the right one is named.
        right = config.read_text()
        config.write_text(right.replace(f'ca = "{acme.root()}"', f'ca = "{self.ca}/ca.crt"', 1))
        for _ in range(2):
            self.assertIn("same order", self.failed(config, "issuer_bad_answer", "enroll")["hint"])
        config.write_text(right)
        first = self.done(config, "enroll")
        self.assertEqual((acme.orders, acme.issued), (1, 1))
        second = self.done(config, "rotate", "--force")
        self.assertEqual((second["renewed"], second["proven"], acme.orders, acme.issued), (True, True, 2, 2))
        self.assertNotEqual(first["serial"], second["serial"])
        certificate, key = self.identity(second)
        openssl("verify", "-CAfile", acme.root(), "-untrusted", certificate, "-purpose", "sslclient", "-verify_hostname", "pump-7.example",
                certificate)  # fmt: skip
        self.assertEqual(openssl("x509", "-in", certificate, "-noout", "-pubkey"), openssl("pkey", "-in", key, "-pubout"))
        # Cut off at every stage of an order, the same order is gone on with: the journal's URL says so (the sweep does it at
        # each call). Here the CA is away when it is asked.
        acme.process.stop()
        self.failed(config, "network", "rotate", "--force")
        self.assertEqual(self.done(config, "status")["serial"], second["serial"])
        # It comes back and knows nobody: the account is registered anew.
        acme.restart()
        config.write_text(config.read_text().replace(config.read_text().split('ca = "')[1].split('"')[0], str(acme.root())))
        third = self.done(config, "rotate", "--force")
        self.assertEqual((third["renewed"], acme.issued), (True, 1))

    def test_a_command_and_a_place_to_ask(self) -> None:
        """`openssl x509` as the issuer, and a server as the place that says who is accepted."""
        program = self.top / "issue"
        (self.top / "usage.ext").write_text("extendedKeyUsage=clientAuth\nsubjectAltName=DNS:pump-7.example\n")
        program.write_text(f"#!/bin/sh\nprintf %s \"$LOCKSTEP_CSR\" | openssl x509 -req -CA {self.ca}/ca.crt -CAkey {self.ca}/ca.key "
                           f"-extfile {self.top}/usage.ext -days ${{DAYS:-20}} 2>/dev/null\n")  # fmt: skip
        program.chmod(0o755)
        asked = ScriptedIssuer(self.top, self.ca, lambda csr: (404, {}))
        self.addCleanup(asked.stop)
        config = self.top / "device.toml"
        config.write_text(f'[device.identity]\nname = "pump-7"\nca = "{self.ca}/ca.crt"\nnames = ["DNS:pump-7.example"]\n'
                          f'[device.issuer]\ncommand = ["{program}"]\ncheck_url = "{asked.url}/whoami"\n'
                          '[device.renewal]\nretry_interval = "1s"\n')  # fmt: skip
        first = self.done(config, "enroll")
        self.assertEqual((first["proven"], first["unproven"]), (True, False))
        asked.verdict = 403
        error = self.failed(config, "identity_refused", "rotate", "--force")
        self.assertIn("the identity before is live again", error["hint"])
        self.assertEqual(self.done(config, "status")["serial"], first["serial"])
        # Out of reach is no refusal: both are kept until it is known.
        asked.verdict = 503
        second = self.done(config, "rotate", "--force")
        self.assertEqual((second["renewed"], second["proven"], second["unproven"]), (True, False, True))
        self.assertEqual(len(self.keys()), 2, "both identities")
        asked.verdict = 404
        third = self.done(config, "rotate", "--force")
        self.assertEqual((third["renewed"], third["proven"]), (True, True))
        self.assertEqual(self.done(config, "verify")["result"], "VALID")


if __name__ == "__main__":
    unittest.main()
