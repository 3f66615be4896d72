"""Renewing: what is due, hooks and their failures, several domains in one run, and runs that change nothing."""

from __future__ import annotations

import unittest

from acme_case import AcmeCase
from acme_server import AcmeServer, program
from support import binary, tree_difference, tree_state

EC = ("--key-type", "ec256")


class Renewals(AcmeCase):
    def test_what_is_due(self) -> None:
        self.assertEqual(self.well("cert", "renew").stdout, "There are no certificates to renew.\n")
        self.obtain("due.test", extra=self.also(*EC))
        first, orders = self.serial("due.test"), self.server.orders
        self.assertRegex(self.well("cert", "renew").stdout, r"^due\.test  unchanged    not due before \d{4}-.*: renewed with a third")
        self.assertEqual(self.lockstep("cert", "renew", "--exit-code-if-unchanged").code, 3)
        report = self.json("cert", "renew")
        self.assertEqual((report["renewed"], report["failed"], report["unchanged"], report["dry_run"]), (0, 0, 1, False))
        self.assertEqual(self.server.orders, orders)
        self.needs("due.test", 1, False)

        self.well("cert", "renew", "-d", "due.test", "--force")
        second = self.installed("due.test")
        self.assertNotEqual(second["serial"], first)
        self.assertEqual(self.json("cert", "renew", "--force", "--exit-code-if-unchanged")["results"][0]["old_serial"],
                         second["serial"])  # fmt: skip

        # Due from now on, as the settings were changed without another certificate.
        self.obtain("due.test", extra=self.also(*EC, "--renew-before", "10000d"))
        self.assertEqual(self.json("cert", "show", "due.test")["generation"], 4)
        self.needs("due.test", 0, True)
        self.refused([*self.words("due.test"), *self.also("--renew-before", "100000d")], "--renew-before", "10000 days", code=2)

    def needs(self, domain: str, code: int, needs: bool) -> None:
        document = self.json("cert", "needs-renewal", domain, expect=code)
        self.assertEqual((document["domain"], document["needs_renewal"]), (domain, needs))
        self.assertRegex(document["reason"], ".")
        self.assertEqual(self.lockstep("cert", "needs-renewal", domain).code, code)

    def test_needs_renewal_otherwise(self) -> None:
        nothing = self.lockstep("cert", "needs-renewal", "none.test")
        self.assertEqual(nothing.code, 2)
        self.assertIn("there is no certificate for none.test", nothing.stderr)
        self.assertEqual(self.lockstep("cert", "needs-renewal", "../x").code, 255)
        self.obtain("torn.test", extra=self.also(*EC))
        (self.folders / "state" / "torn.test.json").write_text("{")
        damaged = self.lockstep("cert", "needs-renewal", "torn.test")
        self.assertEqual(damaged.code, 255, damaged.text)
        self.assertIn("torn.test.json", damaged.stderr)
        self.assertIn("move it away", damaged.stderr)
        self.assertEqual(self.lockstep("cert", "needs-renewal").code, 2)

    def test_unknown_ways(self) -> None:
        self.refused(["cert", "renew", "-d", "none.test"], "none.test", kind="not_found")
        self.initialize()
        self.well("ca", "sign", self.request("host"), "--out", "host.crt")
        self.well("cert", "import", "--domain", "localhost", "--cert", "host.crt", "--key", "host.key")
        self.refused(["cert", "renew", "-d", "localhost"], "how the certificate of localhost is renewed is not known",
                     "cert obtain -d localhost", kind="not_found")  # fmt: skip
        self.assertIn("imported", self.well("cert", "renew", "--force").stdout)

    def test_dry_run(self) -> None:
        before = self.server.orders
        report = self.json(*self.words("dry.test"), *self.http(), *EC, "--dry-run")
        self.assertEqual((report["dry_run"], report["renewed"]), (True, 1))
        self.assertEqual(self.server.orders, before + 1)
        self.assertFalse((self.folders / "certs").exists())
        self.assertEqual(list(self.folders.glob("orders/*.json")) + list(self.folders.glob("state/*.json")), [])
        hook = self.recorder("hook")
        self.obtain("dry.test", extra=self.also(*EC, "--pre-hook", str(hook), "--deploy-hook", str(hook), "--post-hook", str(hook)))
        called, kept = self.recorded("hook"), tree_state(self.folders)
        self.assertIn("would renew", self.well("cert", "renew", "--dry-run").stdout)
        self.assertEqual(tree_difference(kept, tree_state(self.folders)), [])
        self.assertEqual(self.recorded("hook"), called)
        self.assertEqual(self.server.orders, before + 3)
        self.refused([*self.words("dry.test"), "--http", "127.0.0.1:0", *EC, "--dry-run"], "could not confirm dry.test")
        self.assertEqual(tree_difference(kept, tree_state(self.folders)), [])

    def test_each_on_its_own(self) -> None:
        self.dns.post("add-a", host="broken.test.", addresses=["127.0.0.2"])  # type: ignore[arg-type]
        names = ("e1.test", "broken.test", "e2.test", "e3.test")
        outcome = self.lockstep(*self.words(*names), *self.http(), *EC, "--each")
        self.assertEqual(outcome.code, 1)
        lines = outcome.stdout.splitlines()
        self.assertEqual([line.split()[:2] for line in lines[:4]],
                         [["e1.test", "renewed"], ["broken.test", "failed"], ["e2.test", "renewed"], ["e3.test", "renewed"]])
        self.assertEqual(lines[4], "3 renewed, 1 failed, 0 unchanged")
        self.assertIn("broken.test: ", outcome.stderr)
        for name in ("e1.test", "e2.test", "e3.test"):
            self.installed(name)
        self.assertFalse(self.folder("broken.test").exists())
        self.dns.post("clear-a", host="broken.test.")
        self.assertEqual(self.json("cert", "renew", "--force", "--concurrency", "1")["renewed"], 3)

    def test_many_at_once(self) -> None:
        """More threads than cores on one account, one session and one listener; the thread sanitizer's run is this one."""
        names = [f"m{number}.test" for number in range(24)]
        self.assertEqual(self.json(*self.words(*names), *self.http(), *EC, "--each")["renewed"], len(names))
        before = {name: self.serial(name) for name in names}
        # One that fails among them, with tries, a report and a state of its own.
        self.dns.post("add-a", host="m7.test.", addresses=["127.0.0.2"])  # type: ignore[arg-type]
        self.addCleanup(self.dns.post, "clear-a", host="m7.test.")
        report = self.json("cert", "renew", "--force", "--concurrency", "12", expect=1)
        self.assertEqual((report["renewed"], report["failed"]), (len(names) - 1, 1))
        self.assertEqual([row["domain"] for row in report["results"] if row["status"] == "failed"], ["m7.test"])
        for name in names:
            self.installed(name)
            self.assertEqual(self.serial(name) == before[name], name == "m7.test")

    def test_another_ca_brings_another_certificate(self) -> None:
        self.obtain("move.test", extra=self.also(*EC))
        other = AcmeServer(self.place / "other", self.dns.dns, validity=30 * 86400)
        self.addCleanup(other.stop)
        self.obtain("move.test", server=other, extra=[*self.http(other), *EC])
        self.installed("move.test", server=other)
        self.assertEqual(self.state("move.test")["settings"]["server"], other.directory)
        self.well("cert", "rollback", "move.test")
        self.tool("openssl", "verify", "-CAfile", self.server.root(), "-untrusted", self.folder("move.test") / "chain.pem",
                  self.folder("move.test") / "cert.pem")  # fmt: skip


