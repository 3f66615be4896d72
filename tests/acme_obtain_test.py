"""Certificates from a real ACME server: every way of proving a name, every key, and what is refused before anything."""

from __future__ import annotations

import functools
import http.server
import re
import threading
import unittest
from pathlib import Path

import dns_update_test
from acme_case import AcmeCase
from acme_server import AcmeServer, program
from support import binary, run, tree_difference, tree_state


class Proofs(AcmeCase):
    def test_http_listener(self) -> None:
        before = self.server.orders
        outcome = self.obtain("one.test")
        self.matches(f"one.test  renewed      until <time>, serial {self.serial('one.test')}\n", outcome.stdout)
        self.assertEqual(outcome.stderr, "")
        shown = self.installed("one.test")
        self.assertEqual((shown["key_type"], shown["chain_length"], shown["generation"]), ("RSA 2048", 1, 1))
        self.assertEqual(self.server.orders, before + 1)
        self.assertFalse(self.listening(self.server.http_port))

    def test_webroot(self) -> None:
        root = self.top / "htdocs"
        root.mkdir()
        (root / "index.html").write_text("mine")
        before = tree_state(root)
        with self.web_server(root):
            self.obtain("web.test", "www.web.test", extra=["--webroot", "htdocs"])
            self.installed("web.test", "www.web.test")
            left = [line for line in tree_difference(before, tree_state(root)) if "acme-challenge/" in line]
            self.assertEqual(left, [])
            # A renewal runs elsewhere, and needs to be told nothing.
            outcome = run([binary(), "cert", "renew", "--force", "--path", self.folders],
                          cwd=Path("/"))  # fmt: skip
            self.assertEqual(outcome.code, 0, outcome.text)
        self.refused([*self.words("x.test"), "--webroot", "no-such-directory"], "no-such-directory")

    def web_server(self, root: Path) -> http.server.ThreadingHTTPServer:
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.server.http_port),
                                                 functools.partial(Quiet, directory=root))  # fmt: skip
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return server

    def test_tls_alpn(self) -> None:
        self.obtain("alpn.test", extra=["--tls-alpn", f"127.0.0.1:{self.server.tls_port}"])
        self.installed("alpn.test")
        self.assertFalse(self.listening(self.server.tls_port))

    def test_addresses(self) -> None:
        self.obtain("127.0.0.1", "named.test")
        self.installed("127.0.0.1", "named.test")
        self.obtain("127.0.0.1", extra=["--tls-alpn", f"127.0.0.1:{self.server.tls_port}"])
        self.installed("127.0.0.1")

    def test_a_hundred_names(self) -> None:
        names = [f"n{number:02}.hundred.test" for number in range(100)]
        self.obtain(*names, extra=self.also("--key-type", "ec256"))
        self.installed(*names)

    def test_wildcard_by_a_dns_hook(self) -> None:
        hook = self.dns.hook(self.top / "dns-hook", f'echo "$1 $LOCKSTEP_DOMAIN $LOCKSTEP_RECORD" >> {self.top}/hook.log')
        self.obtain("*.wild.test", "wild.test", extra=["--dns", hook])
        self.installed("*.wild.test", "wild.test")
        called = (self.top / "hook.log").read_text().splitlines()
        self.assertEqual(sorted(called), sorted(f"{action} wild.test _acme-challenge.wild.test"
                                                for action in ("present", "cleanup") * 2))  # fmt: skip
        failing = self.script("failing-hook", '[ "$1" = cleanup ] || { echo zone is locked; exit 3; }')
        error = self.refused([*self.words("locked.test"), "--dns", failing], "failing-hook", "locked.test", "zone is locked",
                             "3")  # fmt: skip
        self.assertIn("present", error["message"])
        self.refused([*self.words("x.test"), "--dns", self.top / "no-such-hook"], "no-such-hook")

    def test_wildcard_by_dns_updates(self) -> None:
        with dns_update_test.served(self.place) as named:
            server = AcmeServer(self.place / "updated", f"127.0.0.1:{named.port}")
            self.addCleanup(server.stop)
            how = ["--dns-server", f"127.0.0.1:{named.port}", "--dns-key", named.top / "acme.key"]
            self.obtain("*.example.test", "example.test", server=server, extra=how)
            self.installed("*.example.test", "example.test", server=server)
            named.expect("_acme-challenge.example.test")
            wrong = ["--dns-server", f"127.0.0.1:{named.port}", "--dns-key", named.top / "unknown.key"]
            self.refused([*self.words("a.example.test", server=server), *wrong], "BADKEY", "does not know that key")
            # The order is kept for the next run, with its draft; nothing is served.
            self.assertFalse((self.folder("a.example.test") / "cert.pem").exists())

    def test_a_failed_proof_leaves_nothing(self) -> None:
        error = self.refused([*self.words("closed.test"), *self.http_elsewhere()], "closed.test", "http-01", "port 80",
                             kind="challenge_failed")  # fmt: skip
        self.assertRegex(error["message"], "connection")
        self.assertFalse(self.folder("closed.test").exists())
        self.nothing_left("closed.test")
        # One of several names is enough to fail, and is the one that is named.
        self.dns.post("add-a", host="far.test.", addresses=["127.0.0.2"])  # type: ignore[arg-type]
        self.refused([*self.words("near.test", "far.test"), *self.http()], "could not confirm far.test")
        self.assertFalse(self.folder("near.test").exists())

    def http_elsewhere(self) -> list[str]:
        return ["--http", "127.0.0.1:0"]


