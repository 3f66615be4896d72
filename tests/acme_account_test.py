"""Accounts at a real ACME server: made, changed, bound to external ones, given up, forgotten; and revocation."""

from __future__ import annotations

import base64
import unittest
from pathlib import Path

from acme_case import AcmeCase
from acme_server import AcmeServer, program

SECRET = base64.urlsafe_b64encode(bytes(range(32, 64))).decode().rstrip("=")


class Accounts(AcmeCase):
    def register(self, *extra: str) -> dict:
        return self.json("account", "register", *self.at(), "-m", "admin@example.com", "--agree-tos", *extra)

    def test_from_registration_to_the_end(self) -> None:
        made = self.register()
        self.assertEqual((made["status"], made["contacts"], made["key_type"], made["key_change_pending"]),
                         ("valid", ["mailto:admin@example.com"], "ECDSA P-256", False))  # fmt: skip
        accounts = self.server.accounts
        self.assertEqual(self.register()["account"], made["account"])
        self.assertEqual(self.server.accounts, accounts)

        text = self.well("account", "update", *self.at(), "-m", "new@example.com", "-m", "two@example.com").stdout
        self.assertIn("Contacts: mailto:new@example.com, mailto:two@example.com\n", text)
        self.assertEqual(self.json("account", "show")["accounts"][0]["contacts"],
                         ["mailto:new@example.com", "mailto:two@example.com"])  # fmt: skip

        keys = self.account_keys()
        changed = self.json("account", "rollover", *self.at(), "--key-type", "rsa2048")
        self.assertEqual((changed["account"], changed["key_type"]), (made["account"], "RSA 2048"))
        self.assertNotEqual(self.account_keys(), keys)
        self.assertEqual(len(self.account_keys()), 1)
        self.obtain("rolled.test")
        self.installed("rolled.test")
        self.refused(["account", "rollover", *self.at(), "--key-type", "ec384"], "ec256", code=2)

        self.assertEqual(self.json("account", "deactivate", *self.at())["status"], "deactivated")
        self.assertIn("Status: deactivated\n", self.well("account", "show").stdout)
        orders = self.server.orders
        for words in (["cert", "renew", "--force"], ["account", "update", *self.at(), "-m", "x@example.com"],
                      ["cert", "revoke", "rolled.test"], [*self.words("b.test"), *self.http()]):  # fmt: skip
            with self.subTest(words):
                self.refused(words, "is deactivated", str(self.folders / "accounts"), kind="acme_refused")
        self.assertEqual(self.server.orders, orders)

    def account_keys(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.folders / "accounts").glob("*/*key.pem"))]

    def all_at_once(self, *commands: list[str]) -> None:
        running = [self.start(*command, stderr=self.top / f"{i}.err") for i, command in enumerate(commands)]
        for i, child in enumerate(running):
            self.assertEqual(child.wait(60), 0, (self.top / f"{i}.err").read_text())

    def test_many_at_once(self) -> None:
        accounts = self.server.accounts
        register = ["account", "register", *self.at(), "-m", "admin@example.com", "--agree-tos"]
        self.all_at_once(*[register] * 6)
        self.assertEqual(self.server.accounts, accounts + 1)
        made = self.json("account", "show")["accounts"][0]
        self.all_at_once(*[["account", "rollover", *self.at()]] * 4,
                         *[["account", "update", *self.at(), "-m", f"{i}@example.com"] for i in range(4)])
        self.assertEqual(self.server.accounts, accounts + 1)
        changed = self.json("account", "show")["accounts"][0]
        self.assertEqual((changed["account"], changed["key_change_pending"]), (made["account"], False))
        self.assertEqual(len(self.account_keys()), 1)
        self.obtain("atonce.test")
        self.installed("atonce.test")

    def test_what_there_is_not(self) -> None:
        self.assertEqual(self.well("account", "show").stdout, f"No accounts in {self.folders}.\n")
        for command in (["update", "-m", "a@example.com"], ["rollover"], ["deactivate"]):
            self.refused(["account", *command, *self.at()], "there is no account for", "account register", kind="not_found")
        self.refused(["account", "update", *self.at()], "-m", code=2)
        self.assertFalse((self.folders / "accounts").exists())

    def test_deactivated_elsewhere(self) -> None:
        """The server knows that the account is over, the folder does not."""
        self.obtain("gone.test")
        copy = self.top / "copy"
        self.tool("cp", "-a", self.folders, copy)
        self.well("account", "deactivate", "--path", copy, *self.at())
        error = self.refused(["cert", "renew", "--force"], "deactivated")
        self.assertNotIn("register it again", error["hint"])
        self.installed("gone.test")

    def test_modes(self) -> None:
        self.register()
        self.assertEqual((self.folders / "accounts").stat().st_mode & 0o777, 0o700)
        for name in ("key.pem", "account.json"):
            for path in (self.folders / "accounts").glob(f"*/{name}"):
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)

    def test_forgotten_by_the_server(self) -> None:
        server = self.start_server("forgetful")
        self.obtain("old.test", "second.test", server=server)
        self.obtain("third.test", server=server)
        before = self.json("account", "show")["accounts"][0]["account"]
        server.restart()
        outcome = self.well("-v", "cert", "renew", "--force")
        self.assertIn("does not know the account", outcome.stderr)
        self.assertIn(before, outcome.stderr)
        self.assertEqual((server.accounts, server.issued), (1, 2))
        self.installed("old.test", "second.test", server=server)
        self.installed("third.test", server=server)
        server.restart()
        update = ["account", "update", *self.at(server), "-m", "later@example.com"]
        self.refused(update, "not found", "lockstep account register", kind="acme_account_unknown")
        self.well("account", "register", *self.at(server))
        self.well(*update)


