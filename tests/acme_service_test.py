"""The agent as a service manager sees it: readiness, reloading and stopping; and folders that a group may read."""

from __future__ import annotations

import grp
import os
import signal
import socket
import stat
import subprocess
import unittest

from acme_case import AcmeCase
from acme_server import PATIENCE, program
from support import run

EC = ("--key-type", "ec256")
NOBODY = "65534"


class Notifications(AcmeCase):
    """systemd's side of sd_notify(3): a datagram socket."""

    def listen(self, address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(address.replace("@", "\0", 1))
        listener.settimeout(PATIENCE)
        return listener

    def next(self, listener: socket.socket, *beginnings: str) -> str:
        """The next message must begin with one of these."""
        text = listener.recv(4096).decode()
        self.assertTrue(text.startswith(beginnings), f"{text!r} instead of {beginnings}: {self.log.read_text()}")
        return text

    def agent(self, address: str, *words: str) -> subprocess.Popen[bytes]:
        self.log = self.top / "agent.log"
        return self.start("agent", "run", "--no-listen", *words, stderr=self.log, NOTIFY_SOCKET=address)

    def test_ready_reloading_and_stopping(self) -> None:
        config = self.top / "lockstep.toml"
        general = (f'[acme]\nserver = "{self.server.directory}"\nca_bundle = "{self.server.trust}"\nemail = "admin@example.com"\n'
                   f'agree_tos = true\nhttp = "127.0.0.1:{self.server.http_port}"\nkey_type = "ec256"\n')  # fmt: skip
        config.write_text(general)
        for address in (str(self.top / "notify"), f"@lockstep-test-{os.getpid()}"):
            with self.subTest(address):
                listener = self.listen(address)
                child = self.agent(address, "--config", str(config))
                self.assertEqual(self.next(listener, "READY=1"), "READY=1")
                self.assertRegex(self.next(listener, "STATUS="), r"^STATUS=\d certificates, next round at 20\d\d-")

                # What the configuration says from now on counts from now on.
                name = f"n{len(address)}.test"
                config.write_text(config.read_text() + f'[[certificate]]\nnames = "{name}"\n')
                child.send_signal(signal.SIGHUP)
                self.assertRegex(self.next(listener, "RELOADING=1"), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
                self.assertEqual(self.next(listener, "READY=1"), "READY=1")
                self.next(listener, "STATUS=")
                self.installed(name)

                # One that cannot be read ends nothing.
                kept = config.read_text()
                config.write_text(kept + "nonsense = 1\n")
                child.send_signal(signal.SIGHUP)
                self.next(listener, "RELOADING=1")
                self.assertEqual(self.next(listener, "READY=1"), "READY=1")
                self.next(listener, "STATUS=")
                self.assertIn("the configuration stays as it was: ", self.log.read_text())
                self.assertIn("unknown key 'nonsense'", self.log.read_text())
                config.write_text(kept)

                child.send_signal(signal.SIGTERM)
                self.assertEqual(self.next(listener, "STOPPING=1"), "STOPPING=1")
                self.assertEqual(child.wait(PATIENCE), 0, self.log.read_text())
                listener.settimeout(0)
                self.assertRaises(BlockingIOError, listener.recv, 1)

    def test_nobody_listens(self) -> None:
        """A service manager that is gone, or an address that is none, stops nothing."""
        for address in (str(self.top / "nobody"), "relative", "@", "/" + "x" * 300):
            with self.subTest(address):
                child = self.agent(address, "-v")
                self.eventually("first round", lambda: "next round at" in self.log.read_text())
                child.send_signal(signal.SIGINT)
                self.assertEqual(child.wait(PATIENCE), 0)
                self.log.unlink()


@unittest.skipIf(os.geteuid() != 0, "SKIPPED: only root can give files to a group that it is not in")
class Groups(AcmeCase):
    def setUp(self) -> None:
        super().setUp()
        self.top.chmod(0o755)
        self.group = next(group for group in grp.getgrall() if group.gr_gid not in (0, int(NOBODY)) and not group.gr_mem)

    def may_read(self, domain: str) -> None:
        folder = self.folder(domain)
        for path in (folder / ".lockstep" / "current").resolve().iterdir():
            self.assertEqual(path.stat().st_gid, self.group.gr_gid, path)
        info = folder.stat()
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_gid), (0o750, self.group.gr_gid))
        key = folder / "privkey.pem"
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o640)
        # What the modes are for: a server in the group reads both, others neither.
        for groups, code in ((str(self.group.gr_gid), 0), (NOBODY, 1)):
            for path in (key, folder / "fullchain.pem"):
                read = run(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--groups", groups, "cat", path])
                self.assertEqual(read.code, code, f"{path} with group {groups}: {read.text}")

    def test_obtained(self) -> None:
        self.obtain("g.test", extra=self.also(*EC, "--group", self.group.gr_name, "--combined"))
        self.may_read("g.test")
        self.well("cert", "renew", "--force")
        self.may_read("g.test")
        before = self.server.orders
        self.refused([*self.words("h.test"), *self.http(), "--group", "no-such-group"], "--group", "no-such-group", code=2)
        self.assertEqual(self.server.orders, before)

    def test_imported(self) -> None:
        self.initialize()
        self.well("ca", "sign", self.request("host"), "--out", "host.crt")
        self.well("cert", "import", "--domain", "localhost", "--cert", "host.crt", "--key", "host.key", "--group",
                  self.group.gr_name)  # fmt: skip
        self.may_read("localhost")


if __name__ == "__main__":
    program("pebble", "pebble")
    unittest.main()