class Wishes(AcmeCase):
    OPTIONS = {"roots": 2, "nonce_reject": 50, "reuse": 100}

    def test_what_is_proved_already_is_not_proved_again(self) -> None:
        self.obtain("proved.test", extra=self.also("--key-type", "ec256"))
        asked = self.server.count("POST /chalZ/")
        self.obtain("proved.test", extra=["--http", "127.0.0.1:0", "--key-type", "ec256", "--force"])
        self.assertEqual(self.server.count("POST /chalZ/"), asked)
        self.assertEqual(self.installed("proved.test")["generation"], 2)

    def test_every_kind_of_key_with_half_of_all_nonces_refused(self) -> None:
        for kind, openssl_says in {"rsa2048": "2048 bit", "rsa3072": "3072 bit", "rsa4096": "4096 bit", "ec256": "prime256v1",
                                   "ec384": "secp384r1"}.items():  # fmt: skip
            with self.subTest(kind):
                self.obtain(f"{kind}.test", extra=self.also("--key-type", kind))
                self.installed(f"{kind}.test")
                text = self.tool("openssl", "x509", "-in", self.folder(f"{kind}.test") / "cert.pem", "-noout", "-text")
                self.assertIn(openssl_says, text)

    def test_a_key_that_is_kept(self) -> None:
        self.obtain("keep.test", extra=self.also("--key-type", "ec256", "--reuse-key"))
        key = (self.folder("keep.test") / "privkey.pem").read_bytes()
        self.well("cert", "renew", "--force")
        self.assertEqual((self.folder("keep.test") / "privkey.pem").read_bytes(), key)
        self.assertEqual(self.installed("keep.test")["generation"], 2)
        self.obtain("keep.test", extra=self.also("--key-type", "ec256", "--force"))
        self.assertNotEqual((self.folder("keep.test") / "privkey.pem").read_bytes(), key)

    def test_preferred_chain(self) -> None:
        for number in range(3):
            issuer = self.server.intermediate_issuer(number)
            self.obtain("chain.test", extra=self.also("--key-type", "ec256", "--preferred-chain", issuer, "--force"))
            self.installed("chain.test", root=number)
        self.obtain("chain.test", extra=self.also("--key-type", "ec256", "--preferred-chain", "No Such Root", "--force"))
        self.installed("chain.test", root=0)

    def test_more_files_and_other_names(self) -> None:
        self.obtain("more.test", extra=self.also("--combined", "--nginx-conf", "--key-type", "ec256"))
        folder = self.folder("more.test")
        self.assertEqual((folder / "combined.pem").read_bytes(),
                         (folder / "privkey.pem").read_bytes() + (folder / "fullchain.pem").read_bytes())  # fmt: skip
        self.assertEqual((folder / "combined.pem").stat().st_mode & 0o777, 0o600)
        self.assertIn("/fullchain.pem", (folder / "nginx.conf").read_text())
        unchanged = self.obtain("more.test", extra=self.also("--combined", "--nginx-conf", "--key-type", "ec256"))
        self.assertRegex(unchanged.stdout, "^more.test  unchanged    not due before ")
        self.obtain("more.test", "also.test", extra=self.also("--combined", "--nginx-conf", "--key-type", "ec256"))
        self.assertEqual(sorted(self.json("cert", "show", "more.test")["sans"]), ["DNS:also.test", "DNS:more.test"])
        self.well("cert", "verify", "more.test", "--trust", self.server.root())


