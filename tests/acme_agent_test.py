"""Renewal information, profiles, and the agent that renews by itself, against a real server."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import shutil
import signal
import time
import unittest
import urllib.error
import urllib.request

from acme_case import ProxyCase
from acme_proxy import Action, problem, says, silent
from acme_server import PATIENCE, program
from support import free_port

EC = ("--key-type", "ec256")


def moment(offset: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


def window(start: float, end: float, headers: dict[str, str] | None = None, **more: object) -> Action:
    document = {"suggestedWindow": {"start": moment(start), "end": moment(end)}, **more}
    return says(json.dumps(document), 200, headers)


class RenewalInformation(ProxyCase):
    def setUp(self) -> None:
        super().setUp()
        self.offers()
        self.well(*self.through("ari.test"))

    def offers(self) -> None:
        self.proxy.clear()
        self.proxy.offer(renewalInfo=f"{self.proxy.base}/renewal-info")

    def identifier(self) -> str:
        """RFC 9773 4.1, by OpenSSL's reading of the certificate."""
        text = self.tool("openssl", "x509", "-in", self.folder("ari.test") / "cert.pem", "-noout", "-serial", "-ext",
                         "authorityKeyIdentifier")  # fmt: skip
        serial = bytes.fromhex(re.search(r"serial=([0-9A-F]+)", text)[1])  # type: ignore[index]
        key = bytes.fromhex(re.search(r"((?:[0-9A-F]{2}:){10,}[0-9A-F]{2})", text)[1].replace(":", ""))  # type: ignore[index]
        serial = b"\0" + serial if serial[0] & 0x80 else serial
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (key, serial))

    def test_a_window_that_is_open_renews_and_says_what_it_replaces(self) -> None:
        identifier = self.identifier()
        self.offers()
        self.proxy.on("renewalInfo", window(-7200, -3600, explanationURL="https://ca.test/incident"), 0)
        report = self.json("cert", "renew")
        self.assertEqual(report["renewed"], 1)
        self.assertRegex(report["results"][0]["reason"], "the CA suggests")
        self.assertEqual(self.proxy.of("renewalInfo")[0].path, f"/renewal-info/{identifier}")
        self.assertEqual(self.proxy.of("newOrder")[0].payload["replaces"], identifier)
        self.installed("ari.test")

    def test_a_window_to_come_is_kept(self) -> None:
        start, end = 86400, 2 * 86400
        self.proxy.on("renewalInfo", window(start, end, {"Retry-After": "3600"}, explanationURL="https://ca.test/why"), 0)
        self.assertEqual(self.json("cert", "renew")["unchanged"], 1)
        kept = self.state("ari.test")["renewal_info"]
        self.assertTrue(kept["window_start"] <= kept["renew_at"] < kept["window_end"], kept)
        self.assertEqual(kept["explanation_url"], "https://ca.test/why")
        self.well("cert", "renew")
        self.assertEqual(self.proxy.count("renewalInfo"), 1)  # not asked again before the time
        self.assertIn(kept["renew_at"], self.json("cert", "needs-renewal", "ari.test", expect=1)["reason"])
        self.assertEqual(self.state("ari.test")["renewal_info"], kept)

    def test_how_soon_it_is_asked_again(self) -> None:
        for said, least, most in (("1", 55, 65), ("864000", 86000, 86401), (email.utils.formatdate(time.time() + 7200, usegmt=True),
                                                                           7100, 7210), ("soon", 21500, 21610)):  # fmt: skip
            with self.subTest(said):
                self.offers()
                self.forget()
                self.proxy.on("renewalInfo", window(86400, 2 * 86400, {"Retry-After": said}), 0)
                before = int(time.time())
                self.well("cert", "renew")
                again = self.state("ari.test")["renewal_info"]["ask_again"]
                seconds = int(email.utils.parsedate_to_datetime(email.utils.formatdate(
                    time.mktime(time.strptime(again, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)).timestamp()) - before  # fmt: skip
                self.assertTrue(least <= seconds <= most, (said, seconds))

    def forget(self) -> None:
        """That it was asked already."""
        (self.folders / "state" / "ari.test.json").write_text(json.dumps({**self.state("ari.test"), "renewal_info": None}))

    def test_what_is_no_window(self) -> None:
        for action in (window(7200, 3600), window(-3600, -3600), says("{}"), says("<html>"), says("no", 500),
                       says(json.dumps({"suggestedWindow": {"start": "soon", "end": "later"}})),
                       problem("malformed", "never heard of it", 404)):  # fmt: skip
            self.offers()
            self.forget()
            self.proxy.on("renewalInfo", action, 0)
            report = self.json("cert", "renew")
            self.assertEqual(self.proxy.count("renewalInfo"), 1)
            self.assertEqual((report["unchanged"], report["failed"]), (1, 0))
            self.assertIn("a third", report["results"][0]["reason"])
        self.offers()
        self.forget()
        self.proxy.on("renewalInfo", window(7200, 3600, {"Retry-After": "3600"}), 0)
        for _ in range(2):
            self.well("cert", "renew")
        self.assertEqual(self.proxy.count("renewalInfo"), 1)

    def test_a_refused_replacement_is_ordered_without(self) -> None:
        for kind, status in (("alreadyReplaced", 409), ("malformed", 400), ("unauthorized", 403), ("malformed", 404)):
            with self.subTest(kind):
                self.offers()
                self.proxy.on("newOrder", problem(kind, "not that one", status))
                outcome = self.well("-v", "cert", "renew", "--force")
                self.assertIn("ordering without that", outcome.stderr)
                payloads = [exchange.payload for exchange in self.proxy.of("newOrder")]
                self.assertEqual([("replaces" in payload) for payload in payloads], [True, False])
        self.installed("ari.test")

    def test_profiles(self) -> None:
        self.refused(self.through("pro.test", extra=("--profile", "short")), "no profile 'short'", "no profiles at all")
        self.proxy.clear()
        self.proxy.offer(meta={"profiles": {"classic": "https://ca.test/classic", "short": "https://ca.test/short"}})
        self.refused(self.through("pro.test", extra=("--profile", "long")), "no profile 'long'", "classic, short")
        self.assertEqual(self.proxy.count("newOrder"), 0)
        self.assertFalse(self.folder("pro.test").exists())
        self.proxy.on("newOrder", problem("invalidProfile", "not today"))
        self.refused(self.through("pro.test", extra=("--profile", "short")), "not today", "--profile")
        self.well(*self.through("pro.test", extra=("--profile", "short")))
        self.assertEqual(self.proxy.of("newOrder")[-1].payload["profile"], "short")
        self.well("cert", "renew", "-d", "pro.test", "--force")
        self.assertEqual(self.proxy.of("newOrder")[-1].payload["profile"], "short")


class Agents(ProxyCase):
    def ask(self, port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def run_agent(self) -> tuple[int, object]:
        port = free_port()
        child = self.start("agent", "run", "--listen", f"127.0.0.1:{port}", stderr=self.top / "agent.log")

        def answers() -> bool:
            if child.poll() is not None:
                self.fail((self.top / "agent.log").read_text())
            try:
                return "lockstep_agent_round_timestamp_seconds" in self.ask(port, "/metrics")[1]
            except OSError:
                return False

        self.eventually("first round", answers)
        return port, child

    def stops(self, child: object) -> None:
        child.send_signal(signal.SIGTERM)  # type: ignore[attr-defined]
        self.assertEqual(child.wait(PATIENCE), 0, (self.top / "agent.log").read_text())  # type: ignore[attr-defined]

    def test_once(self) -> None:
        self.assertEqual(self.well("agent", "run", "--once", "--jitter", "0").stdout, "There are no certificates to renew.\n")
        self.well(*self.through("once.test"))
        self.assertIn("unchanged", self.well("agent", "run", "--once", "--jitter", "0").stdout)
        self.well(*self.through("once.test", extra=("--renew-before", "10000d")))
        self.assertEqual(self.json("agent", "run", "--once", "--jitter", "0")["renewed"], 1)
        self.installed("once.test")

    def test_it_answers_and_stops(self) -> None:
        self.well(*self.through("watched.test"))
        port, child = self.run_agent()
        code, text = self.ask(port, "/metrics")
        self.assertEqual(code, 200)
        self.assertRegex(text, r'\nlockstep_certificate_expiry_timestamp_seconds\{domain="watched.test"\} \d+\n')
        self.assertRegex(text, r'\nlockstep_certificate_days_left\{domain="watched.test"\} \d+')
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.]+)$')
        code, text = self.ask(port, "/healthz")
        document = json.loads(text)
        self.assertEqual((code, document["schema"], document["status"]), (200, 1, "ok"))
        self.assertEqual(document["certificates"][0]["domain"], "watched.test")
        self.assertEqual(self.ask(port, "/")[0], 404)
        self.stops(child)
        self.refused(["agent", "run", "--listen", f"127.0.0.1:{self.server.port}"], "--listen", str(self.server.port))

    def test_it_wakes_up_for_what_was_changed(self) -> None:
        """A window that opens, seen at the next round; SIGHUP begins one."""
        self.proxy.offer(renewalInfo=f"{self.proxy.base}/renewal-info")
        self.well(*self.through("hup.test"))
        first = self.serial("hup.test")
        self.proxy.on("renewalInfo", problem("serverInternal", "not now", 500))
        port, child = self.run_agent()
        self.assertEqual(self.serial("hup.test"), first)
        self.proxy.on("renewalInfo", window(-7200, -3600), 0)
        child.send_signal(signal.SIGHUP)  # type: ignore[attr-defined]
        self.eventually("renewal", lambda: 'result="success"' in self.ask(port, "/metrics")[1])
        self.assertNotEqual(self.serial("hup.test"), first)
        self.stops(child)
        self.installed("hup.test")

    def test_stopped_in_the_middle_of_an_order(self) -> None:
        self.well(*self.through("mid.test"))
        self.well(*self.through("mid.test", extra=("--renew-before", "10000d")))
        before = self.serial("mid.test")
        self.proxy.clear()
        busy = {"Retry-After": "60"}
        self.proxy.on("challenge", says("busy", 503, busy), 0)
        child = self.start("agent", "run", "--no-listen", stderr=self.top / "agent.log")
        self.eventually("challenge", lambda: self.proxy.count("challenge") > 0)
        self.stops(child)
        self.assertEqual(self.serial("mid.test"), before)
        orders = self.proxy.count("newOrder")
        self.proxy.clear()
        self.assertTrue(self.json("cert", "renew", "--force")["results"][0]["resumed"])
        self.assertEqual((orders, self.proxy.count("newOrder")), (1, 0))
        self.installed("mid.test")

    def test_stopped_with_more_to_come(self) -> None:
        """Those under way are gone on with, those whose turn had not come have no order; a second signal ends it at once."""
        names = [f"s{number}.test" for number in range(6)]
        self.well(*self.through(*names, extra=("--each",)))
        before = {name: self.serial(name) for name in names}
        # A server that has forgotten all authorizations: told to take none twice, Pebble (2.4) does so once in a hundred
        # times, and such an order has no challenge. Another name makes the account known to it again.
        self.server.restart()
        self.well(*self.through("other.test"))
        shutil.rmtree(self.folder("other.test"))
        for signals in ((signal.SIGINT,), (signal.SIGINT, signal.SIGTERM)):
            self.proxy.clear()
            self.proxy.on("challenge", says("busy", 503, {"Retry-After": "60"}) if len(signals) == 1 else silent, 0)
            child = self.start("cert", "renew", "--force", "--concurrency", "2", stderr=self.top / "stopped.log")
            self.eventually("challenges", lambda: self.proxy.count("challenge") >= 2)
            for number in signals:
                child.send_signal(number)
            # Two that arrive together are taken in either order.
            self.assertIn(child.wait(PATIENCE), (1,) if len(signals) == 1 else [-number for number in signals])
            self.assertEqual(self.proxy.count("newOrder"), 2 if len(signals) == 1 else 0)
            self.assertEqual({name: self.serial(name) for name in names}, before)
        self.assertEqual((self.top / "stopped.log").read_text().count("stopped before its turn"), 4)
        self.proxy.clear()
        report = self.json("cert", "renew", "--force")
        self.assertEqual((report["renewed"], sum(row["resumed"] for row in report["results"])), (6, 2))
        self.assertEqual(self.proxy.count("newOrder"), 4)


class ShortLived(ProxyCase):
    OPTIONS = {"validity": 30}

    def test_the_agent_renews_by_itself(self) -> None:
        hook = self.recorder("hook")
        self.well(*self.through("short.test", extra=("--deploy-hook", str(hook))))
        self.assertEqual(len(self.recorded("hook")), 1)
        child = self.start("agent", "run", "--no-listen", stderr=self.top / "agent.log")
        self.eventually("second renewal", lambda: len(self.recorded("hook")) >= 3, 60)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(PATIENCE), 0)
        self.assertGreaterEqual(self.json("cert", "show", "short.test")["generation"], 3)
        self.nothing_left("short.test")


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
