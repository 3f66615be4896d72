"""Progress over many certificates, as a terminal shows it; and that nothing but a terminal is shown any."""

from __future__ import annotations

import re
import unittest

from acme_case import AcmeCase
from acme_server import program
from terminal import Session, on_terminal

EC = ("--key-type", "ec256")
NAMES = [f"number-{number}.a-name-of-some-length.test" for number in range(14)]
COUNT = re.compile(r"^(\d+) of (\d+) done(?:, (\d+) failed)?(?:, (\d+) under way)?$")
RENEW = ["cert", "renew", "--force", "--concurrency", "14"]


class Terminals(AcmeCase):
    def setUp(self) -> None:
        super().setUp()
        self.obtain(*NAMES, extra=self.also(*EC, "--each"))

    def renews(self, rows: int, columns: int) -> Session:
        session = on_terminal(RENEW, self.top, rows, columns)
        self.assertEqual(session.code, 0, session.raw)
        self.assertIn(f"{len(NAMES)} renewed, 0 failed", session.stdout)
        self.assertEqual(session.last, "", "what is over is taken back")
        return session

    def test_who_is_under_way(self) -> None:
        session = self.renews(24, 80)
        counts = [found for frame in session.frames if frame for found in [COUNT.match(frame.splitlines()[0])] if found]
        done = [int(found[1]) for found in counts]
        self.assertEqual((done, max(done)), (sorted(done), len(NAMES)))
        self.assertTrue(all(int(found[2]) == len(NAMES) for found in counts))
        self.assertGreater(max(int(found[4] or 0) for found in counts), 1)
        self.assertLessEqual(max(len(frame.splitlines()) for frame in session.frames), 11)
        for what in ("ordering a certificate for 1 name", r"proving control of number-\d+\.a-name", "sending the request",
                     "downloading the certificate"):  # fmt: skip
            self.assertRegex("\n".join(session.frames), rf"\n  number-\d+\.a-name-of-some-length\.test +{what}")

    def test_small_terminals(self) -> None:
        for rows, columns in ((24, 40), (24, 20), (5, 30), (3, 12)):
            with self.subTest(rows=rows, columns=columns):
                session = self.renews(rows, columns)
                self.assertLess(max(len(frame.splitlines()) for frame in session.frames), rows)
                self.assertLess(max(len(line) for frame in session.frames for line in frame.splitlines()), columns)

    def test_a_failure_and_its_messages(self) -> None:
        self.dns.post("add-a", host=f"{NAMES[3]}.", addresses=["127.0.0.2"])  # type: ignore[arg-type]
        self.addCleanup(self.dns.post, "clear-a", host=f"{NAMES[3]}.")
        session = on_terminal(["agent", "run", "--once", "--jitter", "0"], self.top)
        self.assertEqual((session.code, session.last), (0, ""))
        session = on_terminal(RENEW, self.top)
        self.assertEqual(session.code, 1)
        self.assertIn("14 of 14 done, 1 failed", "\n".join(session.frames))
        self.assertRegex(session.last, rf"^Warning: {re.escape(NAMES[3])}: .*\n.*01$")

    def test_one_alone_is_one_line(self) -> None:
        session = on_terminal(["cert", "renew", "--force", "-d", NAMES[0]], self.top)
        self.assertEqual((session.code, session.last), (0, ""))
        self.assertLessEqual(max(len(frame.splitlines()) for frame in session.frames), 1)
        self.assertIn(f"{NAMES[0]}  ordering a certificate", "\n".join(session.frames))

    def test_where_there_is_none(self) -> None:
        for words in (["-q", *RENEW], ["--json", *RENEW]):
            self.assertEqual(on_terminal(words, self.top).raw, "", words)
        dumb = on_terminal(RENEW, self.top, term="dumb")
        self.assertEqual((dumb.code, dumb.raw), (0, ""))
        self.assertEqual(self.well(*RENEW).stderr, "")
        plain = on_terminal(["-v", *RENEW], self.top)
        self.assertNotIn("\x1b", plain.raw)
        self.assertIn(f"{NAMES[0]}: sending the request", plain.raw)


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