class Refusals(AcmeCase):
    """Said before a server is asked anything."""

    def nothing_asked(self, words: list[str], *said: str) -> None:
        log, before = self.server.log, tree_state(self.top)
        self.refused(words, *said, code=2)
        self.assertEqual(self.server.log, log)
        self.assertEqual(tree_difference(before, tree_state(self.top)), [])

    def test_names(self) -> None:
        for name in ("a/b.test", "../x.test", "..", ".", "a..test", "x" * 64 + ".test", "a." * 130 + "test", "*", "*.", "*.*.test",
                     "a.*.test", "*a.test", "-a.test", "a_b.test", "b\u00fccher.test", "a.test\n", "999.1.1.1", "a.1",
                     "1:2:3", "a b.test", "a.test/", "a.test:80"):  # fmt: skip
            with self.subTest(name):
                self.nothing_asked([*self.words(name), *self.http()], "is not a domain name or an IP address")

    def test_ways(self) -> None:
        self.nothing_asked(self.words("a.test"), "it is not said how", "--webroot DIR")
        self.nothing_asked([*self.words("a.test"), *self.http(), "--dns", "x"], "only one way")
        self.nothing_asked([*self.words("*.a.test"), *self.http()], "*.a.test can only be proved by DNS", "--dns PROGRAM")
        self.nothing_asked([*self.words("a.test"), *self.http(), "--key-type", "rsa1024"], "--key-type", "rsa2048")
        self.nothing_asked([*self.words("a.test"), *self.http(), "--renew-before", "soon"], "--renew-before")
        self.nothing_asked([*self.words("a.test"), *self.http(), "--deploy-hook", "'open"], "--deploy-hook", "quote")
        self.nothing_asked([*self.words("a.test"), *self.http(), "--group", "no-such-group"], "no-such-group")
        self.nothing_asked(["cert", "obtain", "-d", "a.test", "--server", "acme.example", *self.http()], "unknown CA",
                           "letsencrypt")  # fmt: skip

    def test_a_port_that_is_taken(self) -> None:
        log = self.server.log
        self.refused([*self.words("a.test"), "--http", f"127.0.0.1:{self.server.port}"], str(self.server.port),
                     "another program has that port", "--webroot")  # fmt: skip
        self.assertEqual(self.server.log, log)

    def test_a_server_that_cannot_be_trusted_or_reached(self) -> None:
        trust = self.server.trust
        for words, said in (
                (["--server", self.server.directory], ("is not trusted", "--ca-bundle")),
                (["--server", self.server.directory.replace("https", "http"), "--ca-bundle", trust], ("https", "--insecure-http")),
                (["--server", self.server.directory, "--ca-bundle", "no-bundle"], ("no-bundle",)),
                (["--server", self.server.directory + "x", "--ca-bundle", trust], ("directory", "check --server")),
        ):  # fmt: skip
            with self.subTest(said):
                self.refused(["cert", "obtain", "-d", "a.test", *words, "-m", "a@b.example", "--agree-tos", *self.http()], *said)
        self.assertFalse(self.folder("a.test").exists())

    def test_terms_and_address(self) -> None:
        words = ["cert", "obtain", "-d", "a.test", *self.at(), *self.http()]
        self.refused([*words, "-m", "a@b.example"], "terms of service", "--agree-tos")
        self.assertEqual(self.server.accounts, 0)
        self.refused([*words, "-m", "nobody", "--agree-tos"], "--email", "nobody", code=2)
        self.assertFalse((self.folders / "accounts").exists())


if __name__ == "__main__":
    program("pebble", "pebble")
    program("named", "bind9")
    unittest.main()
