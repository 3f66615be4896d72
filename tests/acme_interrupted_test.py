"""Orders that are interrupted: killed clients, restarted servers, full disks, and two runs for one name."""

from __future__ import annotations

import os
import signal
import subprocess
import unittest

from acme_case import AcmeCase, ProxyCase
from acme_proxy import Action, Answer, Exchange
from acme_server import PATIENCE, program
from full_disk import leave_pages
from support import Outcome, binary, environment, run

EC = ("--key-type", "ec256")


class Killed(ProxyCase):
    """kill -9 while the server has, or has not yet, a request; then the next run."""

    def killed_at(self, place: str, taken: bool, words: list[str]) -> None:
        child: list[subprocess.Popen[bytes]] = []

        def act(exchange: Exchange) -> None:
            if taken:
                exchange.forward()
            child[0].send_signal(signal.SIGKILL)
            child[0].wait(PATIENCE)

        self.proxy.on(place, act)
        self.issued = self.server.issued
        gate = self.top / "gate"
        os.mkfifo(gate)
        child.append(subprocess.Popen(["sh", "-c", 'read -r _ < "$0"; exec "$@"', gate, binary(), *words], cwd=self.top,
                                      env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL))  # fmt: skip
        self.addCleanup(self.end, child[0])
        gate.write_text("go\n")
        self.assertEqual(child[0].wait(PATIENCE), -signal.SIGKILL)
        gate.unlink()

    def goes_on(self, place: str, taken: bool, *, orders: int, resumed: bool, finalized: bool) -> None:
        with self.subTest(place=place, taken=taken):
            self.proxy.clear()
            domain = f"{place.lower()}{int(taken)}.test"
            words = self.through(domain)
            self.killed_at(place, taken, words)
            self.assertFalse((self.folder(domain) / "cert.pem").exists())
            row = self.json(*words)["results"][0]
            self.assertEqual((row["status"], row["resumed"], row["was_finalized"]), ("renewed", resumed, finalized))
            self.assertEqual(self.proxy.count("newOrder"), orders)
            self.assertEqual(self.server.issued, self.issued + 1)
            self.installed(domain)
            self.assertIn("unchanged", self.well("cert", "renew").stdout)

    def test_first_certificates(self) -> None:
        self.goes_on("newAccount", True, orders=1, resumed=False, finalized=False)
        self.goes_on("newOrder", False, orders=2, resumed=False, finalized=False)
        self.goes_on("newOrder", True, orders=2, resumed=False, finalized=False)
        self.goes_on("authorization", False, orders=1, resumed=True, finalized=False)
        self.goes_on("challenge", False, orders=1, resumed=True, finalized=False)
        self.goes_on("finalize", False, orders=1, resumed=True, finalized=True)
        self.goes_on("finalize", True, orders=1, resumed=True, finalized=True)
        self.goes_on("certificate", False, orders=1, resumed=True, finalized=True)
        self.goes_on("certificate", True, orders=1, resumed=True, finalized=True)

    def test_a_renewal_is_gone_on_with_though_nothing_is_due(self) -> None:
        self.well(*self.through("again.test"))
        first = self.serial("again.test")
        for place in ("challenge", "finalize"):
            self.proxy.clear()
            before = self.serial("again.test")
            self.killed_at(place, place == "finalize", ["cert", "renew", "--force"])
            self.assertEqual(self.serial("again.test"), before)
            self.well("cert", "verify", "again.test", "--trust", self.server.root())
            self.assertEqual(self.json("cert", "needs-renewal", "again.test")["reason"], "an order is unfinished")
            row = self.json("cert", "renew")["results"][0]
            self.assertEqual((row["resumed"], row["old_serial"]), (True, before))
            self.assertEqual((self.proxy.count("newOrder"), self.server.issued), (1, self.issued + 1))
            self.installed("again.test")
        self.assertNotEqual(self.serial("again.test"), first)

    def test_an_order_for_something_else_is_dropped(self) -> None:
        self.killed_at("finalize", False, self.through("else.test"))
        outcome = self.well("-v", *self.through("else.test", "more.test"))
        self.assertIn("was for something else", outcome.stderr)
        self.installed("else.test", "more.test")

    def test_a_lost_key_change(self) -> None:
        """Both keys are kept until the server has said which one counts."""
        for taken in (False, True):
            self.well(*self.through(f"roll{int(taken)}.test"))
            self.proxy.clear()
            self.killed_at("keyChange", taken, ["account", "rollover", *self.at(directory=self.proxy.directory)])
            self.assertTrue(self.json("account", "show")["accounts"][0]["key_change_pending"])
            self.assertEqual(self.json("cert", "renew", "--force")["failed"], 0)
            self.assertFalse(self.json("account", "show")["accounts"][0]["key_change_pending"])

    def test_the_server_restarts_in_the_middle(self) -> None:
        self.well(*self.through("restart.test"))

        places = []

        def restart(exchange: Exchange) -> Answer:
            places.append(exchange.kind)
            self.server.restart()
            return exchange.forward()

        for place in ("challenge", "authorization", "finalize", "certificate"):
            with self.subTest(place):
                self.proxy.clear()
                before = self.serial("restart.test")
                self.proxy.on(place, restart)
                # Told to take no authorization twice, Pebble (2.4) does so once in a hundred times all the same: then
                # there was no such request.
                while not places:
                    outcome = self.well("-v", "cert", "renew", "--force")
                self.assertEqual(places.pop(), place)
                self.assertIn("does not know the account", outcome.stderr)
                self.assertEqual((self.server.accounts, self.server.issued), (1, 1))
                self.assertNotEqual(self.installed("restart.test")["serial"], before)

    def test_killed_and_forgotten(self) -> None:
        """The order of the run before is not known to anybody when the next run asks for it."""
        self.killed_at("finalize", True, self.through("both.test"))
        self.server.restart()
        self.well(*self.through("both.test"))
        self.installed("both.test")


