"""What an operator loses by a slip of the hand, a lost record or a wrong group: each is refused, said, or mended."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import unittest

from cli_case import Case
from cli_cert_test import CertificateCase
from support import binary, environment


class Outputs(Case):
    def test_a_key_is_not_made_inside_a_store(self) -> None:
        self.initialize()
        for place, store in ((self.ca / "certs" / "02.pem", self.ca), (self.ca / "new.key", self.ca)):
            self.fails(["ca", "request", "--subject", "CN=x", "--out-key", place, "--out-csr", "x.csr"],
                       f"--out-key: '{place}' lies in the store '{store}'", "foreign_file")  # fmt: skip

    def test_a_certificate_does_not_replace_a_key_or_a_request(self) -> None:
        self.initialize()
        csr = self.request()
        for name in ("host.key", "host.csr"):
            self.fails(["ca", "sign", csr, "--out", self.top / name],
                       f"--out: '{self.top / name}' is there and is no certificate; it is not replaced", "already_exists")  # fmt: skip
        self.well("ca", "sign", csr, "--out", "host.crt")
        self.well("ca", "sign", csr, "--out", "host.crt")  # an older certificate is

    def test_an_empty_value_is_no_value(self) -> None:
        self.initialize()
        csr = self.request()
        for option in ("--out", "--out-dir", "--profile", "--data-dir"):
            self.fails(["ca", "sign", csr, option, ""], f"{option}: the value is empty", "usage", 2)

    def test_a_limit_on_the_size_of_files_is_an_error_and_no_death(self) -> None:
        def small() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

        run = subprocess.run([binary(), "ca", "init", "--subject", "CN=x", "--data-dir", "deep/er"], cwd=self.top,
                             capture_output=True, env=environment(), preexec_fn=small, check=False)  # fmt: skip
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"File too large", run.stderr)
        self.assertFalse((self.top / "deep").exists())


class Records(CertificateCase):
    def test_a_lost_record_is_damage_and_is_written_anew(self) -> None:
        history = self.ca / ".lockstep" / "history"
        history.write_text("")
        self.assertEqual(self.lockstep("doctor", self.ca).code, 1)
        csr = self.request("more")
        self.fails(["ca", "sign", csr], f"'{history}' is not a list of generations", "damaged")
        mended = self.lockstep("doctor", "--repair", self.ca)
        self.assertIn("the record of kept generations was written anew", mended.stdout)
        self.well("ca", "sign", csr)

    def test_a_lost_pointer_is_damage_to_readers_too(self) -> None:
        self.well(*self.words())
        (self.folder / ".lockstep" / "current").unlink()
        self.assertEqual(self.lockstep("cert", "list").code, 1)
        self.fails(["cert", "show", "localhost"], f"'{self.folder}/.lockstep/current' is missing, though generations exist",
                   "damaged")  # fmt: skip

    def test_repair_keeps_what_a_crl_says_and_tells_what_may_be_lost(self) -> None:
        self.issue("next")
        self.well("ca", "revoke", "2")
        self.well("ca", "crl")
        self.well("ca", "revoke", "3")
        (self.ca / ".lockstep" / "current" / "index.json").write_text("")
        mended = self.lockstep("doctor", "--repair", self.ca)
        self.assertIn("the newest index is lost", mended.stdout)
        statuses = {entry["serial"]: entry["status"] for entry in self.json("ca", "list")["certificates"]}
        self.assertEqual(statuses["02"], "revoked")

    def test_an_edit_of_any_member_stops_an_import(self) -> None:
        self.well(*self.words())
        self.issue("next")
        for name in ("fullchain.pem", "privkey.pem", "metadata.json"):
            path = self.folder / name
            before = path.read_bytes()
            path.write_bytes(before + b"# edited\n")
            for pair in ("host", "next"):
                self.fails(self.words(pair), f"'{path.resolve()}' is not what was committed: it was edited by hand or is "
                           "damaged", "edited_by_hand")  # fmt: skip
            path.write_bytes(before)

    def test_nginx_is_not_given_a_path_that_it_cannot_read(self) -> None:
        folders = self.top / "dol$lar"
        folders.mkdir()
        self.fails([*self.words(), "--path", folders, "--nginx-conf"], "nginx.conf cannot name the path "
                   f"'{folders}/certs/localhost/.lockstep/gen-00000001': it has a character special to nginx",
                   "invalid_argument")  # fmt: skip


class Groups(CertificateCase):
    def setUp(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root to give files to a group")
        super().setUp()

    def test_a_group_reaches_its_folder_from_the_first_import_on(self) -> None:
        self.well(*self.words(), "--path", self.top / "new", "--group", "www-data")
        for folder in (self.top / "new", self.top / "new" / "certs"):
            self.assertEqual(folder.stat().st_mode & 0o777, 0o755)

    def test_another_group_takes_the_whole_folder_over(self) -> None:
        self.well(*self.words())
        self.well(*self.words(), "--group", "www-data")
        group = (self.folder / "privkey.pem").stat().st_gid
        for folder in (self.folder, self.folder / ".lockstep"):
            self.assertEqual((folder.stat().st_gid, folder.stat().st_mode & 0o777), (group, 0o750))
        self.fails([*self.words(), "--group", "4294967295"], "--group: there is no group 4294967295", "usage", 2)


if __name__ == "__main__":
    unittest.main()
