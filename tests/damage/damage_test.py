"""Every kind of damage is named (the thing, the place, the remedy), and repair loses nothing that was good.

Each entry of corpus.py is done to a copy of a real store. Then: the doctor says it, by --json and in words, and changes
nothing by that; the remedy, pasted into a shell as it is printed, leaves a store that the doctor is content with, whose
pair openssl accepts, whose numbers only went up, and which the next command can use; every byte that was there is still
somewhere. What cannot be mended is left exactly as it was.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from cli_case import Case, UnprivilegedCase
from corpus import CA, CORPUS, Damage
from support import (binary, check_issued, check_pair, environment, lockstep, lockstep_json, make_ca, make_request,
                     scratch, sign, tree_difference, tree_state)  # fmt: skip
from ways import live, remove


def contents(store: Path) -> set[str]:
    """A digest of every file with something in it, wherever it lies; not of a whole record, which any commit may change."""
    record = store / ".lockstep" / "history"
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*")
            if not path.is_symlink() and path.is_file() and path.stat().st_size > 0
            and not (path == record and path.read_bytes().startswith(b'{"schema":1'))}  # fmt: skip


def number(path: Path) -> int:
    return int(path.read_text(), 16)


class Corpus(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        scratched = scratch("damage", in_memory=True)
        cls.top = scratched.__enter__()
        cls.addClassCleanup(scratched.__exit__, None, None, None)
        cls.work = cls.top / "work"
        cls.work.mkdir()
        (cls.top / "bin").mkdir()
        (cls.top / "bin" / "lockstep").symlink_to(binary())
        cls.prepare()
        cls.work.rename(cls.top / "template")

    @classmethod
    def prepare(cls) -> None:
        cls.ca, cls.folder = cls.work / "ca", cls.work / "data" / "certs" / "localhost"
        make_ca(cls.ca)
        for index in range(4):
            _, csr = make_request(cls.work, f"p{index}")
            if index < 3:
                sign(cls.ca, csr, cls.work / f"p{index}.crt")
                cls.import_pair(index)
            if index == 1:  # the last generation of the CA is no revocation: its loss loses none
                lockstep("ca", "--data-dir", cls.ca, "revoke", "2")
                lockstep("ca", "--data-dir", cls.ca, "crl")
                lockstep("ca", "--data-dir", cls.ca, "revoke", "3")
        cls.newest = (cls.folder / "cert.pem").read_bytes()
        cls.numbers = {name: number(cls.ca / name) for name in ("serial", "crlnumber")}

    @classmethod
    def import_pair(cls, index: int) -> None:
        lockstep("cert", "--path", cls.work / "data", "import", "--domain", "localhost", "--cert", cls.work / f"p{index}.crt",
                 "--key", cls.work / f"p{index}.key", "--chain", cls.ca / "ca.crt", "--combined", "--nginx-conf")  # fmt: skip

    def setUp(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.top / "template", self.work, symlinks=True)

    def test_the_corpus(self) -> None:
        names = [damage.name for damage in CORPUS]
        self.assertEqual(len(set(names)), len(names))
        for damage in CORPUS:
            with self.subTest(damage=damage.name):
                self.setUp()
                self.judge(damage)

    def judge(self, damage: Damage) -> None:
        store = self.ca if damage.store == CA else self.folder
        damage.do(store)
        finding = self.named(damage, store)
        before, digests = tree_state(self.work), contents(store)
        if not damage.mended:
            self.assertEqual(lockstep("doctor", "--repair", store, expect=None).code, damage.exit)
            if damage.untouched:
                self.assertEqual(tree_difference(before, tree_state(self.work)), [])
            self.paste(finding["hint"], store, damage)
            return
        if damage.exit == 1 or damage.next_command:
            self.mends(damage, finding, store, digests)
        if damage.follow:
            self.check(damage, store)

    def named(self, damage: Damage, store: Path) -> dict:
        """The doctor says what it is, and changes nothing by saying so."""
        before = tree_state(self.work)
        report = lockstep_json("doctor", store, expect=damage.exit)["stores"]
        self.assertEqual(len(report), 1)
        found = [finding for finding in report[0]["findings"]
                 if finding["kind"] == damage.kind and finding["path"].endswith(damage.place)
                 and damage.what in finding["what"] and damage.hint in finding["hint"]]  # fmt: skip
        self.assertTrue(found, report[0])
        self.assertTrue(all(finding["path"].startswith(os.fspath(store)) for finding in report[0]["findings"]), report)
        self.assertTrue(all(finding["what"] for finding in report[0]["findings"]), report)
        text = lockstep("doctor", store, expect=damage.exit).stdout
        self.assertIn(f"  {damage.kind}: {found[0]['path']}: {found[0]['what']}\n", text)
        if found[0]["hint"]:
            self.assertIn(f"    remedy: {found[0]['hint']}\n", text)
        self.assertEqual(tree_difference(before, tree_state(self.work)), [])
        return found[0]

    def shell(self, command: str) -> subprocess.CompletedProcess:
        """The printed remedy, as a person pastes it."""
        path = f"{self.top / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(["sh", "-c", command], env=environment(PATH=path), cwd=self.work, capture_output=True,
                              text=True, timeout=60, check=False)  # fmt: skip

    def paste(self, hint: str, store: Path, damage: Damage) -> None:
        """A remedy that is one command works, also where --repair has none."""
        if not hint.startswith("lockstep doctor --adopt"):
            return
        done = self.shell(hint)
        self.assertEqual(done.returncode, 0, f"{hint}: {done.stderr}")
        self.assertEqual(lockstep("doctor", store, expect=None).code, 0)
        self.check(damage, store)

    def mends(self, damage: Damage, finding: dict, store: Path, digests: set[str]) -> None:
        done = self.shell(finding["hint"])
        report = lockstep_json("doctor", store, expect=None)["stores"][0]
        self.assertEqual(done.returncode, 0, f"{finding['hint']}\n{done.stdout}{done.stderr}\n{report}")
        kinds = {one["kind"] for one in report["findings"]}
        self.assertLessEqual(kinds, {"note", "leftover"} if damage.exit == 1 else {"note"}, report)
        aside = [one for one in report["findings"] if one["what"] == "a repair set it aside"]
        for beginning in damage.aside:
            pattern = re.compile(rf"/\.lockstep/set-aside-\d{{8}}-{re.escape(beginning)}")
            self.assertTrue([one for one in aside if pattern.search(one["path"])], f"{beginning}: {report}")
        for one in aside:
            self.closed(Path(one["path"]))
        if finding["hint"] == f"lockstep doctor --repair {store}":  # and no command after it, which collects
            self.assertLessEqual(digests, contents(store), "something is lost")
        again = tree_state(self.work)
        self.assertEqual(lockstep("doctor", "--repair", store).code, 0)
        self.assertEqual(tree_difference(again, tree_state(self.work)), [], "a second repair changed something")

    def closed(self, path: Path) -> None:
        """What was set aside is not for others, and keys keep their modes."""
        if path.is_dir() and not path.is_symlink():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o700, path)
            for key in (*path.glob("*.key"), *path.glob("privkey.pem")):
                if key.is_file() and not key.is_symlink():
                    self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600, key)

    def check(self, damage: Damage, store: Path) -> None:
        if damage.store == CA:
            self.check_authority()
        else:
            self.check_folder(damage.lost)
        self.assertEqual(lockstep("doctor", store).code, 0)

    def check_authority(self) -> None:
        check_pair(self.ca / "ca.crt", self.ca / "ca.key")
        for name, before in self.numbers.items():
            self.assertGreaterEqual(number(self.ca / name), before, name)
        listed = {one["serial"]: one["status"] for one in lockstep_json("ca", "--data-dir", self.ca, "list")["certificates"]}
        self.assertEqual(listed, {"02": "revoked", "03": "revoked", "04": "active"})
        serial = sign(self.ca, self.work / "p3.csr", self.work / "p3.crt")
        self.assertGreaterEqual(int(serial, 16), self.numbers["serial"])
        check_issued(self.ca / "ca.crt", [self.work / "p3.crt"])
        made = lockstep_json("ca", "--data-dir", self.ca, "crl")
        self.assertEqual(made["revoked_certificates"], 2)
        self.assertGreaterEqual(made["crl_number"], self.numbers["crlnumber"])

    def check_folder(self, lost: bool) -> None:
        check_pair(self.folder / "cert.pem", self.folder / "privkey.pem")
        check_pair(self.folder / "cert.pem", self.folder / "combined.pem")
        check_issued(self.ca / "ca.crt", [self.folder / "cert.pem"])
        self.assertEqual((self.folder / "cert.pem").read_bytes() == self.newest, not lost)
        self.assertEqual((self.folder / "fullchain.pem").read_bytes(),
                         (self.folder / "cert.pem").read_bytes() + (self.folder / "chain.pem").read_bytes())  # fmt: skip
        named = re.findall(r'"(/[^"]+)"', (self.folder / "nginx.conf").read_text())
        self.assertEqual({Path(path).parent for path in named}, {(self.folder / ".lockstep" / "current").resolve()})
        sign(self.ca, self.work / "p3.csr", self.work / "p3.crt")
        self.import_pair(3)
        check_pair(self.folder / "cert.pem", self.folder / "privkey.pem")


class Unreadable(UnprivilegedCase):
    """What cannot be read is not damaged: whoever acts on it goes back to an older state although the newer is whole."""

    def test_a_file_without_permission_is_said_and_nothing_is_repaired(self) -> None:
        for command in (["init", "--subject", "CN=Root"], ["crl"]):
            self.assertEqual(self.lockstep("ca", *command).code, 0)
        (self.ca / ".lockstep" / "pending").symlink_to("gen-00000042")  # damage that a repair would mend
        for name in ("serial", "index.json", "manifest.json"):
            with self.subTest(name=name):
                path = live(self.ca) / name
                path.chmod(0)
                before = tree_state(self.top)
                for more in ([], ["--repair"]):
                    outcome = self.lockstep("doctor", *more, self.ca)
                    self.assertEqual(outcome.code, 1)
                    self.assertIn("Permission denied", outcome.stdout + outcome.stderr)
                    if not more:
                        self.assertIn("  unreadable: ", outcome.stdout)
                self.assertIn("nothing is repaired as long as a part cannot be read", outcome.stderr)
                self.assertEqual(tree_difference(before, tree_state(self.top)), [])
                path.chmod(0o600)


class Elsewhere(Case):
    """What is not about one store: paths, other people's stores, files published in place."""

    def test_a_path_that_does_not_exist_hides_nothing_of_the_others(self) -> None:
        self.initialize()
        for command in ("doctor", "recover"):
            with self.subTest(command=command):
                outcome = self.lockstep(command, self.top / "nowhere", self.ca)
                self.assertEqual(outcome.code, 1)
                self.assertIn(f"{self.top}/nowhere: failed", outcome.stdout)
                self.assertIn(f"{self.ca}: ", outcome.stdout)
                self.assertIn("No such file or directory", outcome.stderr)
                document = self.json(command, self.ca, self.top / "nowhere", expect=1)
                self.assertIn("No such file", str(document))
                self.assertIn(os.fspath(self.ca), str(document))
                self.fails([command, self.top / "nowhere"], "…", "not_found")

    def test_another_users_ca_is_recovered_by_its_owner(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root to give a directory away")
        self.initialize()
        for path in (self.ca, *self.ca.rglob("*")):
            os.chown(path, 4321, 4321, follow_symlinks=False)
        outcome = self.lockstep("recover", self.ca)
        self.assertEqual(outcome.code, 1)
        self.assertIn(f"'{self.ca}' is the CA of uid 4321, not of you (uid 0)", outcome.stderr)
        self.assertIn(f"sudo -u '#4321' lockstep recover {self.ca}", outcome.stderr)

    def published(self) -> Path:
        """A folder in which a publish was cut off: its record is all that is left of it."""
        self.request()
        home = self.top / "home"
        home.mkdir()
        for name in ("host.key", "host.csr"):
            shutil.copy(self.top / name, home / name)
        return home

    def test_a_record_that_is_none_is_damage_to_doctor_and_recover(self) -> None:
        home = self.published()
        intent = home / ".host.key.lockstep-intent"
        for text in ("", "{", '{"schema":1,"state":"commit","targets":[]}'):
            intent.write_text(text)
            before = tree_state(home)
            finding = self.json("doctor", home, expect=1)["stores"][0]["findings"][0]
            self.assertEqual((finding["kind"], finding["path"]), ("damage", os.fspath(intent)))
            self.assertIn("is not a valid intent record", finding["what"])
            self.assertEqual(self.lockstep("doctor", "--repair", home).code, 1)
            self.assertEqual(self.lockstep("recover", home).code, 1)
            self.assertEqual(tree_difference(before, tree_state(home)), [])
        command = finding["hint"].partition(": ")[2]
        self.assertEqual(command, f"rm -r {intent}")
        self.tool("sh", "-c", command)
        self.succeeds(["doctor", home], "No stores found.\n")

    def test_two_records_about_one_file_are_damage(self) -> None:
        home = self.published()
        digest = hashlib.sha256((home / "host.key").read_bytes()).hexdigest()
        for first in ("host.csr", "host.key"):
            targets = ",".join(
                f'{{"directory":"{home}","name":"{name}","temporary":".{name}.aaaa0{first[-1]}.tmp","backup":"",'
                f'"old_sha256":null,"new_sha256":"{digest}"}}' for name in (first, "host.key")[: 2 if first == "host.csr" else 1])
            (home / f".{first}.lockstep-intent").write_text(f'{{"schema":1,"state":"commit","targets":[{targets}]}}')
        before = tree_state(home)
        report = self.json("doctor", home, expect=1)["stores"][0]
        self.assertIn("damage", [finding["kind"] for finding in report["findings"]])
        outcome = self.lockstep("recover", home)
        self.assertEqual(outcome.code, 1)
        self.assertIn(f"both say what is to become of '{home}/host.key'", outcome.stderr)
        self.assertEqual(tree_difference(before, tree_state(home)), [])

    def test_a_list_that_is_missing_or_out_of_date_is_made_again(self) -> None:
        self.initialize()
        command = f"lockstep ca --data-dir {self.ca} crl"
        self.well("ca", "crl")
        remove(live(self.ca) / "ca.crl")
        hint = self.json("doctor", self.ca, expect=1)["stores"][0]["findings"][0]["hint"]
        self.assertEqual(hint, f"lockstep doctor --adopt {self.ca} && {command}")
        self.well("doctor", "--adopt", self.ca)
        notes = [finding for finding in self.json("doctor", self.ca)["stores"][0]["findings"] if finding["kind"] == "note"]
        self.assertEqual([(note["path"], note["hint"]) for note in notes], [(f"{self.ca}/ca.crl", command)])
        self.well("ca", "crl")
        self.assertEqual(self.json("doctor", self.ca)["stores"][0]["findings"], [])


if __name__ == "__main__":
    unittest.main()
