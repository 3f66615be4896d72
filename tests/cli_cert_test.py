"""Certificate folders as an operator runs them: import, list, show, verify, rollback, and every refusal."""

from __future__ import annotations

import json
import os
import time
import unittest

from cli_case import TIME, Case
from support import environment, run


class CertificateCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        self.issue("host", "--validity", "8770h")
        self.folder = self.folders / "certs" / "localhost"

    def issue(self, name: str, *arguments: str) -> None:
        self.well("ca", "sign", self.request(name), "--out", f"{name}.crt", *arguments)

    def words(self, name: str = "host", domain: str = "localhost") -> list[str]:
        return ["cert", "import", "--domain", domain, "--cert", f"{name}.crt", "--key", f"{name}.key"]

    def content(self, name: str) -> str:
        return (self.folder / name).read_text()


class Outputs(CertificateCase):
    def test_import(self) -> None:
        text = ("  Domain: localhost\n"
                "  Serial: 02\n"
                "  Issuer: CN=Root\n"
                "  Not After: <time>\n"
                "  Generation: 1\n"
                f"  Folder: {self.folder}\n")  # fmt: skip
        self.succeeds([*self.words(), "--trust", self.ca / "ca.crt"], "Certificate installed successfully.\n" + text)
        self.succeeds(self.words(), "Certificate is installed already; nothing changed.\n" + text)
        self.assertEqual(self.content("cert.pem"), (self.top / "host.crt").read_text())
        self.assertEqual(self.content("privkey.pem"), (self.top / "host.key").read_text())
        self.assertEqual(self.content("chain.pem"), "")
        self.assertEqual(self.content("fullchain.pem"), self.content("cert.pem"))
        modes = {name: (self.folder / name).stat().st_mode & 0o777 for name in (".", "cert.pem", "privkey.pem", "metadata.json")}
        self.assertEqual(modes, {".": 0o755, "cert.pem": 0o644, "privkey.pem": 0o600, "metadata.json": 0o644})
        metadata = json.loads(self.content("metadata.json"))
        for name in ("issued_at", "expires_at"):
            self.assertRegex(metadata.pop(name), TIME)
        self.assertEqual(metadata, {"schema": 1, "acme_order_url": "", "renewed_by": "lockstep 0.1.0", "serial": "02",
                                    "sans": ["DNS:localhost", "IP:127.0.0.1"], "ca": "CN=Root",
                                    "key_type": "ECDSA P-256"})  # fmt: skip

    def test_members_that_were_asked_for_are_kept_up_to_date(self) -> None:
        self.well(*self.words(), "--combined", "--nginx-conf")
        self.issue("next")
        self.well(*self.words("next"))
        self.assertEqual(self.content("combined.pem"), self.content("privkey.pem") + self.content("fullchain.pem"))
        self.assertEqual((self.folder / "combined.pem").stat().st_mode & 0o777, 0o600)
        generation = f"{self.folder}/.lockstep/gen-00000002"
        self.assertIn(f'\nssl_certificate "{generation}/fullchain.pem";\nssl_certificate_key "{generation}/privkey.pem";\n',
                      self.content("nginx.conf"))  # fmt: skip

    def test_a_group_may_read_key_and_folder(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root to give files to a group")
        self.well(*self.words(), "--group", "www-data")
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o750)
        key = (self.folder / "privkey.pem").stat()
        self.assertEqual((key.st_mode & 0o777, key.st_gid), (0o640, (self.folder / "cert.pem").stat().st_gid))
        self.assertNotEqual(key.st_gid, 0)
        self.fails([*self.words(), "--group", "no-such-group"], "…", "invalid_argument")

    def test_list_show_verify_and_rollback(self) -> None:
        self.succeeds(["cert", "list"], f"No certificates in {self.folders}.\n")
        self.well(*self.words())
        self.issue("next", "--validity", "196h")
        self.well(*self.words("next"))
        self.succeeds(["cert", "list"],
                      "DOMAIN     STATE          NOT AFTER             DAYS LEFT  GENERATION  RENEWAL\n"
                      "localhost  valid          <time>  8          2           imported\n")  # fmt: skip
        self.succeeds(["cert", "show", "localhost"],
                      "Certificate of localhost\n"
                      "  Subject: CN=localhost\n"
                      "  Alternative Names: DNS:localhost, IP:127.0.0.1\n"
                      "  Issuer: CN=Root\n"
                      "  Serial: 03\n"
                      "  Key: ECDSA P-256\n"
                      "  Not Before: <time>\n"
                      "  Not After: <time>\n"
                      "  State: valid, 8 days left\n"
                      "  Renewal: imported\n"
                      "  Chain: 0 intermediate certificates\n"
                      "  Generation: 2\n"
                      "  Older Generations: 1\n"
                      "  Installed By: lockstep 0.1.0\n"
                      f"  Folder: {self.folder}\n")  # fmt: skip
        self.succeeds(["cert", "verify", "localhost", "--trust", self.ca / "ca.crt"],
                      f"Certificate verification: VALID\n  Domain: localhost\n  Generation: 2\n  Folder: {self.folder}\n")  # fmt: skip
        self.succeeds(["cert", "rollback", "LOCALHOST"],
                      "Certificate rolled back successfully.\n"
                      "  Domain: localhost\n"
                      "  Serial: 02\n"
                      "  Not After: <time>\n"
                      "  Generation: 1\n"
                      f"  Folder: {self.folder}\n")  # fmt: skip
        self.assertEqual(self.content("privkey.pem"), (self.top / "host.key").read_text())
        self.well("cert", "rollback", "localhost", "--to", "2")
        self.assertEqual(self.content("privkey.pem"), (self.top / "next.key").read_text())
        self.fails(["cert", "rollback", "localhost", "--to", "9"], f"generation 9 of '{self.folder}' is not there any more",
                   "not_found")  # fmt: skip

    def test_json(self) -> None:
        imported = self.json(*self.words())
        self.assertEqual((imported["changed"], imported["generation"], imported["serial"]), (True, 1, "02"))
        self.assertFalse(self.json(*self.words())["changed"])
        (listed,) = self.json("cert", "list")["certificates"]
        self.assertEqual({"schema": 1, **listed}, self.json("cert", "show", "localhost"))
        self.assertEqual((listed["state"], listed["history"], listed["chain_length"]), ("valid", [], 0))
        self.assertEqual(self.json("cert", "verify", "localhost")["problems"], [])

    def test_wildcards_addresses_and_the_environment(self) -> None:
        self.well("ca", "request", "--subject", "CN=w", "--san", "DNS:*.example.com,IP:2001:db8::1", "--out-key", "w.key",
                  "--out-csr", "w.csr")  # fmt: skip
        self.well("ca", "sign", "w.csr", "--out", "w.crt")
        self.well(*self.words("w", "*.Example.com"))
        self.well(*self.words("w", "2001:DB8:0::1"))
        self.assertEqual(sorted(os.listdir(self.folders / "certs")), ["2001:db8::1", "_wildcard.example.com"])
        environ = environment(LOCKSTEP_PATH="lockstep-data")
        from_environment = run([os.environ["LOCKSTEP"], "cert", "verify", "*.example.com"], cwd=self.top, env=environ)
        self.assertEqual(from_environment.code, 0)
        self.fails(self.words("w", "example.com"), "w.crt: the certificate does not cover example.com", "untrusted")

    def test_a_chain(self) -> None:
        self.intermediate()
        self.well(*self.words("leaf"), "--chain", "intermediate.crt", "--trust", self.ca / "ca.crt")
        self.assertEqual(self.content("chain.pem"), (self.top / "intermediate.crt").read_text())
        self.assertEqual(self.content("fullchain.pem"), self.content("cert.pem") + self.content("chain.pem"))
        self.tool("openssl", "verify", "-CAfile", self.ca / "ca.crt", "-untrusted", self.folder / "chain.pem",
                  self.folder / "cert.pem")  # fmt: skip
        self.assertEqual(self.json("cert", "show", "localhost")["chain_length"], 1)
        # The full chain as one file is the same set.
        (self.top / "full.crt").write_text(self.content("fullchain.pem"))
        (self.top / "full.key").write_text(self.content("privkey.pem"))
        self.assertFalse(self.json(*self.words("full"))["changed"])
        self.fails([*self.words("leaf"), "--trust", self.ca / "ca.crt"], "leaf.crt: no path to a trusted certificate: …",
                   "untrusted")  # fmt: skip
        self.fails([*self.words("leaf"), "--chain", "host.crt"], "leaf.crt: in the chain, …", "untrusted")

    def intermediate(self) -> None:
        """An intermediate CA below ours, by openssl: `ca sign` makes end-entity certificates only."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.tool("openssl", "req", "-x509", *key, "-keyout", "intermediate.key", "-out", "intermediate.crt", "-subj",
                  "/CN=Intermediate", "-CA", self.ca / "ca.crt", "-CAkey", self.ca / "ca.key", "-days", "30", "-addext",
                  "basicConstraints=critical,CA:TRUE")  # fmt: skip
        self.tool("openssl", "req", "-x509", *key, "-keyout", "leaf.key", "-out", "leaf.crt", "-subj", "/CN=localhost",
                  "-CA", "intermediate.crt", "-CAkey", "intermediate.key", "-days", "30", "-addext",
                  "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")  # fmt: skip


class Refusals(CertificateCase):
    def test_domains(self) -> None:
        for domain in ("../x", "a/b", "/etc", "..", ".", "", "a..b", "-a.example", "a-.example", "a b", "a\nb", "é.example",
                       "a.*.b", "*", "*.", "a" * 64, ".".join(["a" * 60] * 5), "1.2.3", "300.1.1.1", "a_b.example",
                       "localhost.", "1.2.3.4.5", ":::"):  # fmt: skip
            with self.subTest(domain=domain):
                self.fails(self.words(domain=domain), "…", "usage", code=2)
                self.fails([*self.words(domain=domain), "--force"], "…", "usage", code=2)
                if domain:
                    for command in (["show"], ["verify"], ["rollback"]):
                        self.fails(["cert", *command, "--", domain] if domain[0] == "-" else ["cert", *command, domain],
                                   "…", "usage", code=2)  # fmt: skip

    def test_sets_that_do_not_belong_together(self) -> None:
        self.well(*self.words())
        self.issue("next")
        cross = ["cert", "import", "--domain", "localhost", "--cert", "next.crt", "--key", "host.key"]
        for words in (cross, [*cross, "--force"]):
            self.fails(words, "next.crt: the private key does not belong to the certificate", "untrusted")
        self.well("ca", "--data-dir", "other", "init", "--subject", "CN=Root")
        for force in ([], ["--force"]):
            self.fails([*self.words("next"), "--trust", "other/ca.crt", *force],
                       "next.crt: no path to a trusted certificate: …", "untrusted")  # fmt: skip

    def test_names_and_dates_can_be_insisted_on(self) -> None:
        self.fails(self.words(domain="other.example"), "host.crt: the certificate does not cover other.example", "untrusted")
        outcome = self.well(*self.words(domain="other.example"), "--force")
        self.assertEqual(outcome.stderr,
                         "Warning: the certificate does not cover other.example (installed because of --force)\n")  # fmt: skip
        self.issue("old", "--validity", "1s")
        time.sleep(2.1)
        self.fails(self.words("old"), "old.crt: the certificate expired at …", "untrusted")
        self.well(*self.words("old"), "--force")
        self.assertEqual(self.json("cert", "verify", "localhost", expect=1)["result"], "INVALID")
        self.assertIn("  expired  ", self.well("cert", "list").stdout)

    def test_inputs(self) -> None:
        def words(certificate: str, key: str, *more: str) -> list[str]:
            return ["cert", "import", "--domain", "localhost", "--cert", certificate, "--key", key, *more]

        (self.top / "junk").write_text("junk\n")
        (self.top / "zeros").write_bytes(b"\0" * 10_000_000)
        os.mkfifo(self.top / "fifo")
        for arguments, message, kind in (
            (words("none", "host.key"), "--cert: cannot open 'none': No such file or directory", "not_found"),
            (words("host.crt", "none"), "--key: cannot open 'none': No such file or directory", "not_found"),
            (words("host.crt", "host.key", "--chain", "none"), "--chain: cannot open 'none': No such file or directory", "not_found"),
            (words("host.crt", "host.key", "--trust", "none"), "--trust: cannot open 'none': No such file or directory", "not_found"),
            (words(".", "host.key"), "--cert: '.' is a directory", "invalid_argument"),
            (words("host.crt", "fifo"), "--key: 'fifo' is not a regular file", "invalid_argument"),
            (words("zeros", "host.key"), "--cert: 'zeros' has 10000000 bytes; the limit is 1048576", "too_large"),
            (words("junk", "host.key"), "junk holds no certificate in PEM", "parse_error"),
            (words("host.crt", "junk"), "failed to parse private key from junk: it holds no private key in PEM", "parse_error"),
            (words("host.key", "host.crt"), "host.key holds a 'PRIVATE KEY' beside certificates", "parse_error"),
            (words("host.csr", "host.key"), "host.csr holds a 'CERTIFICATE REQUEST' beside certificates", "parse_error"),
            (words("host.crt", "host.crt"), "failed to parse private key from host.crt: …", "parse_error"),
            (words("host.crt", "host.key", "--chain", "host.key"), "host.key holds a 'PRIVATE KEY' beside certificates", "parse_error"),
            (words("host.crt", "host.key", "--trust", "junk"), "--trust: junk holds no certificate", "parse_error"),
        ):  # fmt: skip
            with self.subTest(arguments=arguments):
                self.fails(arguments, message, kind)
        for arguments in (["cert", "import"], ["cert", "import", "--domain", "localhost", "--cert", "host.crt"],
                          ["cert", "show"], ["cert", "rollback", "localhost", "--to", "0"],
                          ["cert", "rollback", "localhost", "--to", "x"]):  # fmt: skip
            self.fails(arguments, "…", "usage", code=2)

    def test_folders_that_are_not_there(self) -> None:
        message = f"no certificate for localhost (looked in '{self.folder}')"
        for command in ("show", "verify", "rollback"):
            self.fails(["cert", command, "localhost"], message, "not_found")
        self.well(*self.words())
        self.fails(["cert", "rollback", "localhost"], f"there is no older generation of '{self.folder}' to go back to", "not_found")

    def test_foreign_files_are_never_replaced(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "cert.pem").write_text("precious\n")
        self.fails(self.words(), "…", "foreign_file")

    def test_an_edited_folder(self) -> None:
        self.well(*self.words())
        self.issue("next")
        (self.folder / "cert.pem").write_text((self.top / "next.crt").read_text())
        self.fails(self.words("next"), f"'{self.folder}/.lockstep/gen-00000001/cert.pem' is not what was committed: it was "
                   "edited by hand or is damaged", "edited_by_hand")  # fmt: skip
        self.assertEqual(self.json("cert", "verify", "localhost", expect=1)["result"], "INVALID")
        outcome = self.lockstep("doctor", "--adopt", self.folder)
        self.assertEqual(outcome.code, 1)
        self.assertIn("the private key does not belong to the certificate; the edit is not taken over", outcome.stderr)
        self.well(*self.words(domain="127.0.0.1"))
        listed = self.lockstep("cert", "list")
        self.assertEqual(listed.code, 1)  # one that is damaged does not hide the others
        self.matches("DOMAIN     STATE          NOT AFTER             DAYS LEFT  GENERATION  RENEWAL\n"
                     "127.0.0.1  valid          <time>  365        1           imported\n"
                     "localhost  damaged\n", listed.stdout)  # fmt: skip

    def test_an_undelivered_result(self) -> None:
        self.issue("next")
        with open("/dev/full", "wb") as full:
            for words, made in ((self.words(), "the certificate of localhost is installed ('lockstep cert show localhost' shows it)"),
                                (self.words("next"), "the certificate of localhost is installed ('lockstep cert show localhost' shows it)"),
                                (["cert", "rollback", "localhost"], "generation 1 of localhost is live again")):  # fmt: skip
                outcome = self.lockstep_with(words, full.fileno())
                self.assertEqual((outcome.code, outcome.stderr),
                                 (1, f"Error: {made}, but the result could not be printed: cannot write the output: No space "
                                  "left on device\nHint: the change is complete; do not repeat the command\n"))  # fmt: skip
        self.assertEqual(self.json("cert", "show", "localhost")["serial"], "02")


if __name__ == "__main__":
    unittest.main()
