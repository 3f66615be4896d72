"""What a running status service takes up without a restart, and what a start that fails leaves behind: nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import unittest

from ca_server import Identity, make_csr
from service_save_test import body
from service_tls_case import TlsCase
from status_server import SERVERS, StatusServer
from support import binary, lockstep, lockstep_json, run


class Reloading(TlsCase):
    def hangup(self, server: StatusServer) -> None:
        server.process.send_signal(signal.SIGHUP)

    def configured(self, *lines: str) -> list[str]:
        config = self.top / "lockstep.toml"
        config.write_text("[serve]\n" + "\n".join(lines) + "\n")
        return ["--config", os.fspath(config)]

    def test_a_hangup_reads_the_configuration_again(self) -> None:
        options = self.configured('host = "old.example.com"')
        server = self.serve(*options)
        ask = lambda host: server.ask("GET", "/health", headers={"Host": host}).status
        self.assertEqual((ask("old.example.com"), ask("new.example.com")), (200, 403))
        self.configured('host = ["new.example.com"]', 'connections = 77')
        self.hangup(server)
        server.wait_for("are taken at the next start")
        server.wait_for("was read again and is in force")
        self.assertEqual((ask("old.example.com"), ask("new.example.com")), (403, 200))
        self.configured("host = 7")
        self.hangup(server)
        self.assertIn("lockstep.toml:2", server.wait_for("the configuration stays as it was"))
        self.assertEqual(ask("new.example.com"), 200)
        self.assertEqual(server.stop(), 0)

    def test_a_token_that_is_removed_is_good_no_more(self) -> None:
        server = self.serve()
        old, path = server.token, server.folder / "token"
        path.unlink()
        server.wait_for("a new token for changes is in")
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=old).status, 401)
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=path.read_text().strip()).status, 201)
        path.write_text("short")
        server.wait_for("who may make changes stays as it was")
        self.assertEqual(server.stop(), 0)

    def test_a_client_that_is_revoked_is_admitted_no_more(self) -> None:
        key, csr = make_csr(self.top, "operator", "operator")
        lockstep("ca", "--data-dir", self.ca, "sign", csr, "--profile", "client", "--out", self.top / "operator.crt")
        lockstep("ca", "--data-dir", self.ca, "crl")
        operator = self.context(Identity(self.top / "operator.crt", key))
        server = self.tls("--client-ca", os.fspath(self.ca / "ca.crt"), "--client-crl", os.fspath(self.ca / "ca.crl"))
        server.tls = operator
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=None).status, 201)
        listed = lockstep_json("ca", "--data-dir", self.ca, "list", "--subject", "operator")
        lockstep("ca", "--data-dir", self.ca, "revoke", listed["certificates"][0]["serial"])
        lockstep("ca", "--data-dir", self.ca, "crl")
        server.wait_for("other rules say who may make changes")
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=None).status, 401)
        self.assertEqual(server.ask("POST", SERVERS, body("x")).status, 201, "the token is good still")
        refused = lockstep("serve", "--path", self.top / "root", "--certificate", "localhost", "--listen", "127.0.0.1:0",
                           "--client-ca", self.top / "web.crt", "--client-crl", self.ca / "ca.crl", expect=1)  # fmt: skip
        self.assertIn("is not a list of the CA", refused.stderr)

    def test_a_folder_that_was_made_anew_is_noticed(self) -> None:
        server = self.tls()
        shutil.rmtree(self.top / "root" / "certs" / "localhost")
        self.renew()
        server.wait_for("another certificate is shown from now on")
        self.assertEqual(server.stop(), 0)

    def test_a_start_that_fails_leaves_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            fresh = self.top / "fresh"
            for words in (["serve"], ["up"]):
                refused = run([binary(), "--json", *words, "--path", fresh, "--listen", f"127.0.0.1:{port}"])
                self.assertEqual(refused.code, 1, refused.text)
                self.assertIn("another program has that port", refused.text)
                self.assertFalse(fresh.exists())
            serial = (self.ca / "serial").read_text()
            refused = run([binary(), "ca", "--data-dir", self.ca, "serve", "--listen", f"127.0.0.1:{port}", "--name", "x"])
            self.assertEqual(refused.code, 1, refused.text)
            self.assertEqual((self.ca / "serial").read_text(), serial, "no certificate was issued for it")
        for words in (["serve"], ["up"], ["ca", "--data-dir", self.ca, "serve"]):
            for bad in ("999.1.1.1:8443", "127.0.0.1", "[::1]", "nonsense"):
                refused = run([binary(), *words, "--listen", bad], cwd=self.top)
                self.assertEqual(refused.code, 2, refused.text)
                self.assertIn("is not an address to listen on", refused.text)
        self.assertFalse((self.top / "lockstep-data").exists())

    def test_a_new_root_can_be_gone_through(self) -> None:
        os.umask(0o022)
        server = StatusServer(self.top / "a" / "b")
        self.addCleanup(server.stop, signal.SIGKILL)
        self.assertEqual([(self.top / path).stat().st_mode & 0o777 for path in ("a", "a/b", "a/b/service")],
                         [0o755, 0o755, 0o700])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
