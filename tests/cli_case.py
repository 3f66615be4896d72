"""What the tests of single commands share: exact outputs, and that a failed command changed nothing.

It proves nothing by itself. `fails` runs a command twice, plainly and with --json, and holds both against the same
error and against the state of the whole scratch directory before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path

from support import TIMEOUT, Outcome, binary, environment, run, scratch, tree_difference, tree_state

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NOBODY = 65534

Arguments = Sequence[str | os.PathLike[str]]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        scratched = scratch("cli", in_memory=True)
        self.top = scratched.__enter__()
        self.addCleanup(scratched.__exit__, None, None, None)
        self.ca = self.top / "ca-data"  # what --data-dir defaults to in the working directory
        self.folders = self.top / "lockstep-data"

    def lockstep(self, *arguments: str | os.PathLike[str]) -> Outcome:
        """Runs it in the scratch directory; no secret may be in what it says."""
        return self.no_secret(run([binary(), *arguments], cwd=self.top))

    def no_secret(self, outcome: Outcome) -> Outcome:
        for stream in (outcome.stdout, outcome.stderr):
            self.assertNotIn("PRIVATE KEY-----", stream)
        keys = [path for path in self.top.rglob("*") if path.is_file() and path.name.endswith((".key", "key.pem"))]
        for path in keys if os.geteuid() == 0 else []:
            lines = path.read_text(errors="replace").splitlines()[1:-1]
            for line in filter(lambda text: len(text) > 20, lines):
                self.assertNotIn(line, outcome.stdout + outcome.stderr, f"bytes of {path.name}")
        return outcome

    def succeeds(self, arguments: Arguments, stdout: str, stderr: str = "") -> Outcome:
        """Exit 0 and exactly these texts; <time> stands for any time."""
        outcome = self.lockstep(*arguments)
        self.assertEqual(outcome.code, 0, outcome.text)
        self.matches(stdout, outcome.stdout)
        self.matches(stderr, outcome.stderr)
        return outcome

    def matches(self, template: str, text: str) -> None:
        pattern = re.escape(template).replace("<time>", TIME)
        if not re.fullmatch(pattern, text):
            self.assertEqual(re.sub(TIME, "<time>", text), template)

    def json(self, *arguments: str | os.PathLike[str], expect: int = 0) -> dict:
        """The one document that --json prints, with its schema."""
        outcome = self.lockstep(*arguments, "--json")
        self.assertEqual(outcome.code, expect, outcome.text)
        document = json.loads(outcome.stdout)
        self.assertEqual(document["schema"], 1)
        return document

    def fails(self, arguments: Arguments, message: str, kind: str, code: int = 1) -> None:
        """Exit `code` with exactly this error in both forms (a message that ends in … may go on), nothing changed."""
        before = tree_state(self.top)
        plain = self.lockstep(*arguments)
        self.assertEqual(plain.code, code, f"{arguments}: {plain.text}")
        self.assertEqual(plain.stdout, "")
        first, *rest = plain.stderr.splitlines()
        self.says(f"Error: {message}", first)
        self.assertTrue(all(line.startswith("Hint: ") for line in rest) and len(rest) <= 1, plain.stderr)

        structured = self.lockstep("--json", *arguments)
        self.assertEqual(structured.code, code, f"--json {arguments}: {structured.text}")
        self.assertEqual(structured.stderr, "")
        document = json.loads(structured.stdout)
        self.assertEqual(list(document), ["error"])
        self.assertEqual(sorted(document["error"]), ["code", "hint", "message"])
        self.assertEqual(document["error"]["code"], kind)
        self.says(message, document["error"]["message"])
        self.assertEqual(rest, [f"Hint: {document['error']['hint']}"] if document["error"]["hint"] else [])
        self.assertEqual(tree_difference(before, tree_state(self.top)), [], f"{arguments} failed and changed something")

    def says(self, expected: str, text: str) -> None:
        if expected.endswith("…"):
            self.assertEqual(text[: len(expected) - 1], expected[:-1])
        else:
            self.assertEqual(text, expected)

    def lockstep_with(self, arguments: Arguments, stdout: int | None = None,
                      before: Callable[[], None] | None = None) -> Outcome:  # fmt: skip
        """Runs it with another standard output, or after `before` in the child."""
        done = subprocess.run([binary(), *arguments], cwd=self.top, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, timeout=TIMEOUT, preexec_fn=before)  # fmt: skip
        return self.no_secret(Outcome(done.returncode, "", done.stderr.decode()))

    def initialize(self, *arguments: str) -> None:
        self.well("ca", "init", "--subject", "CN=Root", *arguments)

    def request(self, name: str = "host", *arguments: str) -> Path:
        self.well("ca", "request", "--subject", "CN=localhost", "--san", "DNS:localhost,IP:127.0.0.1", "--out-key",
                  f"{name}.key", "--out-csr", f"{name}.csr", *arguments)  # fmt: skip
        return self.top / f"{name}.csr"

    def well(self, *arguments: str | os.PathLike[str]) -> Outcome:
        outcome = self.lockstep(*arguments)
        self.assertEqual(outcome.code, 0, f"{arguments}: {outcome.text}")
        return outcome

    def tool(self, *words: str | os.PathLike[str]) -> str:
        """Another program, which must be content."""
        outcome = run(words, cwd=self.top)
        self.assertEqual(outcome.code, 0, f"{words}: {outcome.text}")
        return outcome.stdout + outcome.stderr


class UnprivilegedCase(Case):
    """Runs the program as nobody when the test runs as root: root may read and write everything."""

    def setUp(self) -> None:
        super().setUp()
        self.program = binary()
        if os.geteuid() != 0:
            return
        os.chown(self.top, NOBODY, NOBODY)
        self.program = shutil.copy(binary(), self.top.parent / f"{self.top.name}.program")
        os.chmod(self.program, 0o755)
        self.addCleanup(os.unlink, self.program)
        tried = self.run_program("--version")
        if tried.code != 0:
            print(f"SKIPPED: nobody cannot run the program in {self.top.parent}: {tried.text}", file=sys.stderr)
            self.skipTest("an unprivileged user cannot reach the temporary directory")

    def run_program(self, *arguments: str | os.PathLike[str]) -> Outcome:
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            done = subprocess.run([self.program, *arguments], cwd=self.top, env=environment(), stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=TIMEOUT, **identity)  # fmt: skip
        except PermissionError as denied:
            return Outcome(126, "", str(denied))
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def lockstep(self, *arguments: str | os.PathLike[str]) -> Outcome:
        return self.no_secret(self.run_program(*arguments))