class Bound(AcmeCase):
    OPTIONS = {"external": {"kid-1": SECRET}}

    def eab(self, key_id: str, secret: str) -> list[str]:
        file = self.top / "hmac.key"
        file.write_text(f"{secret}\n")
        return ["--eab-kid", key_id, "--eab-hmac-file", str(file)]

    def test_missing(self) -> None:
        accounts = self.server.count("POST ")
        self.refused([*self.words("a.test"), *self.http()], "--eab-kid", "--eab-hmac-file", kind="acme_refused")
        self.assertEqual(self.server.count("POST "), accounts)
        self.assertFalse(self.folder("a.test").exists())
        self.refused([*self.words("a.test"), *self.http(), "--eab-kid", "kid-1"], "go together", code=2)
        self.refused([*self.words("a.test"), *self.http(), *self.eab("kid-1", "not base64!")], "hmac.key", "base64url")
        self.refused([*self.words("a.test"), *self.http(), "--eab-kid", "kid-1", "--eab-hmac-file", "nowhere"], "nowhere",
                     "No such file")  # fmt: skip

    def test_wrong(self) -> None:
        orders = self.server.orders
        for key_id, secret in (("kid-1", base64.urlsafe_b64encode(bytes(32)).decode()), ("kid-2", SECRET)):
            error = self.refused([*self.words("a.test"), *self.http(), *self.eab(key_id, secret)], "account")
            self.assertNotIn(secret, str(error))
        self.assertEqual(self.server.orders, orders)
        self.assertFalse(self.folder("a.test").exists())
        # The right one works after the wrong one, with nothing to be cleaned up by hand.
        self.obtain("bound.test", extra=self.also(*self.eab("kid-1", SECRET + "=")))
        self.installed("bound.test")
        self.assertEqual(self.json("account", "show")["accounts"][0]["external_key_id"], "kid-1")
        everything = b"".join(path.read_bytes() for path in self.folders.rglob("*") if path.is_file())
        self.assertNotIn(SECRET.encode(), everything)
        self.well("cert", "renew", "--force")
        self.installed("bound.test")


class Revocations(AcmeCase):
    def revoked(self, serial: str) -> str:
        answer = self.server.get(f"https://127.0.0.1:{self.server.management}/cert-status-by-serial/{serial}").decode()
        return answer

    def test_by_the_account(self) -> None:
        self.obtain("by-account.test")
        serial = self.serial("by-account.test")
        self.refused(["cert", "revoke", "by-account.test", "--reason", "boredom"], "--reason", "keyCompromise", code=2)
        self.assertIn('"Valid"', self.revoked(serial))
        said = self.json("cert", "revoke", "by-account.test", "--reason", "superseded")
        self.assertEqual((said["domain"], said["serial"], said["reason"]), ("by-account.test", serial, "superseded"))
        self.assertRegex(self.revoked(serial), '"Revoked"(.|\n)*"Reason": 4')
        self.refused(["cert", "revoke", "by-account.test"], "already been revoked", kind="already_revoked")

    def test_by_the_certificates_key(self) -> None:
        for kind in ("rsa2048", "ec256"):
            domain = f"{kind}.test"
            self.obtain(domain, extra=self.also("--key-type", kind))
            text = self.well("cert", "revoke", domain, "--with-certificate-key").stdout
            self.assertIn("Certificate revoked by its CA.", text)
            self.assertIn('"Revoked"', self.revoked(self.serial(domain)))
            self.refused(["cert", "revoke", domain, "--with-certificate-key"], "already been revoked", kind="already_revoked")

    def test_by_the_key_without_an_account(self) -> None:
        """The account is lost; the key proves enough, and no account is made for it."""
        self.obtain("orphan.test", extra=self.also("--key-type", "ec256"))
        self.tool("rm", "-r", self.folders / "accounts")
        accounts = self.server.accounts
        self.well("cert", "revoke", "orphan.test", "--with-certificate-key", "--reason", "keyCompromise")
        self.assertEqual(self.server.accounts, accounts)
        self.assertFalse(Path(self.folders / "accounts").exists())

    def test_of_what_is_not_known(self) -> None:
        self.refused(["cert", "revoke", "nothing.test"], "nothing.test", kind="not_found")
        other = AcmeServer(self.place / "other", self.dns.dns)
        self.addCleanup(other.stop)
        self.obtain("foreign.test")
        self.refused(["cert", "revoke", "foreign.test", *self.at(other), "--with-certificate-key"], "cannot revoke")


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
