"""What a server may answer besides what it should: every error of RFC 8555 6.7, broken answers, and answers that get lost."""

from __future__ import annotations

import email.utils
import json
import signal
import time
import unittest

from acme_case import ProxyCase
from acme_proxy import Action, Answer, Exchange, dripping, edited, lost, problem, rewritten, says, silent, truncated
from acme_server import PATIENCE, program
from support import tree_difference, tree_state

NOT_NOW = {"Retry-After": "7200"}  # longer than a run waits
SOON = {"Retry-After": "1"}


class FaultCase(ProxyCase):
    def fails_by(self, domain: str, place: str, action: Action, *said: str, kind: str) -> dict:
        """The error names what failed; what was live stays so, and nothing of the order is left."""
        before = tree_state(self.folders / "certs")
        self.proxy.clear()
        self.proxy.on(place, action, 0)
        error = self.refused(self.through(domain, extra=("--force",)), *said, kind=kind)
        self.assertEqual(tree_difference(before, tree_state(self.folders / "certs")), [], error)
        self.nothing_left(domain)
        self.proxy.clear()
        return error


class Problems(FaultCase):
    def test_each_type(self) -> None:
        self.well(*self.through("p.test"))
        why = "the words of the CA"
        for place, kind, code, *said in (
                ("newOrder", "malformed", "acme_refused"),
                ("newOrder", "unauthorized", "acme_refused"),
                ("newOrder", "unsupportedIdentifier", "acme_refused", "kind of name"),
                ("newOrder", "userActionRequired", "acme_refused", "terms"),
                ("newOrder", "urn:example:own", "acme_refused", "urn:example:own"),
                ("newOrder", "badSignatureAlgorithm", "acme_refused", "another type"),
                ("challenge", "connection", "challenge_failed", "port 80"),
                ("challenge", "dns", "challenge_failed", "DNS"),
                ("challenge", "incorrectResponse", "challenge_failed", "another server"),
                ("challenge", "tls", "challenge_failed", "TLS"),
                ("challenge", "unauthorized", "acme_refused"),
                ("authorization", "malformed", "acme_refused"),
                ("finalize", "badCSR", "acme_refused", "--key-type"),
                ("finalize", "badPublicKey", "acme_refused", "--key-type"),
                ("finalize", "caa", "challenge_failed", "CAA"),
                ("certificate", "unauthorized", "acme_refused"),
        ):  # fmt: skip
            with self.subTest(kind=kind, place=place):
                error = self.fails_by("p.test", place, problem(kind, why), why, *said, kind=code)
                self.assertIn(kind, error["message"])
        parts = [{"type": "urn:ietf:params:acme:error:caa", "detail": "not for us", "identifier": {"type": "dns", "value": "q.test"}}]
        for kind, code in (("compound", "acme_refused"), ("rejectedIdentifier", "acme_refused")):
            self.fails_by("p.test", "newOrder", problem(kind, why, subproblems=parts), why, "q.test", "not for us", kind=code)
        self.installed("p.test")

    def test_at_a_new_account(self) -> None:
        for kind, said in (("invalidContact", "-m"), ("unsupportedContact", "-m"), ("badPublicKey", ""), ("malformed", ""),
                           ("externalAccountRequired", "--eab-kid"), ("badSignatureAlgorithm", ""), ("unauthorized", "")):  # fmt: skip
            with self.subTest(kind):
                self.proxy.clear()
                self.proxy.on("newAccount", problem(kind, "the words of the CA"))
                self.refused(self.through("n.test"), "the words of the CA", said, kind="acme_refused")
                self.assertFalse(self.folder("n.test").exists())
        self.well(*self.through("n.test"))
        self.installed("n.test")
        self.proxy.on("revokeCert", problem("badRevocationReason", "not that one"))
        self.refused(["cert", "revoke", "n.test"], "not that one", "--reason", kind="acme_refused")
        self.proxy.on("keyChange", problem("malformed", "no"))
        keys = [path.read_bytes() for path in (self.folders / "accounts").glob("*/key.pem")]
        self.refused(["account", "rollover", *self.at(directory=self.proxy.directory)], "no", kind="acme_refused")
        self.assertEqual([path.read_bytes() for path in (self.folders / "accounts").glob("*/key.pem")], keys)

    def test_what_goes_by(self) -> None:
        """Nonces and accounts that are not liked, and servers that are busy for a moment."""
        self.well(*self.through("busy.test"))
        date = {"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)}  # may be over by then: now
        for place, action in (
                ("newOrder", problem("badNonce", "used")),
                ("newOrder", problem("accountDoesNotExist", "who?")),
                ("challenge", problem("serverInternal", "a moment", 500, SOON)),
                ("newOrder", problem("rateLimited", "slowly", 429, SOON)),
                ("newOrder", problem("rateLimited", "slowly", 429, date)),
                ("certificate", says("busy", 503, SOON)),
                ("finalize", problem("orderNotReady", "a moment", 403, SOON)),
        ):  # fmt: skip
            with self.subTest(place):
                self.proxy.clear()
                issued = self.server.issued
                self.proxy.on(place, action)
                self.well(*self.through("busy.test", extra=("--force",)))
                self.assertEqual(self.server.issued, issued + 1)
                self.installed("busy.test")

    def test_what_does_not_go_by_in_this_run(self) -> None:
        self.well(*self.through("wait.test"))
        self.proxy.clear()
        until = email.utils.formatdate(time.time() + 7200, usegmt=True)
        for headers in (NOT_NOW, {"Retry-After": until}):
            self.proxy.on("newOrder", problem("rateLimited", "too many", 429, headers), 0)
            error = self.refused(self.through("wait.test", extra=("--force",)), "too many", "wait until 20",
                                 kind="acme_rate_limited")  # fmt: skip
            self.assertRegex(error["hint"], r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
            self.assertEqual(self.proxy.count("newOrder"), 1)
            self.proxy.clear()
        attempts = self.state("wait.test")["attempts"]
        self.assertEqual((attempts["failed_in_a_row"], attempts["last_error_code"]), (2, "acme_rate_limited"))
        self.assertIsNotNone(attempts["not_before"])
        self.proxy.on("directory", says("closed for today", 503, NOT_NOW))
        self.refused(self.through("wait.test", extra=("--force",)), "directory", kind="acme_unavailable")

    def test_retry_after_of_an_authorization(self) -> None:
        def still_pending(exchange: Exchange) -> Answer:
            answer = edited(lambda document: document.update(status="pending"))(exchange)
            answer.headers.append(("Retry-After", "2"))
            return answer

        asked: list[float] = []

        def watched(exchange: Exchange) -> Answer:
            asked.append(time.monotonic())
            return still_pending(exchange) if len(asked) < 3 else exchange.forward()

        self.proxy.on("authorization", watched, 0)
        self.well(*self.through("slow.test"))
        self.assertGreaterEqual(asked[2] - asked[1], 1.9)


class BrokenAnswers(FaultCase):
    def test_broken(self) -> None:
        self.well(*self.through("b.test"))
        plain = self.proxy.base.replace("https", "http")
        for place, action, *said in (
                ("directory", says("<html>It works!</html>"), "directory"),
                ("directory", says("[]"), "directory"),
                ("directory", edited(lambda d: d.pop("newOrder")), "directory", "newOrder"),
                ("directory", edited(lambda d: d.update(newNonce=f"{plain}/nonce")), "newNonce", "https"),
                ("directory", says("", 302, {"Location": "https://elsewhere.test/dir"}), "redirect"),
                ("newOrder", says("", 307, {"Location": f"{self.proxy.base}/order-plz"}), "redirect"),
                ("newOrder", says("{}", 201), "where the order is"),
                ("newOrder", rewritten(lambda b: b.replace(b'"finalize"', b'"nothing"')), "order", "finalize"),
                ("newOrder", rewritten(lambda b: b[:-20]), "order"),
                ("newOrder", rewritten(lambda b: b.replace(b"{", b'{"status": "ready", "status": "pending",', 1)), "order", "status"),
                ("newOrder", edited(lambda d: d.update(status="great")), "order", "status"),
                ("newOrder", edited(lambda d: d.update(authorizations=d["authorizations"] * 1001)), "authorizations"),
                ("newOrder", edited(lambda d: d.update(finalize=f"{plain}/x")), "finalize", "https"),
                ("newOrder", edited(lambda d: d.update(identifiers=7)), "identifiers"),
                ("authorization", edited(lambda d: d.pop("status")), "authorization", "status"),
                ("authorization", edited(lambda d: [c.update(token="../../x") for c in d["challenges"]]), "token"),
                ("authorization", edited(lambda d: [c.update(url="file:///etc/passwd") for c in d["challenges"]]), "url"),
                ("authorization", says("[" * 100_000), "authorization"),
                ("finalize", says(b"\xff\xfe"), "order"),
                ("certificate", says("no certificate"), "something else than a certificate"),
                ("certificate", rewritten(lambda b: b[: len(b) // 3]), "certificate"),
                ("certificate", rewritten(lambda b: b[b.index(b"-----END") + 26:]), "certificate"),
        ):  # fmt: skip
            with self.subTest(place=place, said=said):
                error = self.fails_broken("b.test", place, action, *said)
                self.assertIn(error["code"], ("acme_bad_answer", "untrusted", "invalid_argument", "parse_error"))
        self.proxy.clear()
        self.well("cert", "renew", "--force")
        self.installed("b.test")

    def fails_broken(self, domain: str, place: str, action: Action, *said: str) -> dict:
        """An answer that makes no sense may be mended: what is live stays, the order may go on."""
        before = self.serial(domain)
        self.proxy.clear()
        self.proxy.on(place, action, 0)
        error = self.refused(self.through(domain, extra=("--force",)), *said)
        self.assertEqual(self.serial(domain), before)
        self.well("cert", "verify", domain, "--trust", self.server.root())
        return error

    def test_too_much(self) -> None:
        self.well(*self.through("big.test"))
        big = json.dumps({"status": "pending", "filler": "x" * 2_000_000})
        for place in ("newOrder", "authorization", "certificate"):
            error = self.fails_broken("big.test", place, says(big), "larger than", "bytes", "127.0.0.1")
            self.assertEqual(error["code"], "too_large")
        self.fails_broken("big.test", "directory", says("{}", 200, {f"X-{n}": "y" * 1000 for n in range(90)}), "larger than")

    def test_another_certificate(self) -> None:
        """Of another key, or for other names: never installed."""
        self.well(*self.through("mine.test"))
        other = (self.folder("mine.test") / "fullchain.pem").read_bytes()
        error = self.fails_by("mine.test", "certificate", says(other), kind="untrusted")
        self.assertIn("the private key does not belong to the certificate", error["message"])

    def test_lost_and_truncated_answers_are_asked_for_again(self) -> None:
        """Three domains in one run, each with another misfortune; nobody is issued a certificate twice."""
        issued = self.server.issued
        self.proxy.on("newOrder", truncated)
        self.proxy.on("finalize", lost)
        self.proxy.on("challenge", lost)
        self.proxy.on("certificate", truncated)
        report = self.json(*self.through("l1.test", "l2.test", "l3.test", extra=("--each",)))
        self.assertEqual((report["renewed"], report["failed"]), (3, 0))
        self.assertEqual(self.server.issued, issued + 3)
        self.assertEqual(self.proxy.count("newOrder"), 4)
        for domain in ("l1.test", "l2.test", "l3.test"):
            self.installed(domain)


class SlowAnswers(FaultCase):
    """Each run is stopped when it has given the answer up: it would wait and try again."""

    def gives_up(self, *words: str) -> str:
        log = self.top / "slow.log"
        log.write_text("")
        child = self.start("-v", "agent", "run", "--once", "--jitter", "0", *words, stderr=log)
        self.eventually("time-out", lambda: "trying again in" in log.read_text())
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(PATIENCE), 1)
        return log.read_text()

    def test_an_answer_that_does_not_come_in_time(self) -> None:
        domain = "drip.test"
        self.well(*self.through(domain))
        self.well(*self.through(domain, extra=("--renew-before", "10000d")))
        before = tree_state(self.folders / "certs")
        for place, action in (("directory", silent), ("newNonce", silent), ("newOrder", silent), ("newOrder", dripping(0.2))):
            with self.subTest(place=place):
                self.proxy.clear()
                self.proxy.on(place, action, 0)
                said = self.gives_up("--timeout", "1s")
                self.assertRegex(said, r"Error: drip\.test: .*127\.0\.0\.1:\d+: .*after \d{4} milliseconds")
                self.assertIn("a longer timeout waits longer", said)
                self.assertEqual(tree_difference(before, tree_state(self.folders / "certs")), [])
                self.nothing_left(domain)
        # From here on there is an order: it is kept, and the next run goes on with it.
        config = self.top / "slow.toml"
        config.write_text('[acme]\ntimeout = "1s"\n')
        for place, action in (("authorization", dripping(0.2)), ("challenge", silent), ("finalize", silent),
                              ("certificate", dripping(0.2))):  # fmt: skip
            with self.subTest(place=place):
                self.proxy.clear()
                self.well(*self.through(domain, extra=("--renew-before", "10000d")))
                serial, issued = self.serial(domain), self.server.issued
                self.proxy.clear()
                self.proxy.on(place, action, 0)
                self.assertRegex(self.gives_up("--config", str(config)), r"after \d{4} milliseconds")
                self.assertEqual(self.serial(domain), serial)
                self.proxy.clear()
                self.assertTrue(self.json("cert", "renew")["results"][0]["resumed"])
                self.assertEqual((self.proxy.count("newOrder"), self.server.issued), (0, issued + 1))
                self.installed(domain)

    def test_a_slow_answer_that_comes_in_time(self) -> None:
        self.proxy.on("newOrder", dripping(0.001))
        self.proxy.on("certificate", dripping(0.0001))
        self.well(*self.through("late.test"))
        self.installed("late.test")
        for wrong in ("0s", "121s", "3m", "-1", "soon"):
            for words in (self.through("late.test"), ["cert", "renew"], ["agent", "run", "--once"], ["account", "rollover"]):
                self.refused([*words, f"--timeout={wrong}"], "--timeout", "between 1s and 2m", wrong, code=2, kind="usage")


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
