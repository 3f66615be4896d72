"""A device and its CA, both as real programs: enrolled, renewed, taken back, recovered, and killed in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

from ca_server import Server, self_signed
from cli_case import Case
from support import binary, environment, lockstep, openssl


class DeviceCase(Case):
    name = "pump-7"

    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        self.server = Server(self.ca, "--validity", "2d", "--rate", "1000")
        self.addCleanup(self.stop)
        self.home = self.top / "device-home"

    def stop(self) -> None:
        if self.server.process.poll() is None:
            self.server.stop(signal.SIGKILL)

    def again(self, validity: str = "2d") -> None:
        """The same server, started again on the port that devices know."""
        self.server = Server(self.ca, "--validity", validity, "--rate", "1000", listen=f"127.0.0.1:{self.server.port}")

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.port}"

    def configuration(self, storage: str, **renewal: object) -> Path:
        """Due after half of its lifetime; everything else as it is by default."""
        lines = ["[device.identity]", f'name = "{self.name}"', f'storage = "{storage}"', f'ca = "{self.ca}/ca.crt"']
        if storage == "files":
            (self.home / "etc").mkdir(parents=True, exist_ok=True)
            lines += [f'cert = "{self.home}/etc/device.crt"', f'key = "{self.home}/etc/device.key"']
        lines += ["[device.issuer]", f'server = "{self.url}"']
        if (self.top / "boot.crt").exists():
            lines += ["[device.bootstrap]", f'cert = "{self.top}/boot.crt"', f'key = "{self.top}/boot.key"']
        lines += ["[device.renewal]", 'threshold = "50%"', *(f"{key} = {json.dumps(value)}" for key, value in renewal.items())]
        path = self.top / "device.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def device(self, config: Path, *words: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run([binary(), "--config", config, "device", "--path", self.home, *words, "--json"],
                              env=environment(), capture_output=True, text=True, timeout=60)  # fmt: skip

    def done(self, config: Path, *words: str | os.PathLike[str]) -> dict:
        done = self.device(config, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def failed(self, config: Path, code: str, *words: str | os.PathLike[str]) -> dict:
        done = self.device(config, *words)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["code"], code, error)
        return error

    def enroll(self, config: Path) -> dict:
        token = self.top / "token"
        token.write_text(self.server.token("--name", self.name) + "\n")
        return self.done(config, "enroll", "--token-file", token, "--san", f"DNS:{self.name}.example")

    def identity(self, status: dict) -> tuple[Path, Path]:
        return Path(status["certificate"]), Path(status["key"])

    def accepted(self, status: dict) -> None:
        """The server takes what the files say, and openssl agrees that they belong together."""
        certificate, key = self.identity(status)
        shown = openssl("x509", "-in", certificate, "-noout", "-pubkey")
        self.assertEqual(shown, openssl("pkey", "-in", key, "-pubout"))
        openssl("verify", "-CAfile", self.ca / "ca.crt", certificate)
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)

    def keys(self) -> list[str]:
        return sorted(str(path) for path in self.home.rglob("*")
                      if path.is_file() and not path.is_symlink() and b"PRIVATE KEY" in path.read_bytes())  # fmt: skip


class Life(DeviceCase):
    def test_generations_from_enrolment_to_rollback(self) -> None:
        self.life("generations")

    def test_files_from_enrolment_to_rollback(self) -> None:
        self.life("files")

    def life(self, storage: str) -> None:
        config = self.configuration(storage)
        issued = len(self.server.certificates())
        self.failed(config, "issuer_refused", "enroll", "--token", "wrong")
        self.assertEqual(self.keys(), [])
        first = self.enroll(config)
        self.assertEqual((first["state"], first["renewal_count"]), ("normal", 0))
        self.assertIn(first["days_until_expiration"], (1, 2))
        self.accepted(first)
        self.assertEqual(self.done(config, "verify")["result"], "VALID")
        self.assertFalse(self.done(config, "rotate")["renewed"])
        second = self.done(config, "rotate", "--force")
        self.assertEqual((second["renewed"], second["proven"], second["renewal_count"]), (True, True, 1))
        self.assertNotEqual(second["serial"], first["serial"])
        self.accepted(second)
        self.assertEqual(len(self.keys()), 1)
        self.assertEqual(len(self.server.certificates()), issued + 2)
        self.assertIn("nothing to roll back to", self.failed(config, "not_found", "rollback")["message"])
        self.assertEqual(lockstep("recover", self.home / "identities" if storage == "generations" else self.home / "etc").code, 0)
        keeping = self.configuration(storage, destroy_old_keys=False)
        self.done(keeping, "rotate", "--force")
        self.assertEqual(self.done(keeping, "rollback")["serial"], second["serial"])
        self.accepted(self.done(config, "status"))

    def test_commands_need_no_configuration_after_enrolment(self) -> None:
        token = self.server.token("--name", "lone")
        words = ["device", "--path", self.home]
        lockstep(*words, "enroll", "--server", self.url, "--ca", self.ca / "ca.crt", "--name", "lone", "--token", token,
                 "--storage", "files", "--cert", self.home / "lone.crt", "--key", self.home / "lone.key", "--key-type", "rsa2048")  # fmt: skip
        self.assertIn("Device: lone\n", lockstep(*words, "status").stdout)
        self.assertIn("Identity renewed.", lockstep(*words, "rotate", "--force").stdout)
        self.assertIn("VALID", lockstep(*words, "verify").stdout)
        self.assertIn("2048 bit", openssl("pkey", "-in", self.home / "lone.key", "-noout", "-text"))

    def test_an_enrolment_that_is_corrected(self) -> None:
        """What the second command says counts, and a token that paid for a certificate is not lost by it."""
        words = ["device", "--path", self.home, "enroll", "--ca", self.ca / "ca.crt", "--name", "lone", "--token", self.server.token("--name", "lone")]
        wrong = lockstep(*words, "--server", "https://localhost:1", "--san", "DNS:typo.example", expect=1)
        self.assertIn("cannot reach", wrong.stdout + wrong.stderr)
        lockstep(*words, "--server", self.url, "--san", "DNS:right.example", "--storage", "files",
                 "--cert", self.home / "lone.crt", "--key", self.home / "lone.key")  # fmt: skip
        self.assertIn("DNS:right.example", openssl("x509", "-in", self.home / "lone.crt", "-noout", "-ext", "subjectAltName"))
        self.assertEqual(self.keys(), [str(self.home / "lone.key")])
        self.assertIn("Identity renewed.", lockstep("device", "--path", self.home, "rotate", "--force").stdout)

    def test_ten_at_once(self) -> None:
        config = self.configuration("generations")
        before = self.enroll(config)
        running = [subprocess.Popen([binary(), "--config", config, "device", "--path", self.home, "rotate", "--force"],
                                    env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(10)]  # fmt: skip
        for child in running:
            out, _ = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0, out.decode())
        after = self.done(config, "status")
        self.accepted(after)
        self.assertNotEqual(after["serial"], before["serial"])
        # Who waited found it done; who came after that was asked to rotate what was new.
        self.assertEqual(len(self.server.certificates()), after["renewal_count"] + 1)
        self.assertLess(after["renewal_count"], 10)


class Recovery(DeviceCase):
    def test_recover_finds_a_device_with_plain_files_by_its_root(self) -> None:
        config = self.configuration("files")
        first = self.enroll(config)
        certificate, key = self.identity(first)
        # Cut off at one rename after the other, until it is the one between the two files.
        for when in range(1, 30):
            words = [binary(), "--config", config, "device", "--path", self.home, "rotate", "--force"]
            traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", self.home / "etc", "-e", "trace=renameat",
                      "-e", f"inject=renameat:signal=KILL:when={when}"]  # fmt: skip
            killed = subprocess.run(list(map(str, [*traced, *words])), env=environment(), capture_output=True, text=True)
            self.assertNotEqual(killed.returncode, 0, "no rename lies between the two files")
            halves = (openssl("x509", "-in", certificate, "-noout", "-pubkey"), openssl("pkey", "-in", key, "-pubout"))
            if halves[0] != halves[1]:
                break
            self.done(config, "rotate", "--force")
        done = lockstep("recover", self.home, "--json")
        self.assertIn(json.loads(done.stdout)["recovered"][0]["result"], ("completed", "restored"))
        self.assertEqual([path.name for path in (self.home / "etc").iterdir() if path.name.startswith(".")], [])
        self.accepted(self.done(config, "status"))
        self.assertIn("VALID", self.done(config, "verify")["result"])


class Trouble(DeviceCase):
    def test_server_down_then_back(self) -> None:
        config = self.configuration("generations")
        first = self.enroll(config)
        self.server.stop()
        self.failed(config, "network", "rotate", "--force")
        status = self.done(config, "status")
        self.assertEqual((status["serial"], status["failures"], status["pending"]), (first["serial"], 1, "proactive"))
        self.again()
        self.assertTrue(self.done(config, "rotate", "--force")["renewed"])

    def test_revoked_devices_are_refused_and_keep_what_they_have(self) -> None:
        config = self.configuration("files")
        first = self.enroll(config)
        lockstep("ca", "--data-dir", self.ca, "revoke", first["serial"])
        self.assertIn("revoked", self.failed(config, "issuer_refused", "rotate", "--force")["message"])
        self.assertEqual(self.done(config, "status")["serial"], first["serial"])
        self.accepted(first)

    def test_expired_comes_back_with_the_bootstrap_identity(self) -> None:
        boot = self_signed(self.top, "boot")
        lockstep("ca", "--data-dir", self.ca, "device", "add", "pump-7", "--bootstrap", boot.certificate)
        self.server.stop()
        self.again("2s")
        config = self.configuration("generations")
        first = self.enroll(config)
        self.server.stop()
        self.again("1d")
        self.eventually_expired(config)
        back = self.done(config, "rotate", "--force")
        self.assertEqual((back["renewed"], back["recovery_count"], back["state"]), (True, 1, "normal"))
        self.assertNotEqual(back["serial"], first["serial"])
        self.accepted(back)

    def eventually_expired(self, config: Path) -> None:
        """Two seconds of lifetime are over when the program says so; it is asked, not waited for."""
        for _ in range(1000):
            if self.done(config, "status")["state"] == "expired":
                return
        self.fail("the identity did not expire")

    def test_what_asks_no_issuer_needs_none(self) -> None:
        config = self.configuration("files", destroy_old_keys=False)
        first = self.enroll(config)
        self.done(config, "rotate", "--force")
        config.write_text(config.read_text().replace(f'server = "{self.url}"', 'command = ["/nonexistent/issuer"]'))
        self.assertEqual(self.done(config, "verify")["result"], "VALID")
        self.assertEqual(self.done(config, "rollback")["serial"], first["serial"])
        self.assertEqual(self.done(config, "status")["serial"], first["serial"])
        self.assertIn("/nonexistent/issuer", self.device(config, "rotate", "--force").stdout)

    def test_halves_that_would_stand_in_the_same_place(self) -> None:
        config = self.configuration("files")
        good, name = config.read_text(), f"{self.home}/etc/device.crt"
        for key in (f"{self.home}/etc/./device.crt", f"{self.home}/other/../etc/device.crt", name + ".pending", name + ".backup"):
            with self.subTest(key):
                config.write_text(good.replace(f"{self.home}/etc/device.key", key))
                self.assertIn("'key'", self.device(config, "status").stdout)
                self.assertIn("invalid_argument", self.device(config, "enroll", "--token", "t").stdout)

    def test_advice_is_about_options_that_there_are(self) -> None:
        other = self_signed(self.top, "other")
        config = self.configuration("generations")
        config.write_text(config.read_text().replace(f"{self.ca}/ca.crt", str(other.certificate)))
        hint = self.failed(config, "untrusted", "enroll", "--token", "t")["hint"]
        self.assertNotIn("--ca-bundle", hint)
        self.assertIn("--ca", hint)

    def test_mistakes_in_the_configuration(self) -> None:
        config = self.configuration("generations")
        good = config.read_text()
        for wrong, said in (("max_retries = 0", "max_retries"), ("check_interval = \"0s\"", "check_interval"),
                            ("backoff_multiplier = 0.5", "backoff_multiplier"), ("threshold_days = 400", "threshold"),
                            ("max_backof = 3", "max_backof"), ("reuse_key = \"yes\"", "reuse_key")):  # fmt: skip
            with self.subTest(wrong):
                config.write_text(good + wrong + "\n")
                done = self.device(config, "status")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, done.stdout + done.stderr)
                self.assertIn(str(config), done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
