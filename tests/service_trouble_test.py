"""What the status service says, and to whom, when its files cannot be read or its audit log not written."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import ssl
import unittest

from service_save_test import TOKEN, Case, body, fill
from status_server import GROUPS, SERVERS, StatusServer
from support import lockstep, make_ca, make_request, sign

EVIL = r'[{"id":"a","name":"evil\u001b[31m\nWarning: forged","ip":"nowhere"}]'


class Unreadable(Case):
    def told(self, server: StatusServer, what: str, times: int = 1) -> None:
        """It is asked to look, and says in its log and in /health what it found."""
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(f"{what}; what was good before stays in force", times)
        health = server.get("/health").json
        self.assertEqual((health["status"], health["serverCount"]), ("degraded", 2), health)
        self.assertEqual(health["configError"], what)

    def mended(self, server: StatusServer, times: int) -> None:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("can be used again", times)
        self.assertEqual(server.get("/health").json["status"], "ok")
        self.assertEqual(server.ask("POST", SERVERS, body("One", id="one")).status, 201)
        self.assertEqual(server.delete(f"{SERVERS}/one", server.get(f"{SERVERS}/one").etag).status, 200)

    def test_something_else_in_the_files_place(self) -> None:
        server = self.serve()
        path, kept = server.folder / "servers.json", self.top / "kept.json"
        others = {
            "is a directory": (path.mkdir, path.rmdir, 412),
            "is not a regular file": (lambda: os.mkfifo(path), path.unlink, 412),
            f"cannot be read: {os.strerror(errno.ELOOP)}": (lambda: path.symlink_to(path), path.unlink, 500),
        }
        for number, (what, (make, remove, status)) in enumerate(others.items(), 1):
            path.rename(kept)
            make()
            self.told(server, f"servers.json: {what}")
            answer = server.ask("POST", SERVERS, body("x"))
            self.assertEqual(answer.status, status, answer.body)
            self.assertNotIn(str(self.top), answer.body.decode(), "a path of the host")
            remove()
            kept.rename(path)
            self.mended(server, number)

    @unittest.skipUnless(os.geteuid() == 0, "root gives the files to somebody else first")
    def test_a_file_that_may_not_be_read(self) -> None:
        folder = fill(self.top / "root")
        for path in (self.top, self.top / "root", folder, *folder.iterdir()):
            os.chown(path, 1234, 1234)
        server = self.serve(user=1234)
        server.token = TOKEN
        os.chmod(folder / "dashboard-layout.json", 0)
        self.told(server, f"dashboard-layout.json: cannot be read: {os.strerror(errno.EACCES)}")
        self.assertEqual(server.ask("POST", GROUPS, {"name": "x"}).status, 500)
        os.chmod(folder / "dashboard-layout.json", 0o600)
        self.mended(server, 1)

    def test_a_folder_that_is_gone_is_no_empty_configuration(self) -> None:
        server = self.serve()
        server.folder.rename(self.top / "kept")
        self.told(server, f"servers.json: cannot be read: {os.strerror(errno.ENOENT)}")
        self.assertEqual(len(server.get(SERVERS).data["servers"]), 2)
        (self.top / "kept").rename(server.folder)
        self.mended(server, 1)

    def test_a_file_that_is_too_large(self) -> None:
        server = self.serve()
        path = server.folder / "servers.json"
        kept = path.read_bytes()
        path.write_bytes(b" " * 17_000_000)
        self.told(server, "servers.json: has 17000000 bytes; the limit is 16777216")
        answer = server.ask("POST", SERVERS, body("x"))
        self.assertEqual(answer.status, 412)
        self.assertNotIn(str(self.top), answer.error)
        path.write_bytes(kept)
        self.mended(server, 1)

    def test_what_a_file_says_forges_no_line_of_the_log(self) -> None:
        server = self.serve()
        (server.folder / "servers.json").write_text(EVIL)
        line = server.wait_for("what was good before stays in force")
        self.assertIn("evil?[31m?Warning: forged", line)
        self.assertFalse([said for said in server.said if "\x1b" in said or said.startswith("Warning: forged")])

    def test_a_bad_file_at_the_start(self) -> None:
        (fill(self.top / "root") / "servers.json").write_text("[{]")
        server = self.serve()
        server.wait_for("servers.json: not valid JSON at byte 3; nothing is watched until it can be used")
        self.assertFalse([line for line in server.said if "what was good before" in line])
        (server.folder / "servers.json").write_text("[]")
        (server.folder / "dashboard-layout.json").unlink()
        server.wait_for("can be used again")
        (server.folder / "servers.json").write_text("[{]")
        server.wait_for("what was good before stays in force")

    def test_strangers_are_told_no_names(self) -> None:
        ca = make_ca(self.top / "ca")
        folder = fill(self.top / "root")
        key, csr = make_request(self.top, "web")
        sign(ca, csr, self.top / "web.crt")
        lockstep("cert", "--path", self.top / "root", "import", "--domain", "localhost", "--cert", self.top / "web.crt", "--key", key)
        server = self.serve("--certificate", "localhost", listen="0.0.0.0:0", host="localhost",
                            tls=ssl.create_default_context(cafile=os.fspath(ca / "ca.crt")))  # fmt: skip
        (folder / "servers.json").write_text('[{"id":"a","name":"Secret name","ip":"nowhere"}]')
        server.wait_for("what was good before stays in force")
        stranger = server.ask("GET", "/health", token=None)
        self.assertEqual(stranger.json["status"], "degraded")
        self.assertEqual(stranger.json["configError"], "a configuration file cannot be used")
        self.assertIn("'Secret name'", server.ask("GET", "/health").json["configError"])


class Auditing(Case):
    def test_a_change_that_cannot_be_audited_is_made_and_said(self) -> None:
        server = self.serve()
        log = server.folder / "audit.log"
        log.mkdir()
        self.assertEqual(server.ask("POST", SERVERS, body("One")).status, 201)
        server.wait_for("the audit log could not be written")
        health = server.get("/health").json
        self.assertEqual((health["status"], health.get("auditError")), ("degraded", "the audit log cannot be written"))
        self.assertIn("\nlockstep_service_audit_errors_total 1\n", server.get("/metrics").body.decode())
        log.rmdir()
        self.assertEqual(server.ask("POST", SERVERS, body("Two")).status, 201)
        health = server.get("/health").json
        self.assertEqual((health["status"], health.get("auditError")), ("ok", None))
        self.assertEqual([line["name"] for line in server.audit()], ["Two"])


class Stored(Case):
    def test_a_short_life_is_not_expiring_from_its_beginning(self) -> None:
        ca = make_ca(self.top / "ca")
        fill(self.top / "root")
        for name, days in (("short.example", "6"), ("long.example", "90")):
            key, csr = make_request(self.top, name, name)
            lockstep("ca", "--data-dir", ca, "sign", csr, "--validity", days, "--out", self.top / f"{name}.crt")
            lockstep("cert", "--path", self.top / "root", "import", "--domain", name, "--cert", self.top / f"{name}.crt", "--key", key)
        found = self.serve().get("/api/certificates").data["certificates"]
        self.assertEqual({one["name"]: one["state"] for one in found}, {"short.example": "valid", "long.example": "valid"})


del Case  # its tests are in the module that it comes from

if __name__ == "__main__":
    unittest.main(verbosity=2)
