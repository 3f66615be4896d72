"""The private CA as an operator runs it: every command's exact output, errors, exit codes and --json document.

What was made is judged by openssl and certtool; a command that fails must not have changed a byte, a mode or a name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import unittest

from cli_case import TIME, Case
from support import binary, environment, run

NOT_INITIALIZED = "CA not initialized. Run 'ca init' first."


class Outputs(Case):
    def test_init(self) -> None:
        self.succeeds(["ca", "init", "--subject", "CN=Root,O=Example"],
                      "CA initialized successfully.\n"
                      "  Subject: CN=Root,O=Example\n"
                      "  Algorithm: ECDSA P-256\n"
                      "  Serial: 01\n"
                      "  Not After: <time>\n"
                      f"  Certificate: {self.ca}/ca.crt\n"
                      f"  Key: {self.ca}/ca.key\n"
                      f"Warning: CA private key is stored unencrypted at {self.ca}/ca.key. Protect this file.\n")  # fmt: skip
        self.assertEqual((self.ca / "serial").read_text(), "02\n")
        self.assertEqual((self.ca / "crlnumber").read_text(), "01\n")
        self.assertEqual((self.ca / "index.json").read_text(), "[]\n")
        modes = {name: (self.ca / name).stat().st_mode & 0o777 for name in (".", "ca.key", "ca.crt")}
        self.assertEqual(modes, {".": 0o700, "ca.key": 0o600, "ca.crt": 0o644})
        self.assertEqual(list((self.ca / "certs").iterdir()), [])

    def test_request(self) -> None:
        self.succeeds(["ca", "request", "--subject", "CN=localhost", "--out-key", "a.key", "--out-csr", "a.csr"],
                      "CSR generated successfully.\n"
                      "  Subject: CN=localhost\n"
                      "  Algorithm: ECDSA P-256\n"
                      "  Key: a.key\n"
                      "  CSR: a.csr\n")  # fmt: skip
        self.assertEqual((self.top / "a.key").stat().st_mode & 0o777, 0o600)
        self.succeeds(["ca", "request", "--subject", "CN=r", "--out-key", "a.key", "--out-csr", "a.csr", "--force",
                       "--key-algorithm", "rsa-2048"],
                      "CSR generated successfully.\n"
                      "  Subject: CN=r\n"
                      "  Algorithm: RSA 2048\n"
                      "  Key: a.key\n"
                      "  CSR: a.csr\n")  # fmt: skip

    def test_sign_revoke_crl_list_show_and_verify(self) -> None:
        self.initialize()
        csr = self.request()
        self.succeeds(["ca", "list"], "No certificates issued.\n")
        self.succeeds(["ca", "sign", csr, "--out", "host.crt"],
                      "Certificate issued successfully.\n"
                      "  Serial: 02\n"
                      "  Subject: CN=localhost\n"
                      "  Not After: <time>\n"
                      "  Certificate: host.crt\n")  # fmt: skip
        self.succeeds(["ca", "sign", csr],
                      "Certificate issued successfully.\n"
                      "  Serial: 03\n"
                      "  Subject: CN=localhost\n"
                      "  Not After: <time>\n"
                      f"  Certificate: {self.ca}/certs/03.pem\n")  # fmt: skip
        self.verify("VALID", "NOT CHECKED (no CRL available)")
        self.crl(number=1, revoked=0)
        self.verify("VALID", "OK (not revoked)")
        self.succeeds(["ca", "revoke", "2", "--reason", "keyCompromise"],
                      "Certificate revoked successfully.\n  Serial: 02\n  Reason: keyCompromise\n")  # fmt: skip
        self.crl(number=2, revoked=1)
        self.verify("INVALID", "REVOKED (reason: keyCompromise, date: <time>)")
        self.succeeds(["ca", "list"],
                      "SERIAL  STATUS   NOT AFTER             SUBJECT\n"
                      "02      revoked  <time>  CN=localhost\n"
                      "03      active   <time>  CN=localhost\n")  # fmt: skip
        self.succeeds(["ca", "show", "2"],
                      "Certificate 02\n"
                      "  Serial: 02\n"
                      "  Subject: CN=localhost\n"
                      "  Alternative Names: DNS:localhost, IP:127.0.0.1\n"
                      "  Issuer: CN=Root\n"
                      "  Key: ECDSA P-256\n"
                      "  Not Before: <time>\n"
                      "  Not After: <time>\n"
                      "  Status: revoked\n"
                      "  Revoked At: <time>\n"
                      "  Reason: keyCompromise\n"
                      f"  Certificate: {self.ca}/certs/02.pem\n\n" + (self.top / "host.crt").read_text())  # fmt: skip

    def crl(self, number: int, revoked: int) -> None:
        self.succeeds(["ca", "crl"],
                      "CRL generated successfully.\n"
                      "  This Update: <time>\n"
                      "  Next Update: <time>\n"
                      f"  CRL Number: {number}\n"
                      f"  Revoked certificates: {revoked}\n"
                      f"  CRL: {self.ca}/ca.crl\n")  # fmt: skip

    def verify(self, result: str, revocation: str) -> None:
        outcome = self.lockstep("ca", "verify", "host.crt")
        self.matches(f"Certificate verification: {result}\n"
                     "  Subject: CN=localhost\n"
                     "  Serial: 02\n"
                     "  Issuer: CN=Root\n"
                     "  Not Before: <time>\n"
                     "  Not After: <time>\n"
                     "  Signature: OK\n"
                     "  Expiry: OK\n"
                     f"  Revocation: {revocation}\n", outcome.stdout)  # fmt: skip
        self.assertEqual(outcome.code, 0 if result == "VALID" else 1)

    def test_verify_of_another_ca_and_of_an_expired_crl(self) -> None:
        self.initialize()
        self.well("ca", "sign", self.request(), "--out", "host.crt")
        self.well("ca", "--data-dir", "other", "init", "--subject", "CN=Root")
        outcome = self.lockstep("ca", "--data-dir", "other", "verify", "host.crt")
        self.assertEqual(outcome.code, 1)
        self.assertIn("Certificate verification: INVALID\n", outcome.stdout)
        self.assertIn("  Signature: FAILED\n", outcome.stdout)

    def test_flags_may_stand_after_positionals_and_before_commands(self) -> None:
        self.initialize("--data-dir", "elsewhere", "--key-algorithm", "rsa-2048", "--validity", "30")
        csr = self.request()
        self.well("ca", "sign", csr, "--data-dir", "elsewhere", "--validity", "12h", "--profile", "peer")
        self.well("--json", "ca", "--data-dir", "elsewhere", "list")
        text = self.tool("openssl", "x509", "-in", "elsewhere/certs/02.pem", "-noout", "-text")
        self.assertIn("TLS Web Server Authentication, TLS Web Client Authentication", text)

    def test_many_requests_are_one_commit_and_go_to_a_directory(self) -> None:
        self.initialize()
        (self.top / "out").mkdir()
        csrs = [self.request(f"h{i}") for i in range(3)]
        self.well("ca", "sign", *csrs, "--out-dir", "out", "--jobs", "2")
        self.assertEqual(sorted(path.name for path in (self.top / "out").iterdir()), ["02.pem", "03.pem", "04.pem"])
        self.tool("openssl", "verify", "-CAfile", self.ca / "ca.crt", *(self.top / "out").iterdir())
        self.assertEqual((self.ca / "serial").read_text(), "05\n")

    def test_environment_and_configuration_name_the_directory(self) -> None:
        self.initialize("--data-dir", "named")
        (self.top / "lockstep.toml").write_text('data_dir = "named"\n')
        self.succeeds(["--config", "lockstep.toml", "ca", "list"], "No certificates issued.\n")
        other = run([binary(), "--config", "lockstep.toml", "ca", "list"], cwd=self.top,
                    env=environment() | {"CA_DATA_DIR": "elsewhere"})  # fmt: skip
        self.assertIn("not initialized", other.stderr, "the environment goes before the file")
        (self.top / "lockstep.toml").write_text("[acme]\n[serve]\nlisten = 1\n")
        self.fails(["--config", "lockstep.toml", "ca", "list"], "lockstep.toml:3: 'listen' must be a text in quotes",
                   "invalid_argument")  # fmt: skip
        (self.top / "lockstep.toml").write_text('data_dir = "named"\nunknown = 1\n')
        self.fails(["--config", "lockstep.toml", "ca", "list"], "lockstep.toml:2: unknown key 'unknown'",
                   "invalid_argument")  # fmt: skip
        (self.top / "lockstep.toml").write_bytes(b"[ca]\n[[\0\1if]]\nnames = 1\n")
        self.fails(["--config", "lockstep.toml", "ca", "list"], "lockstep.toml:2: Error while parsing key: expected bare "
                   "key starting character or string delimiter, saw '\\u0000'", "invalid_argument")  # fmt: skip

    def test_quiet_commands_say_nothing_but_errors(self) -> None:
        self.succeeds(["-q", "ca", "init", "--subject", "CN=Root"], "")
        self.succeeds(["-q", "ca", "list"], "No certificates issued.\n")

    def test_help_of_every_command_has_an_example(self) -> None:
        commands = [["ca", name] for name in ("init", "request", "sign", "revoke", "crl", "list", "show", "verify")]
        commands += [["cert", name] for name in ("import", "list", "show", "verify", "rollback")]
        for command in [*commands, ["doctor"], ["recover"], ["ca"], ["cert"], []]:
            with self.subTest(command=command):
                self.assertIn("Example:\n  lockstep ", self.well(*command, "--help").stdout)
        self.matches("lockstep 0.1.0\n", self.well("--version").stdout)


class Json(Case):
    def test_documents(self) -> None:
        made = self.json("ca", "init", "--subject", "CN=Root")
        self.assertEqual({**made, "not_after": ""},
                         {"schema": 1, "subject": "CN=Root", "algorithm": "ECDSA P-256", "serial": "01", "not_after": "",
                          "certificate": f"{self.ca}/ca.crt", "key": f"{self.ca}/ca.key",
                          "warning": f"CA private key is stored unencrypted at {self.ca}/ca.key. Protect this file."})  # fmt: skip
        self.assertEqual(self.json("ca", "request", "--subject", "CN=a", "--out-key", "a.key", "--out-csr", "a.csr"),
                         {"schema": 1, "subject": "CN=a", "algorithm": "ECDSA P-256", "key": "a.key", "csr": "a.csr"})  # fmt: skip
        (signed,) = self.json("ca", "sign", "a.csr", "--out", "a.crt")["certificates"]
        self.assertRegex(signed.pop("not_after"), TIME)
        self.assertEqual(signed, {"serial": "02", "subject": "CN=a", "certificate": "a.crt", "shortened": False})
        revoked = self.json("ca", "revoke", "02", "--reason", "superseded")
        self.assertRegex(revoked.pop("revoked_at"), TIME)
        self.assertEqual(revoked, {"schema": 1, "serial": "02", "reason": "superseded"})
        crl = self.json("ca", "crl", "--next-update", "48")
        self.assertEqual((crl["crl_number"], crl["revoked_certificates"], crl["crl"]), (1, 1, f"{self.ca}/ca.crl"))
        (entry,) = self.json("ca", "list")["certificates"]
        self.assertEqual(sorted(entry), ["not_after", "not_before", "revocation_reason", "revoked_at", "serial",
                                         "status", "subject"])  # fmt: skip
        shown = self.json("ca", "show", "2")
        self.assertEqual(shown["pem"], (self.top / "a.crt").read_text())
        self.assertEqual({name: shown[name] for name in entry}, entry)
        verified = self.json("ca", "verify", "a.crt", expect=1)
        self.assertEqual((verified["result"], verified["signature"], verified["expiry"]), ("INVALID", "OK", "OK"))

    def test_filters_of_the_list(self) -> None:
        self.initialize()
        csr = self.request()
        for validity in ("10", "100", "100"):
            self.well("ca", "sign", csr, "--validity", validity)
        self.well("ca", "revoke", "4")
        listed = lambda *flags: [entry["serial"] for entry in self.json("ca", "list", *flags)["certificates"]]
        self.assertEqual(listed(), ["02", "03", "04"])
        self.assertEqual(listed("--status", "active"), ["02", "03"])
        self.assertEqual(listed("--status", "revoked"), ["04"])
        self.assertEqual(listed("--expiring", "11"), ["02"])
        self.assertEqual(listed("--subject", "localh"), ["02", "03", "04"])
        self.assertEqual(listed("--subject", "nobody"), [])


class Errors(Case):
    def test_no_ca(self) -> None:
        csr = self.request()
        for command in (["sign", csr], ["revoke", "2"], ["crl"], ["list"], ["show", "2"], ["verify", csr]):
            self.fails(["ca", *command], NOT_INITIALIZED, "not_initialized")

    def test_a_second_init_and_half_a_ca(self) -> None:
        self.initialize()
        self.fails(["ca", "init", "--subject", "CN=Other"], f"CA already initialized at {self.ca}", "already_initialized")
        for lone in ("ca.key", "ca.crt"):
            directory = self.top / f"only-{lone}"
            directory.mkdir()
            (directory / lone).write_text("precious\n")
            self.fails(["ca", "init", "--subject", "CN=x", "--data-dir", directory],
                       f"CA already initialized at {directory}", "already_initialized")  # fmt: skip

    def test_serials_that_are_not_there_or_revoked(self) -> None:
        self.initialize()
        self.well("ca", "sign", self.request())
        for serial in ("9", "01"):
            hexadecimal = serial.zfill(2)
            self.fails(["ca", "revoke", serial], f"certificate with serial {hexadecimal} not found", "certificate_not_found")
            self.fails(["ca", "show", serial], f"certificate with serial {hexadecimal} not found", "certificate_not_found")
        self.well("ca", "revoke", "002")
        self.fails(["ca", "revoke", "2"], "certificate with serial 02 is already revoked", "already_revoked")

    def test_existing_files_of_a_request_are_not_replaced(self) -> None:
        self.request()
        request = ["ca", "request", "--subject", "CN=x", "--out-key"]
        self.fails([*request, "host.key", "--out-csr", "new.csr"], "'host.key' exists already", "already_exists")
        self.fails([*request, "new.key", "--out-csr", "host.csr"], "'host.csr' exists already", "already_exists")

    def test_usage(self) -> None:
        self.initialize()
        csr = self.request()
        request = ["ca", "request", "--out-key", "x.key", "--out-csr", "x.csr", "--subject"]
        for arguments in (
            [], ["ca"], ["cert"], ["nonsense"], ["ca", "nonsense"], ["ca", "init"], ["ca", "sign"], ["ca", "show"],
            ["ca", "list", "extra"], ["ca", "list", "--nonsense"], ["ca", "list", "--data-dir"],
            ["ca", "init", "--data-dir", "n", "--subject", "no equals sign"],
            ["ca", "init", "--data-dir", "n", "--subject", "CN=x", "--key-algorithm", "md5"],
            ["ca", "init", "--data-dir", "n", "--subject", "CN=x", "--validity", "-3"],
            ["ca", "init", "--data-dir", "n", "--subject", "CN=x", "--validity", "1.5"],
            [*request, "CN=x", "--san", "localhost"], [*request, "CN=x", "--san", "IP:999.1.1.1"],
            [*request, "CN=x", "--san", "DNS:"], [*request, "XX"], [*request, "CN=x", "--key-algorithm", "rsa-512"],
            ["ca", "request", "--subject", "CN=x", "--out-key", "x.key"],
            ["ca", "sign", csr, "--validity", "0"], ["ca", "sign", csr, "--validity", "-1"],
            ["ca", "sign", csr, "--validity", "10y"], ["ca", "sign", csr, "--profile", "root"],
            ["ca", "sign", csr, "--jobs", "0"], ["ca", "sign", csr, csr, "--out", "one.crt"],
            ["ca", "sign", csr, "--out", "one.crt", "--out-dir", "."],
            ["ca", "revoke", "zz"], ["ca", "revoke", "0"], ["ca", "revoke", "-1"], ["ca", "show", "0x2"],
            ["ca", "revoke", "2", "--reason", "boredom"], ["ca", "revoke", "2", "--reason", "keycompromise"],
            ["ca", "crl", "--next-update", "0"], ["ca", "crl", "--next-update", "soon"],
            ["ca", "list", "--status", "x"], ["ca", "list", "--expiring", "0"], ["--lock-timeout", "x", "ca", "list"],
            ["doctor", "--adopt", "--repair", self.ca],
        ):  # fmt: skip
            with self.subTest(arguments=arguments):
                self.fails(arguments, "…", "usage", code=2)

    def test_a_destination_that_cannot_take_the_certificate_stops_before_the_signature(self) -> None:
        self.initialize()
        csr = self.request()
        self.fails(["ca", "sign", csr, "--out", "."], f"--out: '{self.top}' is not a regular file; it is not replaced",
                   "foreign_file")  # fmt: skip
        self.fails(["ca", "sign", csr, "--out", "none/x"],
                   f"--out: cannot resolve '{self.top}/none': No such file or directory", "not_found")  # fmt: skip
        self.fails(["ca", "sign", csr, "--out-dir", "none"],
                   f"--out-dir: cannot open '{self.top}/none': No such file or directory", "not_found")  # fmt: skip

    def test_a_writer_does_not_wait_for_ever(self) -> None:
        self.initialize()
        csr = self.request()
        with open(self.ca / ".lockstep" / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.fails(["--lock-timeout", "1", "ca", "sign", csr], "…", "lock_timeout")
            self.succeeds(["ca", "list"], "No certificates issued.\n")


class Judged(Case):
    """By other people's programs."""

    def test_ecdsa_and_rsa(self) -> None:
        for algorithm in ("ecdsa-p256", "rsa-2048"):
            with self.subTest(algorithm=algorithm):
                shutil.rmtree(self.ca, ignore_errors=True)
                self.initialize("--key-algorithm", algorithm)
                csr = self.request("host", "--force", "--key-algorithm", algorithm)
                self.well("ca", "sign", csr, csr, "--profile", "server")
                self.well("ca", "revoke", "3", "--reason", "cessationOfOperation")
                self.well("ca", "crl")
                self.check_with_openssl(csr)
                self.check_with_certtool(csr)

    def check_with_openssl(self, csr: os.PathLike[str]) -> None:
        root, crl = self.ca / "ca.crt", self.ca / "ca.crl"
        self.assertIn("verify OK", self.tool("openssl", "req", "-in", csr, "-noout", "-verify"))
        self.assertIn("verify OK", self.tool("openssl", "crl", "-in", crl, "-CAfile", root, "-noout"))
        self.tool("openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", root, root)
        strict = ["openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", crl, "-CAfile", root, "-purpose", "sslserver"]
        self.tool(*strict, self.ca / "certs" / "02.pem")
        revoked = run([*strict, self.ca / "certs" / "03.pem"])
        self.assertIn("certificate revoked", revoked.stdout + revoked.stderr)
        text = self.tool("openssl", "crl", "-in", crl, "-noout", "-text")
        for part in ("Version 2", "Serial Number: 03", "Cessation Of Operation", "X509v3 Authority Key Identifier"):
            self.assertIn(part, text)

    def check_with_certtool(self, csr: os.PathLike[str]) -> None:
        if shutil.which("certtool") is None:
            self.skipTest("certtool (gnutls-bin) is missing")
        self.assertIn("Certificate Authority (CA): TRUE", self.tool("certtool", "--certificate-info", "--infile", self.ca / "ca.crt"))
        leaf = self.tool("certtool", "--certificate-info", "--infile", self.ca / "certs" / "02.pem")
        for part in ("Certificate Authority (CA): FALSE", "DNSname: localhost", "IPAddress: 127.0.0.1", "TLS WWW Server"):
            self.assertIn(part, leaf)
        self.assertIn("Revoked certificates (1)", self.tool("certtool", "--crl-info", "--infile", self.ca / "ca.crl"))
        self.assertIn("Self signature: verified", self.tool("certtool", "--crq-info", "--infile", csr))
        self.assertIn("Verified", self.tool("certtool", "--verify", "--load-ca-certificate", self.ca / "ca.crt", "--infile",
                                            self.ca / "certs" / "02.pem"))  # fmt: skip

    def test_a_request_that_wants_to_be_a_ca_gets_an_end_entity_certificate(self) -> None:
        self.initialize()
        self.tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-keyout", "evil.key", "-out", "evil.csr", "-subj", "/CN=evil", "-addext",
                  "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
        self.well("ca", "sign", "evil.csr", "--out", "evil.crt")
        text = self.tool("openssl", "x509", "-in", "evil.crt", "-noout", "-text")
        self.assertRegex(text, r"Basic Constraints: critical\s+CA:FALSE")
        self.assertRegex(text, r"Key Usage: critical\s+Digital Signature\n")
        self.assertNotIn("CRL Sign", text)

    def test_a_certificate_never_outlives_the_ca(self) -> None:
        self.initialize("--validity", "30")
        csr = self.request()
        outcome = self.well("ca", "sign", csr, "--validity", "31", "--out", "host.crt")
        self.matches("Warning: certificate 02 ends with the CA, at <time>\n", outcome.stderr)
        end = lambda file: self.tool("openssl", "x509", "-in", file, "-noout", "-enddate")
        self.assertEqual(end("host.crt"), end(self.ca / "ca.crt"))
        self.assertTrue(self.json("ca", "sign", csr, "--validity", "31")["certificates"][0]["shortened"])
        self.assertEqual(self.well("ca", "sign", csr, "--validity", "29").stderr, "")


if __name__ == "__main__":
    unittest.main()