class Hooks(AcmeCase):
    def hooks(self, **programs: object) -> list[str]:
        return [word for kind, path in programs.items() for word in (f"--{kind}-hook", str(path))]

    def test_the_facts_that_they_are_given(self) -> None:
        hook = self.recorder("hook", 'test "$1" = "two words" && test "$2" = last', f"{self.lockstep_program()} cert show h.test --path {self.folders} > "
                             f"{self.top}/shown.$LOCKSTEP_HOOK || true")  # fmt: skip
        said = f"{hook} 'two words' last"
        self.obtain("h.test", "i.test", extra=self.also(*EC, *self.hooks(pre=said, deploy=said, post=said, failure=said)))
        first = self.serial("h.test")
        names = f"DOMAIN=h.test DOMAINS=h.test i.test LIVE={self.folder('h.test')}"
        self.assertEqual(self.recorded("hook"), [
            f"HOOK=pre {names} OLD_SERIAL= NEW_SERIAL= GENERATION= ERROR=",
            f"HOOK=deploy {names} OLD_SERIAL= NEW_SERIAL={first} GENERATION=1 ERROR=",
            f"HOOK=post {names} OLD_SERIAL= NEW_SERIAL={first} GENERATION=1 ERROR="])  # fmt: skip
        self.assertIn(first, (self.top / "shown.deploy").read_text())  # it may call the program: no lock is held
        self.well("cert", "renew", "--force")
        self.assertEqual(self.recorded("hook")[4],
                         f"HOOK=deploy {names} OLD_SERIAL={first} NEW_SERIAL={self.serial('h.test')} GENERATION=2 ERROR=")
        count = len(self.recorded("hook"))
        self.well("cert", "renew")
        self.assertEqual(len(self.recorded("hook")), count)

    def lockstep_program(self) -> str:
        return f"{binary()}"

    def test_failure(self) -> None:
        hook = self.recorder("hook")
        words = [*self.words("f.test"), "--http", "127.0.0.1:0", *EC, *self.hooks(pre=hook, deploy=hook, post=hook, failure=hook)]
        error = self.refused(words, "could not confirm f.test")
        self.assertEqual([line.split()[0] for line in self.recorded("hook")], ["HOOK=pre", "HOOK=failure", "HOOK=post"])
        self.assertIn(f"ERROR={error['message'].removeprefix('f.test: ')}", self.recorded("hook")[1])

    def test_a_pre_hook_that_fails_stops_it(self) -> None:
        orders = self.server.orders
        hook = self.script("pre", "echo the proxy does not let go", "exit 4")
        self.refused([*self.words("p.test"), *self.http(), *self.hooks(pre=hook)], "pre hook", str(hook), "4",
                     "the proxy does not let go", kind="hook_failed")  # fmt: skip
        self.assertEqual(self.server.orders, orders)
        self.assertFalse(self.folder("p.test").exists())

    def test_a_deploy_hook_that_fails_is_repeated(self) -> None:
        hook = self.recorder("hook", f"test -e {self.top}/works || {{ echo nginx: config broken; exit 7; }}")
        error = self.refused([*self.words("d.test"), *self.http(), *EC, *self.hooks(deploy=hook)], "deploy hook", str(hook), "7",
                             "nginx: config broken", "repeats the hook", kind="hook_failed")  # fmt: skip
        self.assertIn("live", error["hint"])
        serial, orders = self.installed("d.test")["serial"], self.server.orders
        self.assertEqual(self.json("cert", "needs-renewal", "d.test")["reason"], "a deploy hook is to be repeated")
        self.refused(["cert", "renew"], "nginx: config broken", kind="hook_failed")
        self.refused(["agent", "run", "--once", "--jitter", "0"], "nginx: config broken", kind="hook_failed")
        (self.top / "works").touch()
        report = self.json("cert", "renew", "--exit-code-if-unchanged")
        self.assertEqual((report["results"][0]["hook_repeated"], report["failed"]), (True, 0))
        self.assertEqual(self.server.orders, orders)
        self.assertEqual(self.serial("d.test"), serial)
        last = self.recorded("hook")[-1]
        self.assertIn(f"OLD_SERIAL= NEW_SERIAL={serial} GENERATION=1", last)
        self.assertEqual(self.lockstep("cert", "renew", "--exit-code-if-unchanged").code, 3)
        self.assertEqual(len(self.recorded("hook")), 4)

    def test_rollback(self) -> None:
        hook = self.recorder("hook")
        how = self.also(*EC, *self.hooks(deploy=hook), "--rollback-on-deploy-failure")
        self.obtain("r.test", extra=how)
        first = self.serial("r.test")
        self.recorder("hook", f'test "$LOCKSTEP_NEW_SERIAL" = {first}')
        error = self.refused(["cert", "renew", "--force"], "the certificate before is served again", kind="hook_failed")
        self.assertIn("deploy hook", error["message"])
        self.assertEqual(self.serial("r.test"), first)
        self.installed("r.test")
        called = [line.split(" LIVE")[0] + line[line.index(" OLD_SERIAL"):].split(" GENERATION")[0]
                  for line in self.recorded("hook")[1:]]  # fmt: skip
        self.assertEqual(len(called), 2, called)
        self.assertIn(f"OLD_SERIAL={first}", called[0])
        self.assertIn(f"NEW_SERIAL={first}", called[1])
        self.assertIn("the deploy hook failed", self.state("r.test")["attempts"]["last_error"])

    def test_folders_of_hooks(self) -> None:
        for kind in ("pre", "deploy", "post"):
            directory = self.folders / "hooks" / kind
            directory.mkdir(parents=True)
            for name in ("20-second", "10-first"):
                self.recorder("in-folder", "").rename(directory / name)
            (directory / "30-not-executable").write_text("#!/bin/sh\nexit 1\n")
            (directory / "10-first~").write_text("#!/bin/sh\nexit 1\n")
            (directory / "10-first~").chmod(0o755)
        self.obtain("folder.test", extra=self.also(*EC, *self.hooks(deploy=self.recorder("own"))))
        self.assertEqual([line.split()[0] for line in self.recorded("in-folder")],
                         ["HOOK=pre"] * 2 + ["HOOK=deploy"] * 2 + ["HOOK=post"] * 2)  # fmt: skip
        self.assertEqual(len(self.recorded("own")), 1)

    def test_what_is_no_program(self) -> None:
        self.refused([*self.words("n.test"), *self.http(), *EC, *self.hooks(deploy="/no/such/program x")], "/no/such/program",
                     "No such file", kind="hook_failed")  # fmt: skip
        self.installed("n.test")
        state = self.state("n.test")
        self.assertIsNotNone(state["pending_deploy"])
        self.assertFalse(state["last_hook"]["succeeded"])


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
