"""What reaches the program from outside: broken requests, directories that are not to be used, outputs that fail.

Every refusal is exact and changes nothing. A commit whose result cannot be delivered says so and stands.
"""

from __future__ import annotations

import os
import unittest
from collections.abc import Callable
from pathlib import Path

from cli_case import NOBODY, Case, UnprivilegedCase

UNSUPPORTED = "unsupported key algorithm in CSR. Supported: ECDSA P-256, RSA 2048"


class BadRequests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        self.good = self.request()

    def refused(self, file: Path | str, why: str, kind: str = "parse_error") -> None:
        """`ca sign FILE`, alone and behind a good one: one bad request refuses them all."""
        message = f"failed to parse CSR from {file}{why}"
        self.fails(["ca", "sign", file], message, kind)
        self.fails(["ca", "sign", self.good, file], message, kind)
        self.fails(["ca", "sign", file, "--out", "host.crt"], message, kind)

    def write(self, content: bytes) -> Path:
        path = self.top / "bad.csr"
        path.write_bytes(content)
        return path

    def test_contents(self) -> None:
        pem = self.good.read_bytes()
        self.well("ca", "sign", self.good, "--out", "host.crt")
        self.well("ca", "crl")
        for content, why in (
            (b"", ": it is empty"),
            (b"junk\n", ": it is neither PEM nor DER"),
            (b"\x00\xff" * 50, ": it is neither PEM nor DER"),
            (pem + pem, ": it holds 2 of them; give one a file"),
            ((self.top / "host.crt").read_bytes(), ": it holds a certificate, not a request"),
            ((self.ca / "ca.crl").read_bytes(), ": it holds a CRL, not a request"),
            ((self.top / "host.key").read_bytes(), ": it holds a private key, not a request"),
            (pem.replace(b"CERTIFICATE REQUEST", b"DOCUMENT"), ": it holds a 'DOCUMENT', not a request"),
            (pem[:-40], ": broken PEM: …"),
            (pem.replace(b"\nMI", b"\n!!"), ": broken PEM: …"),
            (pem.replace(b"\nMI", b"\nMM"), ": …"),
            (b"0" * 100, ": …"),
        ):
            with self.subTest(why=why, content=content[:40]):
                self.refused(self.write(content), why)

    def test_sizes(self) -> None:
        path = self.write(b"\0" * 10_000_000)
        self.refused(path, f": '{path}' has 10000000 bytes; the limit is 1048576", "too_large")
        self.refused("/dev/zero", ": '/dev/zero' is not a regular file", "invalid_argument")

    def test_files(self) -> None:
        self.refused("none.csr", ": cannot open 'none.csr': No such file or directory", "not_found")
        self.refused(".", ": '.' is a directory", "invalid_argument")
        os.mkfifo(self.top / "fifo")
        self.refused("fifo", ": 'fifo' is not a regular file", "invalid_argument")  # at once, without a writer
        os.symlink("nowhere", self.top / "dangling")
        self.refused("dangling", ": cannot open 'dangling': No such file or directory", "not_found")
        os.symlink("loop", self.top / "loop")
        self.refused("loop", ": cannot open 'loop': Too many levels of symbolic links", "io_error")
        self.refused("x" * 300, ": cannot open …", "io_error")

    def test_signature(self) -> None:
        self.tool("openssl", "req", "-in", self.good, "-outform", "DER", "-out", "bad.der")
        der = bytearray((self.top / "bad.der").read_bytes())
        der[-1] ^= 1
        self.fails(["ca", "sign", self.write(bytes(der))], "CSR signature verification failed", "csr_signature")
        self.fails(["ca", "sign", self.good, "bad.csr"], "bad.csr: CSR signature verification failed", "csr_signature")

    def test_keys(self) -> None:
        for words in (["rsa:1024"], ["rsa:3072"], ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], ["ed25519"]):
            self.tool("openssl", "req", "-new", "-newkey", *words, "-nodes", "-keyout", "x.key", "-out", "x.csr", "-subj", "/CN=x")
            with self.subTest(words=words):
                self.fails(["ca", "sign", "x.csr"], UNSUPPORTED, "unsupported_key")

    def test_a_request_for_nobody(self) -> None:
        self.tool("openssl", "req", "-new", "-key", "host.key", "-out", "nobody.csr", "-subj", "/")
        self.fails(["ca", "sign", "nobody.csr"], "the request in nobody.csr names nobody: it has neither a subject nor an "
                   "alternative name", "invalid_argument")  # fmt: skip

    def test_der_and_comments_are_accepted(self) -> None:
        self.tool("openssl", "req", "-in", self.good, "-outform", "DER", "-out", "good.der")
        self.write(b"Some text\n" + self.good.read_bytes() + b"more text\n")
        self.well("ca", "sign", "good.der", "bad.csr")

    def test_certificates_to_verify(self) -> None:
        self.fails(["ca", "verify", self.good], f"failed to parse certificate from {self.good}: it holds a certificate "
                   "request, not a certificate", "parse_error")  # fmt: skip
        self.fails(["ca", "verify", "none"], "cannot open 'none': No such file or directory", "not_found")
        self.fails(["ca", "verify", "."], "'.' is a directory", "invalid_argument")
        self.fails(["ca", "verify", self.write(b"\0" * 10_000_000)], "…", "too_large")


