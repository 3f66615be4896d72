"""What a person changes in a CA's directory by hand is named, refused, taken over when asked to, and never overwritten.

Two ways of saving a file are tried: in place (through the link that the name is) and replacing (the name becomes a
regular file), as editors do either.
"""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable
from pathlib import Path

from cli_case import Case
from support import tree_difference, tree_state

ACTIVE = '"status":"active","revoked_at":"","revocation_reason":""'
REVOKED = '"status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"superseded"'


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def replacing(path: Path, text: str) -> None:
    fresh = path.with_name("fresh")
    fresh.write_text(text)
    fresh.chmod(0o600)
    fresh.rename(path)


WAYS = (in_place, replacing)


class Edits(Case):
    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        csr = self.request()
        self.well("ca", "sign", csr, csr, csr)
        self.index = self.ca / "index.json"
        self.original = self.index.read_text()
        self.changing = (["ca", "sign", csr], ["ca", "revoke", "3"], ["ca", "crl"])

    def for_each_way(self, test: Callable[[Callable[[Path, str], None]], None]) -> None:
        for way in WAYS:
            with self.subTest(way=way.__name__):
                test(way)

    def refusal(self, way: Callable[[Path, str], None], name: str = "index.json") -> str:
        if way is in_place:
            generation = (self.ca / ".lockstep" / "current").readlink()
            return (f"'{self.ca}/.lockstep/{generation}/{name}' is not what was committed: it was edited by hand or is "
                    "damaged")  # fmt: skip
        return f"'{self.ca}/{name}' is a regular file where the store keeps a link: an editor replaced it, or it is mounted there"

    def test_a_consistent_edit_is_refused_until_it_is_adopted(self) -> None:
        def check(way: Callable[[Path, str], None]) -> None:
            text = self.index.read_text().replace(ACTIVE, REVOKED, 1)
            way(self.index, text)
            for command in self.changing:
                self.fails(command, self.refusal(way), "edited_by_hand")
            report = self.json("doctor", self.ca, expect=1)["stores"][0]
            self.assertEqual([finding["kind"] for finding in report["findings"]], ["edited"])
            self.assertEqual(self.index.read_text(), text)
            self.assertEqual(self.lockstep("doctor", "--adopt", self.ca).code, 0)
            self.assertTrue(self.index.is_symlink())
            self.assertEqual(self.index.read_text(), text)
            self.well("doctor", self.ca)
            listed = self.json("ca", "list", "--status", "revoked")["certificates"]
            self.assertEqual((listed[-1]["revoked_at"], listed[-1]["revocation_reason"]), ("2026-03-01T12:00:00Z", "superseded"))
            self.well("ca", "crl")

        self.for_each_way(check)
        self.assertEqual(len(self.json("ca", "list", "--status", "revoked")["certificates"]), 2)

    def test_any_json_form_is_taken_over_and_kept_in_ours(self) -> None:
        entries = json.loads(self.original)
        replacing(self.index, json.dumps([dict(reversed(entry.items())) for entry in entries], indent=4))
        self.well("doctor", "--adopt", self.ca)
        self.assertEqual(self.index.read_text(), self.original)

    def test_an_inconsistent_edit_names_the_entry_and_changes_nothing(self) -> None:
        entries = json.loads(self.original)

        def edited(position: int, **fields: object) -> str:
            changed = [dict(entry) for entry in entries]
            changed[position].update(fields)
            return json.dumps([{key: value for key, value in entry.items() if value is not None} for entry in changed])

        for text, part in (
            (edited(1, serial="02"), "entry 2: its serial 02 is not above the one before it"),
            (edited(2, status="lost"), "entry 3: status is neither 'active' nor 'revoked'"),
            (edited(0, subject=None), "entry 1: the field 'subject' is missing or not a text"),
            (edited(0, subject=7), "entry 1: the field 'subject' is missing or not a text"),
            (edited(0, comment="x"), "entry 1: it has a field that an entry does not have"),
            (edited(1, status="revoked"), "entry 2: revoked_at and revocation_reason must be there"),
            (edited(1, not_after="tomorrow"), "entry 2: "),
            (edited(1, serial="zz"), "entry 2: not a serial number: 'zz'"),
            (edited(1, subject="CN=another"), "entry 03 differs from its certificate in subject or dates"),
            (edited(2, serial="05"), "the next serial 05 is not above the highest one in index.json, 05"),
            (json.dumps(entries[:2]), "index.json has no entry for serial 04"),
            ("[]", "index.json has no entry for serial 0"),
            ("{}", "is not an array"),
            (self.original[:-20], "index.json"),
            ("", "index.json"),
        ):
            for way in WAYS:
                with self.subTest(part=part, way=way.__name__):
                    self.refused_edit(way, text, part)
                    self.restore()

    def refused_edit(self, way: Callable[[Path, str], None], text: str, part: str) -> None:
        way(self.index, text)
        before = tree_state(self.top)
        outcome = self.lockstep("doctor", "--adopt", self.ca)
        self.assertEqual(outcome.code, 1)
        self.assertIn(part, outcome.stderr)
        self.assertIn("; the edit is not taken over\nHint: ", outcome.stderr)
        self.fails(self.changing[0], self.refusal(way), "edited_by_hand")
        self.assertEqual(tree_difference(before, tree_state(self.top)), [])

    def restore(self) -> None:
        if not self.index.is_symlink():
            self.index.unlink()
            self.index.symlink_to(".lockstep/current/index.json")
        self.index.write_text(self.original)
        self.well("doctor", self.ca)

    def test_readers_refuse_what_was_edited_in_place(self) -> None:
        in_place(self.index, self.original.replace("localhost", "elsewhere"))
        for command in (["ca", "list"], ["ca", "show", "2"]):
            self.fails(command, self.refusal(in_place), "edited_by_hand")

    def test_counters_are_never_set_back(self) -> None:
        self.well("ca", "crl")
        for name, text in (("serial", "04\n"), ("serial", "05"), ("serial", "xx\n"), ("serial", ""), ("crlnumber", "01\n")):
            for way in WAYS:
                with self.subTest(name=name, text=text, way=way.__name__):
                    path = self.ca / name
                    original = path.read_text()
                    way(path, text)
                    before = tree_state(self.top)
                    self.assertEqual(self.lockstep("doctor", "--adopt", self.ca).code, 1)
                    self.fails(self.changing[0], self.refusal(way, name), "edited_by_hand")
                    self.assertEqual(tree_difference(before, tree_state(self.top)), [])
                    path.unlink()
                    path.symlink_to(f".lockstep/current/{name}")
                    path.write_text(original)
        replacing(self.ca / "serial", "ff\n")  # forward is a person's right
        self.well("doctor", "--adopt", self.ca)
        self.assertEqual(self.json("ca", "sign", "host.csr")["certificates"][0]["serial"], "ff")

    def test_a_foreign_key_is_not_adopted(self) -> None:
        replacing(self.ca / "ca.key", (self.top / "host.key").read_text())
        outcome = self.lockstep("doctor", "--adopt", self.ca)
        self.assertEqual(outcome.code, 1)
        self.assertIn("it is not the key of ca.crt; the edit is not taken over", outcome.stderr)

    def test_repair_goes_forward_from_an_intact_generation(self) -> None:
        self.well("ca", "revoke", "2")
        self.well("ca", "crl")
        in_place(self.ca / "serial", "junk")
        for command in self.changing:
            self.fails(command, "…", "edited_by_hand")
        outcome = self.well("doctor", "--repair", self.ca)
        self.assertIn("  done: ", outcome.stdout)
        signed = self.json("ca", "sign", "host.csr")["certificates"][0]
        self.assertGreater(int(signed["serial"], 16), 4)
        self.assertEqual([entry["serial"] for entry in self.json("ca", "list", "--status", "revoked")["certificates"]], ["02"])
        self.assertGreater(self.json("ca", "crl")["crl_number"], 1)
        report = self.json("doctor", self.ca)["stores"][0]
        self.assertEqual([finding["what"] for finding in report["findings"]], ["a repair set it aside"])
        self.tool("sh", "-c", report["findings"][0]["hint"].partition(": ")[2])
        self.succeeds(["doctor", self.ca], f"{self.ca}: ok, ca, generation {self.generation()}\n")
        self.succeeds(["recover", self.ca], f"{self.ca}: recovered\n")

    def generation(self) -> int:
        return int(str((self.ca / ".lockstep" / "current").readlink()).removeprefix("gen-"))

    def test_a_certificate_file_that_was_lost_or_changed_is_reported(self) -> None:
        certificate = self.ca / "certs" / "03.pem"
        kept = certificate.read_text()
        for change, part in ((certificate.unlink, "entry 03 has no certificate file"),
                             (lambda: certificate.write_text(kept.replace("M", "N")), "certs/03.pem: "),
                             (lambda: certificate.write_text((self.ca / "certs" / "02.pem").read_text()),
                              "it is the certificate with serial 02")):  # fmt: skip
            change()
            outcome = self.lockstep("doctor", self.ca)
            self.assertEqual(outcome.code, 1)
            self.assertIn(part, outcome.stdout)
            certificate.write_text(kept)
        self.well("doctor", self.ca)


if __name__ == "__main__":
    unittest.main()