class FullDisks(ProxyCase):
    def setUp(self) -> None:
        super().setUp()
        disk = self.top / "lockstep-data"
        disk.mkdir()
        mounted = run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", disk])
        if mounted.code != 0:
            self.skipTest(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
        self.addCleanup(run, ["umount", "--lazy", disk])
        self.disk = disk

    def fill(self, pages: int) -> Action:
        def act(exchange: Exchange) -> Answer:
            leave_pages(self.disk, pages)
            return exchange.forward()

        return act

    def test_no_certificate_is_issued_that_has_no_room(self) -> None:
        for renewal in (False, True):
            for pages in (0, 2, 4):
                with self.subTest(renewal=renewal, pages=pages):
                    self.full_before_the_end("room.test" if renewal else f"room{pages}.test", pages, renewal)

    def full_before_the_end(self, domain: str, pages: int, renewal: bool) -> None:
        self.proxy.clear()
        (self.disk / "other").unlink(missing_ok=True)
        words = self.through(domain, extra=("--force",))
        if renewal:
            self.well(*words)
            self.proxy.clear()
        issued = self.server.issued
        self.proxy.on("challenge", self.fill(pages))
        self.refused(words, "no room for the certificate", "No space left on device", str(self.disk), "free space")
        self.assertEqual((self.proxy.count("finalize"), self.server.issued), (0, issued))
        (self.disk / "other").unlink()
        self.assertTrue(self.json(*words)["results"][0]["resumed"])
        self.assertEqual((self.proxy.count("newOrder"), self.server.issued), (1, issued + 1))
        self.installed(domain)

    def test_full_from_the_start(self) -> None:
        self.well("account", "register", *self.at(directory=self.proxy.directory), "-m", "a@example.com", "--agree-tos")
        self.proxy.clear()
        leave_pages(self.disk, 0)
        self.refused(self.through("start.test"), "No space left on device", str(self.disk))
        self.assertEqual(self.proxy.count("newOrder"), 0)
        (self.disk / "other").unlink()
        self.well(*self.through("start.test"))
        self.installed("start.test")


class TwoAtOnce(AcmeCase):
    def test_one_name(self) -> None:
        hook = self.dns.hook(self.top / "hook")
        words = [binary(), *self.words("two.test"), *EC, "--dns", hook, "--json"]
        running = [subprocess.Popen(words, cwd=self.top, env=environment(), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]  # fmt: skip
        ended = []
        for child in running:
            out, err = child.communicate(timeout=60)
            ended.append(Outcome(child.returncode, out.decode(), err.decode()))
        self.assertEqual([outcome.code for outcome in ended], [0, 0, 0], [outcome.text for outcome in ended])
        self.assertEqual(self.server.accounts, 1)
        self.assertEqual(self.server.issued, 1)
        self.installed("two.test")

    def test_several_names_of_one_record(self) -> None:
        hook = self.dns.hook(self.top / "hook")
        names = [f"s{number}.test" for number in range(8)]
        self.well(*self.words(*names), *EC, "--dns", str(hook), "--each")
        for name in names:
            self.installed(name)


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