class DataDirectories(Case):
    def refused(self, why: str, kind: str) -> None:
        for command in (["init", "--subject", "CN=x"], ["list"], ["crl"], ["revoke", "2"], ["sign", self.csr]):
            self.fails(["ca", *command], f"the data directory '{self.ca}' {why}", kind)

    def setUp(self) -> None:
        super().setUp()
        self.csr = self.request()

    def test_a_file(self) -> None:
        self.ca.write_text("precious")
        self.refused("is not a directory", "invalid_argument")

    def test_links(self) -> None:
        self.initialize("--data-dir", "real")
        self.ca.symlink_to("real")
        self.refused("is a symbolic link", "invalid_argument")
        self.ca.unlink()
        self.ca.symlink_to("nowhere")
        self.refused("is a symbolic link", "invalid_argument")

    def test_one_that_belongs_to_another(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        self.initialize()
        os.chown(self.ca, NOBODY, NOBODY)
        self.refused(f"is owned by uid {NOBODY}, not by you (uid 0)", "permission_denied")

    def test_foreign_files(self) -> None:
        self.ca.mkdir(mode=0o755)
        (self.ca / "README").write_text("mine")
        self.fails(["ca", "init", "--subject", "CN=x"], f"the data directory '{self.ca}' holds something that is not a "
                   "CA's: 'README'", "foreign_file")  # fmt: skip
        self.fails(["ca", "list"], "CA not initialized. Run 'ca init' first.", "not_initialized")

    def test_an_empty_one_is_taken_and_closed_to_others(self) -> None:
        self.ca.mkdir(mode=0o755)
        self.initialize()
        self.assertEqual(self.ca.stat().st_mode & 0o777, 0o700)

    def test_a_parent_that_is_a_file(self) -> None:
        self.fails(["ca", "init", "--subject", "CN=x", "--data-dir", "host.csr/ca"], "…", "io_error")


class OwnFiles(Case):
    """The names in a CA's directory are links into its store: nothing that is written may go through them."""

    def test_outputs_never_replace_the_cas_own_files(self) -> None:
        self.initialize()
        csr = self.request()
        for name in ("ca.key", "ca.crt", "serial", "index.json", ".lockstep/current/ca.key", ".lockstep/new"):
            message = f"'{self.ca}/{name}' leads into the store '{self.ca}', which is changed by its own commands only"
            self.fails(["ca", "sign", csr, "--out", self.ca / name], f"--out: {message}", "foreign_file")
            request = ["ca", "request", "--subject", "CN=x", "--force"]
            self.fails([*request, "--out-key", self.ca / name, "--out-csr", "x.csr"], message, "foreign_file")
            self.fails([*request, "--out-key", "x.key", "--out-csr", self.ca / name], message, "foreign_file")
        for option, value in (("--out", "certs/99.pem"), ("--out", "copy.crt"), ("--out-dir", "certs"), ("--out-dir", "")):
            place = self.ca / (value if option == "--out-dir" else os.path.dirname(value))
            self.fails(["ca", "sign", csr, option, self.ca / value],
                       f"{option}: '{place}' belongs to the CA, which keeps its own copy", "foreign_file")  # fmt: skip


class Unprivileged(UnprivilegedCase):
    def test_a_request_that_cannot_be_read(self) -> None:
        self.initialize()
        csr = self.request()
        csr.chmod(0)
        self.fails(["ca", "sign", csr], f"failed to parse CSR from {csr}: cannot open '{csr}': Permission denied",
                   "permission_denied")  # fmt: skip

    def test_directories_that_cannot_be_written(self) -> None:
        closed = self.top / "closed"
        closed.mkdir()
        closed.chmod(0o555)
        self.addCleanup(closed.chmod, 0o755)
        self.fails(["ca", "init", "--subject", "CN=x", "--data-dir", closed / "ca"], "…", "permission_denied")
        self.fails(["ca", "request", "--subject", "CN=x", "--out-key", "closed/k", "--out-csr", "x.csr"], "…",
                   "permission_denied")  # fmt: skip
        self.fails(["ca", "request", "--subject", "CN=x", "--out-key", "x.key", "--out-csr", "closed/c"], "…",
                   "permission_denied")  # fmt: skip
        self.initialize()
        # A destination that turns out closed only after the commit: delivered nowhere, and it says so.
        outcome = self.lockstep("ca", "sign", self.request(), "--out", "closed/crt", "--json")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn('"committed_not_delivered"', outcome.stdout)
        self.assertTrue((self.ca / "certs" / "02.pem").exists())
        self.assertEqual(list(closed.iterdir()), [])

    def test_a_ca_on_a_read_only_directory_can_still_be_read(self) -> None:
        self.initialize()
        csr = self.request()
        self.well("ca", "sign", csr, "--out", "host.crt")
        directories = [path for path in (self.ca, *self.ca.rglob("*")) if path.is_dir() and not path.is_symlink()]
        for path in directories:
            path.chmod(0o500)
        try:
            for command in (["sign", csr], ["revoke", "2"], ["crl"]):
                self.fails(["ca", *command], "…", "permission_denied")
            for command in (["list"], ["show", "2"], ["verify", "host.crt"]):
                self.assertEqual(self.well("ca", *command).stderr, "")
        finally:
            for path in directories:
                path.chmod(0o700)


class Undelivered(Case):
    """stdout fails after the commit: exit 1, what was made, the command that shows it; and it is there."""

    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        self.csr = self.request()
        self.well("ca", "sign", self.csr, self.csr, self.csr, self.csr)
        self.full = os.open("/dev/full", os.O_WRONLY)
        self.addCleanup(os.close, self.full)

    def undelivered(self, arguments: list[str | os.PathLike[str]], made: str) -> None:
        for form in ([], ["--json"]):
            # On a full device and on a closed descriptor; the command differs from one time to the next by FILE.
            for why, stdout, before in (("No space left on device", self.full, None),
                                        ("Bad file descriptor", None, close(1))):  # fmt: skip
                words = [word.format(n=self.number) if isinstance(word, str) else word for word in arguments]
                outcome = self.lockstep_with([*words, *form], stdout, before)
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertEqual(outcome.stderr, f"Error: {made.format(n=self.number)}, but the result could not be printed:"
                                 f" cannot write the output: {why}\nHint: the change is complete; do not repeat the command\n")  # fmt: skip
                self.number += 1
        self.assertEqual(self.lockstep("doctor", self.ca).code, 0)
        self.assertEqual((self.ca / ".lockstep" / "lock").read_bytes(), b"")

    def test_sign(self) -> None:
        self.number = 6
        self.undelivered(["ca", "sign", self.csr], "certificate 0{n} issued ('lockstep ca show 0{n}' prints it)")
        self.assertEqual(len(list((self.ca / "certs").iterdir())), 8)

    def test_revoke(self) -> None:
        self.number = 2
        self.undelivered(["ca", "revoke", "{n}"], "certificate 0{n} was revoked ('lockstep ca show 0{n}' shows it)")
        self.assertEqual(len(self.json("ca", "list", "--status", "revoked")["certificates"]), 4)

    def test_crl(self) -> None:
        self.number = 1
        self.undelivered(["ca", "crl"], f"CRL number {{n}} was made ('{self.ca}/ca.crl' is it)")

    def test_init_and_request(self) -> None:
        self.number = 1
        new = self.top / "new"
        self.undelivered(["ca", "init", "--subject", "CN=x", "--data-dir", f"{new}{{n}}"],
                         f"the CA at '{new}{{n}}' was made ('ca list' and {new}{{n}}/ca.crt show it)")  # fmt: skip
        self.undelivered(["ca", "request", "--subject", "CN=x", "--out-key", "k{n}", "--out-csr", "c{n}"],
                         "the key 'k{n}' and the request 'c{n}' were made")  # fmt: skip

    def test_mending(self) -> None:
        index = self.ca / "index.json"
        text = index.read_text().replace('"active"', '"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"superseded"', 1)
        index.write_text(text)
        outcome = self.lockstep_with(["doctor", "--repair", self.ca], self.full)
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("Error: what was asked for is done, but the report could not be printed: cannot write the output: "
                      "No space left on device\n", outcome.stderr)  # fmt: skip
        self.well("doctor", self.ca)

    def test_what_only_reads_just_fails(self) -> None:
        for words in (["ca", "list"], ["ca", "list", "--json"], ["ca", "show", "2"], ["--help"], ["--version"]):
            outcome = self.lockstep_with(words, self.full)
            self.assertEqual(outcome.code, 1, outcome.text)
            self.assertTrue(outcome.stderr.startswith("Error: cannot write the output: No space left on device\n"), outcome.text)

    def test_a_pipe_that_nobody_reads_is_no_signal(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        outcome = self.lockstep_with(["ca", "sign", self.csr], writer)
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("Broken pipe", outcome.stderr)

    def test_closed_standard_descriptors_never_become_files(self) -> None:
        # The first file that is opened would get the number, and text would be written into it.
        for arguments in (["ca", "sign", self.csr, "--validity", "9999"], ["ca", "revoke", "3"], ["ca", "crl"],
                          ["ca", "init", "--subject", "CN=y", "--data-dir", "fresh"], ["ca", "revoke", "3"]):  # fmt: skip
            outcome = self.lockstep_with(arguments, None, close(0, 1, 2))
            self.assertEqual(outcome.code, 1)
        for directory in (self.ca, self.top / "fresh"):
            self.assertEqual(self.lockstep("doctor", directory).code, 0)
            self.assertEqual((directory / ".lockstep" / "lock").read_bytes(), b"")


def close(*descriptors: int) -> Callable[[], None]:
    def run() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return run


if __name__ == "__main__":
    unittest.main()
